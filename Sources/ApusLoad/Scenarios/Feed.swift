import ApusCore

/// Data that visitors take from: products to look at, words to search for, orders to replay.
public final class Feed<Element: Sendable>: Sendable {
    /// Who gets what.
    public enum Order: Sendable, Hashable {
        /// One after the other, and from the first again after the last.
        case inTurn
        /// Any of them, as the visitor's own chance has it.
        case random
    }

    /// The data.
    public let elements: [Element]
    private let order: Order
    private let position = Lock(0)

    /// A feed of `elements`, at least one.
    public init(_ elements: [Element], _ order: Order = .random) {
        precondition(!elements.isEmpty, "a feed has something to give")
        self.elements = elements
        self.order = order
    }

    /// What this visitor gets.
    public func next(for visitor: Visitor) -> Element {
        switch order {
        case .random: elements[Int.random(in: 0..<elements.count, using: &visitor.random)]
        case .inTurn:
            elements[
                position.withLock { position in
                    defer { position = (position + 1) % elements.count }
                    return position
                }
            ]
        }
    }

    /// What nobody has got so far, each once; nil when all are gone.
    public func take() -> Element? {
        let index = position.withLock { position -> Int? in
            guard position < elements.count else { return nil }
            defer { position += 1 }
            return position
        }
        return index.map { elements[$0] }
    }
}
