/// A list that needs no memory of its own while it has at most one element.
///
/// Generic for the reason that ``ShortList`` is.
@usableFromInline
struct TinyList<Element> {
    @usableFromInline var first: Element
    @usableFromInline var rest: [Element]?
    @usableFromInline var count: Int

    /// An empty list; `filler` stands in the place that is not used.
    @inlinable @inline(__always)
    init(filler: Element) {
        first = filler
        rest = nil
        count = 0
    }

    @inlinable @inline(__always)
    mutating func append(_ element: Element) {
        switch count {
        case 0: first = element
        case 1: rest = [element]
        default: rest?.append(element)
        }
        count += 1
    }

    /// The element at `index`; the filler where there is none.
    subscript(index: Int) -> Element {
        guard index > 0, let rest, index <= rest.count else { return first }
        return rest[index - 1]
    }
}
