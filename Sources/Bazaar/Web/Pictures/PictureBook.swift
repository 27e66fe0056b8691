import Apus

/// Pictures as they were drawn: a product's picture stays the same while its title does, and a page shows two dozen.
///
/// A process draws each product once. The book is bounded: when it is full it is begun anew.
final class PictureBook: Sendable {
    /// The process's own.
    static let shared = PictureBook()

    private struct Key: Hashable {
        let id: ProductID
        let title: String
    }

    /// Most pictures kept; each has about a kilobyte.
    let picturesMax: Int
    private let drawn = Lock<[Key: HTML]>([:])

    init(picturesMax: Int = 8_000) { self.picturesMax = picturesMax }

    /// How many are kept.
    var count: Int { drawn.withLock { $0.count } }

    /// A product's picture.
    func svg(_ id: ProductID, title: String) -> HTML {
        let key = Key(id: id, title: title)
        if let known = drawn.withLock({ $0[key] }) { return known }
        let svg = Picture(id, title: title).svg
        drawn.withLock { drawn in
            if drawn.count >= picturesMax { drawn.removeAll() }
            drawn[key] = svg
        }
        return svg
    }

    /// A department's picture.
    static func svg(_ category: Category) -> HTML { departments[category] ?? Picture(category).svg }

    private static let departments = Dictionary(
        uniqueKeysWithValues: Category.allCases.map { ($0, Picture($0).svg) }
    )
}
