/// A path with named holes, such as `/products/{id}/reviews`; `{rest...}` at the end takes all that is left.
public struct RoutePattern: Sendable, Hashable, CustomStringConvertible {
    /// One segment of the path.
    public enum Segment: Sendable, Hashable {
        /// Text to be met exactly, byte by byte as sent.
        case literal(String)
        /// One segment, not empty, that a parameter of that name takes.
        case parameter(String)
        /// Everything that is left, at least one byte.
        case rest(String)
    }

    /// The segments in order; none for `/`.
    public let segments: [Segment]

    /// Most parameters of a pattern.
    public static let parametersMax = 8

    /// The pattern written as `text`.
    ///
    /// A mistake in it is the programmer's, so it traps with a sentence: a missing slash, an empty segment, a name twice.
    public init(_ text: String) {
        precondition(text.hasPrefix("/"), "route pattern \"\(text)\" must begin with a slash")
        precondition(
            text.utf8.withContiguousStorageIfAvailable { PathRules.fault(UnsafeRawBufferPointer($0)) == nil }
                ?? (Array(text.utf8).withUnsafeBytes { PathRules.fault($0) } == nil)
                || text.hasSuffix("...}"),
            "route pattern \"\(text)\" is not a path that can be requested"
        )
        var segments: [Segment] = []
        var names: Set<String> = []
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() where text != "/" {
            precondition(!part.isEmpty, "route pattern \"\(text)\" has an empty segment")
            guard part.hasPrefix("{"), part.hasSuffix("}") else {
                precondition(!part.contains("{"), "route pattern \"\(text)\": a parameter is a whole segment")
                segments.append(.literal(String(part)))
                continue
            }
            var name = String(part.dropFirst().dropLast())
            let takesRest = name.hasSuffix("...")
            if takesRest { name.removeLast(3) }
            precondition(
                !name.isEmpty && names.insert(name).inserted,
                "route pattern \"\(text)\": a name is missing or twice"
            )
            precondition(!takesRest || index == parts.count - 1, "route pattern \"\(text)\": the rest comes last")
            segments.append(takesRest ? .rest(name) : .parameter(name))
        }
        precondition(names.count <= Self.parametersMax, "route pattern \"\(text)\" has more than 8 parameters")
        self.segments = segments
    }

    /// The names of the parameters in order.
    public var parameterNames: [String] {
        segments.compactMap { segment in
            switch segment {
            case .literal: nil
            case .parameter(let name), .rest(let name): name
            }
        }
    }

    /// The pattern as OpenAPI writes it: `/products/{id}`.
    public var description: String {
        segments.isEmpty
            ? "/"
            : segments.map { segment in
                switch segment {
                case .literal(let text): "/\(text)"
                case .parameter(let name), .rest(let name): "/{\(name)}"
                }
            }.joined()
    }
}
