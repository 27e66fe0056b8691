/// Two routes for the same method and path.
public struct RouteConflict: Error, Sendable, Hashable, CustomStringConvertible {
    /// The method of both.
    public let method: Method
    /// The one declared first.
    public let first: RoutePattern
    /// The one declared second.
    public let second: RoutePattern

    /// Says which two.
    public var description: String {
        "two routes answer \(method.spelling): \(first) and \(second); remove one"
    }
}

/// The trie while it is built, in arrays that may grow.
struct RouteTree {
    struct Literal {
        var text: String
        var node: Int
    }
    struct Node {
        var literals: [Literal] = []
        var parameter: Int?
        var rest: Int?
        var routes: [(method: Method, route: Int)] = []
    }

    private(set) var nodes = [Node()]

    init(_ routes: [RouteInfo]) throws(RouteConflict) {
        precondition(routes.count <= Int(Int16.max), "a table has at most 32,767 routes")
        for (index, route) in routes.enumerated() {
            precondition(route.method != .other, "a route's method is one of the registered ones")
            var node = 0
            for segment in route.pattern.segments { node = child(of: node, segment) }
            if let other = nodes[node].routes.first(where: { $0.method == route.method }) {
                throw RouteConflict(
                    method: route.method,
                    first: routes[other.route].pattern,
                    second: route.pattern
                )
            }
            nodes[node].routes.append((route.method, index))
        }
    }

    private mutating func child(of node: Int, _ segment: RoutePattern.Segment) -> Int {
        let fresh = nodes.count
        switch segment {
        case .literal(let text):
            if let known = nodes[node].literals.first(where: { $0.text == text }) { return known.node }
            nodes[node].literals.append(Literal(text: text, node: fresh))
        case .parameter:
            if let known = nodes[node].parameter { return known }
            nodes[node].parameter = fresh
        case .rest:
            if let known = nodes[node].rest { return known }
            nodes[node].rest = fresh
        }
        nodes.append(Node())
        return fresh
    }
}
