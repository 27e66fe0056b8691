/// Where the parameters of a matched path are.
///
/// Trivial: up to eight ranges held inline.
public struct RouteMatch: Sendable {
    private var ranges: InlineArray<8, HeadRange> = .init(repeating: .empty)
    /// How many parameters there are.
    public private(set) var count = 0

    /// A match without parameters.
    public init() {}

    /// Where the parameter at `index` is in the path.
    public subscript(index: Int) -> HeadRange {
        precondition(index >= 0 && index < count, "a parameter index beyond the route's parameters")
        return ranges[index]
    }

    mutating func push(_ start: Int, _ count: Int) {
        ranges[self.count] = HeadRange(start: start, count: count)
        self.count &+= 1
    }

    mutating func pop() { count &-= 1 }
    mutating func removeAll() { count = 0 }
}

/// What a path and a method come to.
public enum RouteOutcome: Sendable, Hashable {
    /// The route at that index; for HEAD it may be a GET route.
    case route(Int)
    /// No route has the path: 404.
    case notFound
    /// Routes have the path, but not the method: 405 with those in `Allow`.
    case methodNotAllowed(MethodSet)
    /// OPTIONS without a route of its own: 204 with those in `Allow`.
    case options(MethodSet)
}
