/// Where the parameters of a matched path are.
///
/// Trivial: up to eight ranges held inline.
public struct RouteMatch: Sendable {
    @usableFromInline var ranges: InlineArray<8, HeadRange> = .init(repeating: .empty)
    @usableFromInline var filled = 0

    /// How many parameters there are.
    @inlinable
    public var count: Int { filled }

    /// A match without parameters.
    public init() {}

    /// Where the parameter at `index` is in the path.
    @inlinable
    public subscript(index: Int) -> HeadRange {
        precondition(index >= 0 && index < filled, "a parameter index beyond the route's parameters")
        return ranges[index]
    }

    mutating func push(_ start: Int, _ count: Int) {
        ranges[filled] = HeadRange(start: start, count: count)
        filled &+= 1
    }

    mutating func pop() { filled &-= 1 }
    mutating func removeAll() { filled = 0 }
}

extension RouteMatch {
    /// The value that the parameter at `index` names; for hot handlers, where ``Route/parameters(_:in:)`` costs 40 ns.
    ///
    /// - Throws: A ``Problem`` with 404 where the segment names no value of the type, 400 where it is not percent-encoded.
    @inlinable
    public func parameter<Value: PathParameter>(
        _ index: Int,
        _ type: Value.Type,
        in path: UnsafeRawBufferPointer
    ) throws -> Value {
        let segment = self[index].bytes(in: path)
        if PathSegment.isEncoded(segment) {
            let bytes = try PathSegment.decode(segment)
            if let value = bytes.withUnsafeBytes({ Value(pathSegment: $0) }) { return value }
        } else if let value = Value(pathSegment: segment) {
            return value
        }
        throw PathSegment.namesNothing()
    }

    @inlinable
    func next<Value: PathParameter>(
        _ index: inout Int,
        _ type: Value.Type,
        in path: UnsafeRawBufferPointer
    ) throws -> Value {
        defer { index &+= 1 }
        return try parameter(index, type, in: path)
    }
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
