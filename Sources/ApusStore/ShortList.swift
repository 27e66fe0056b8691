/// A list that needs no memory of its own while it has at most four elements.
///
/// Generic although it has one use: so its memory is filled in place, where the optimiser copies a plain structure of
/// this size about.
@usableFromInline
struct ShortList<Element> {
    @usableFromInline var first: Element
    @usableFromInline var second: Element
    @usableFromInline var third: Element
    @usableFromInline var fourth: Element
    @usableFromInline var rest: [Element]?
    @usableFromInline var count: Int

    /// An empty list; `filler` stands in the places that are not used.
    @inlinable @inline(__always)
    init(filler: Element) {
        first = filler
        second = filler
        third = filler
        fourth = filler
        rest = nil
        count = 0
    }

    @inlinable @inline(__always)
    mutating func append(_ element: Element) {
        switch count {
        case 0: first = element
        case 1: second = element
        case 2: third = element
        case 3: fourth = element
        case 4: rest = [element]
        default: rest?.append(element)
        }
        count += 1
    }

    /// Calls `body` with the elements in order.
    @inline(__always)
    func forEach(_ body: (Element) throws -> Void) rethrows {
        if count > 0 { try body(first) }
        if count > 1 { try body(second) }
        if count > 2 { try body(third) }
        if count > 3 { try body(fourth) }
        if let rest { for element in rest { try body(element) } }
    }
}
