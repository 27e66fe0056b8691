/// A method and a path whose parameters have types: what registers a handler, and what builds a link to it.
///
/// ```swift
/// let review = Route(.get, "/products/{product}/reviews/{index}", ProductID.self, Int.self)
/// let link = review.path(productID, 3)
/// ```
public struct Route<each Parameter: PathParameter>: Sendable {
    /// The method.
    public let method: Method
    /// The path with its holes.
    public let pattern: RoutePattern

    /// A route whose pattern has one hole for each of `types`, in order.
    public init(_ method: Method, _ pattern: String, _ types: repeat (each Parameter).Type) {
        self.method = method
        self.pattern = RoutePattern(pattern)
        var count = 0
        for _ in repeat each types { count += 1 }
        precondition(
            self.pattern.parameterNames.count == count,
            "route \"\(pattern)\" has \(self.pattern.parameterNames.count) parameters, but \(count) types"
        )
    }

    /// The path that names `values`, percent-encoded.
    public func path(_ values: repeat each Parameter) -> String {
        var writer = ByteWriter(capacity: 128)
        writePath(repeat each values, to: &writer)
        return writer.string
    }

    /// Appends the path that names `values`; allocates nothing.
    public func writePath(_ values: repeat each Parameter, to writer: inout ByteWriter) {
        if pattern.segments.isEmpty { writer.append(UInt8(ascii: "/")) }
        var next = 0
        writeLiterals(from: &next, to: &writer)
        for value in repeat each values {
            value.writePathSegment(to: &writer)
            next += 1
            writeLiterals(from: &next, to: &writer)
        }
    }

    private func writeLiterals(from next: inout Int, to writer: inout ByteWriter) {
        while next < pattern.segments.count {
            writer.append(UInt8(ascii: "/"))
            guard case .literal(let text) = pattern.segments[next] else { return }
            writer.append(string: text)
            next += 1
        }
    }

    /// The values in a path that matched this route.
    ///
    /// - Throws: A ``Problem`` with 404 where a segment names no value of its type, 400 where it is not percent-encoded.
    @inlinable
    public func parameters(_ match: RouteMatch, in path: UnsafeRawBufferPointer) throws -> (repeat each Parameter) {
        var index = 0
        return try (repeat match.next(&index, (each Parameter).self, in: path))
    }

    /// What the OpenAPI document says of the parameters, in order.
    public var parameterSchemas: [JSONSchema] {
        var schemas: [JSONSchema] = []
        for type in repeat (each Parameter).self { schemas.append(type.pathSchema) }
        return schemas
    }
}
