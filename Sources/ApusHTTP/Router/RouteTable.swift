/// Finds the route of a method and a path: a trie of segments in flat memory.
///
/// Matching works on the bytes as received: no String, no allocation, no reference count. Literals win over parameters,
/// parameters over a rest; where the better branch ends without a route, the other is tried.
///
/// Immutable once made, and its memory lives as long as it: sharing it between threads is sound.
public final class RouteTable: @unchecked Sendable {
    struct Edge {
        var text: UnsafeRawPointer
        var word: UInt64
        var count: Int32
        var node: Int32
    }
    struct Node {
        var edges: Int32 = 0
        var edgeCount: Int32 = 0
        var parameter: Int32 = -1
        var rest: Int32 = -1
        var methods = MethodSet()
        /// Route index by raw value of the method, -1 for none.
        var routes: InlineArray<10, Int16> = .init(repeating: -1)
    }

    /// What each route says of itself, by index.
    public let routes: [RouteInfo]
    private let nodes: UnsafeMutablePointer<Node>
    private let edges: UnsafeMutablePointer<Edge>
    private let texts: [UnsafeMutableRawPointer]

    /// A table of `routes`; their order gives their index.
    ///
    /// - Throws: ``RouteConflict`` where two routes answer the same method on the same path.
    public init(_ routes: [RouteInfo]) throws(RouteConflict) {
        let tree = try RouteTree(routes)
        self.routes = routes
        nodes = .allocate(capacity: tree.nodes.count)
        let edgeCount = tree.nodes.reduce(0) { $0 + $1.literals.count }
        edges = .allocate(capacity: max(edgeCount, 1))
        var texts: [UnsafeMutableRawPointer] = []
        var nextEdge = 0
        for (index, source) in tree.nodes.enumerated() {
            var node = Node()
            node.edges = Int32(nextEdge)
            node.edgeCount = Int32(source.literals.count)
            node.parameter = source.parameter.map(Int32.init) ?? -1
            node.rest = source.rest.map(Int32.init) ?? -1
            for (method, route) in source.routes {
                node.routes[Int(method.rawValue)] = Int16(route)
                node.methods.insert(MethodSet(method))
            }
            if node.methods.contains(.get) { node.methods.insert(MethodSet(.head)) }
            if !node.methods.isEmpty { node.methods.insert(MethodSet(.options)) }
            (nodes + index).initialize(to: node)
            for literal in source.literals {
                let bytes = Array(literal.text.utf8)
                let text = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 8)
                text.copyMemory(from: bytes, byteCount: bytes.count)
                texts.append(text)
                (edges + nextEdge).initialize(
                    to: Edge(
                        text: UnsafeRawPointer(text),
                        word: Self.word(text, bytes.count),
                        count: Int32(bytes.count),
                        node: Int32(literal.node)
                    )
                )
                nextEdge += 1
            }
        }
        self.texts = texts
    }

    deinit {
        nodes.deallocate()
        edges.deallocate()
        for text in texts { text.deallocate() }
    }

    /// Finds the route for `method` and `path`.
    ///
    /// - Parameters:
    ///   - method: The request's method.
    ///   - path: The path as received, without query, still encoded, found good by ``PathRules``; empty stands for `/`.
    ///   - match: Filled in with where the parameters are.
    /// - Returns: The route's index, or why there is none.
    /// - Complexity: O(*n*) in the path's bytes where no literal competes with a parameter; no allocation.
    public func match(_ method: Method, _ path: UnsafeRawBufferPointer, _ match: inout RouteMatch) -> RouteOutcome {
        match.removeAll()
        var search = Search(base: path.baseAddress ?? UnsafeRawPointer(nodes), end: path.count, method: method)
        let isRoot = path.count <= 1
        let found = isRoot ? land(0, &search) : descend(0, 1, &search, &match)
        if found >= 0 { return .route(found) }
        if search.allowed.isEmpty { return .notFound }
        return method == .options ? .options(search.allowed) : .methodNotAllowed(search.allowed)
    }

    private struct Search {
        let base: UnsafeRawPointer
        let end: Int
        let method: Method
        var allowed = MethodSet()
    }

    /// The route at a node where the path has ended, or -1.
    @inline(__always)
    private func land(_ index: Int, _ search: inout Search) -> Int {
        let node = nodes + index
        var route = Int(node.pointee.routes[Int(search.method.rawValue)])
        if route < 0, search.method == .head { route = Int(node.pointee.routes[Int(Method.get.rawValue)]) }
        if route < 0 { search.allowed.formUnion(node.pointee.methods) }
        return route
    }

    /// Follows the segment that begins at `start` from a node; the route found, or -1.
    private func descend(_ index: Int, _ start: Int, _ search: inout Search, _ match: inout RouteMatch) -> Int {
        let node = nodes + index
        let stop = ByteScan.find(UInt8(ascii: "/"), search.base, start, search.end)
        let count = stop &- start
        if count > 0 {
            let word = Self.word(search.base + start, count)
            var edge = edges + Int(node.pointee.edges)
            let last = edge + Int(node.pointee.edgeCount)
            while edge < last {
                if edge.pointee.word == word, Int(edge.pointee.count) == count,
                    count <= 8 || Self.same(edge.pointee.text, search.base + start, count)
                {
                    let route = enter(Int(edge.pointee.node), stop, &search, &match)
                    if route >= 0 { return route }
                    break
                }
                edge += 1
            }
            if node.pointee.parameter >= 0 {
                match.push(start, count)
                let route = enter(Int(node.pointee.parameter), stop, &search, &match)
                if route >= 0 { return route }
                match.pop()
            }
        }
        if node.pointee.rest >= 0, start < search.end {
            match.push(start, search.end &- start)
            let route = land(Int(node.pointee.rest), &search)
            if route >= 0 { return route }
            match.pop()
        }
        return -1
    }

    @inline(__always)
    private func enter(_ index: Int, _ stop: Int, _ search: inout Search, _ match: inout RouteMatch) -> Int {
        stop == search.end ? land(index, &search) : descend(index, stop &+ 1, &search, &match)
    }

    /// The first eight bytes of a segment, zero beyond it.
    @inline(__always)
    private static func word(_ text: UnsafeRawPointer, _ count: Int) -> UInt64 {
        if count >= 8 { return ByteScan.load(text, 0) }
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(ByteScan.byte(text, index)) &<< UInt64(index &* 8) }
        return word
    }

    @inline(__always)
    private static func same(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
        for index in 8..<count where ByteScan.byte(left, index) != ByteScan.byte(right, index) { return false }
        return true
    }
}
