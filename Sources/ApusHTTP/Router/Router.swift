/// Which handler answers which path, and what runs round it.
///
/// Routes are declared once, with ``Route`` values that links and load scenarios use too. Matching works on the raw
/// path in a flat trie. A path without a route gets 404, one without the method 405 with `Allow`; `HEAD` is answered
/// by the handler of `GET`; `OPTIONS` answers itself.
///
///     let product = Route(.get, "/products/{id}", Int.self)
///
///     var router = RouterBuilder()
///     router.on(product, "One product") { exchange, id in
///         exchange.answer(type: "application/json") { $0.append("{\"id\":\(id)}") }
///     }
///     let handler = try router.build()
public struct RouterBuilder {
    /// What answers a request.
    public typealias Handler = @Sendable (Exchange) async throws -> Void
    /// What runs round handlers; calls `next`, or answers in its place.
    public typealias Middleware = @Sendable (_ exchange: Exchange, _ next: Handler) async throws -> Void

    // Functions in structs, not in arrays: an array would hold them in a general form that costs a frame on every call.
    private struct Entry {
        let info: RouteInfo
        let handler: Handler
    }
    private struct Layer { let body: Middleware }

    private var entries: [Entry] = []
    private var layers: [Layer] = []
    private var fallback: Handler?

    /// No routes yet.
    public init() {}

    /// Runs `middleware` round every handler that is added from here on; the first added is the outermost.
    ///
    /// All of it runs round what no route takes.
    public mutating func use(_ middleware: @escaping Middleware) { layers.append(Layer(body: middleware)) }

    /// Answers requests for `route`.
    ///
    /// - Parameters:
    ///   - route: What is answered.
    ///   - summary: One line for the OpenAPI document.
    ///   - describe: Says more of the route: body limit, content, problems.
    ///   - handler: Gets the exchange and the path's parameters, already of their types; a parameter that does not
    ///     parse is answered with 404 before.
    @inlinable
    public mutating func on<each Parameter: PathParameter>(
        _ route: Route<repeat each Parameter>,
        _ summary: String = "",
        describe: (inout RouteInfo) -> Void = { _ in },
        handler: @escaping @Sendable (Exchange, repeat each Parameter) async throws -> Void
    ) {
        var info = RouteInfo(route, summary: summary)
        describe(&info)
        add(info) { exchange in
            let (match, path) = (exchange.match, exchange.path)
            var index = 0
            try await handler(exchange, repeat try match.next(&index, (each Parameter).self, in: path))
        }
    }

    /// Answers requests for a route without parameters.
    public mutating func on(
        _ route: Route<>,
        _ summary: String = "",
        describe: (inout RouteInfo) -> Void = { _ in },
        handler: @escaping Handler
    ) {
        var info = RouteInfo(route, summary: summary)
        describe(&info)
        add(info, handler)
    }

    @usableFromInline
    mutating func add(_ info: RouteInfo, _ handler: @escaping Handler) {
        entries.append(Entry(info: info, handler: wrapped(handler)))
    }

    /// Answers paths that no route takes, such as with a page instead of a problem document.
    public mutating func otherwise(_ handler: @escaping Handler) { fallback = handler }

    /// What the routes say of themselves, for an OpenAPI document.
    public var routes: [RouteInfo] { entries.map(\.info) }

    /// The finished router.
    ///
    /// - Throws: `RouteConflict` when two routes take the same requests.
    public func build() throws(RouteConflict) -> Router {
        let handlers = RouteHandlers(count: entries.count) { entries[$0].handler }
        // What no route takes is answered inside the middleware too: its answers carry the same fields.
        return Router(table: try RouteTable(routes), handlers: handlers, fallback: fallback, around: wrapped)
    }

    private func wrapped(_ handler: @escaping Handler) -> Handler {
        var wrapped = handler
        for layer in layers.reversed() {
            let next = wrapped
            let middleware = layer.body
            wrapped = { exchange in try await middleware(exchange, next) }
        }
        return wrapped
    }
}

/// Finds a request's route and calls its handler; made by ``RouterBuilder``.
public final class Router: RequestHandler {
    private let table: RouteTable
    private let handlers: RouteHandlers
    private let other: RouterBuilder.Handler
    private let bodyLimits: [Int]
    /// `GET /products/{id}` and so on, by the routes' indexes.
    public let routeNames: [String]

    init(
        table: RouteTable,
        handlers: RouteHandlers,
        fallback: RouterBuilder.Handler?,
        around wrapped: (@escaping RouterBuilder.Handler) -> RouterBuilder.Handler
    ) {
        self.table = table
        self.handlers = handlers
        other = wrapped { exchange in try await Self.answerOther(exchange, table, fallback) }
        bodyLimits = table.routes.map(\.bodyBytesMax)
        routeNames = table.routes.map { "\($0.method.spelling) \($0.pattern)" }
    }

    /// The routes, in the order they were declared.
    public var routes: [RouteInfo] { table.routes }

    /// Answers one request.
    public func handle(_ exchange: Exchange) async throws {
        let index = route(exchange)
        if index >= 0 { return try await handlers[index].pointee.run(exchange) }
        try await other(exchange)
    }

    /// The function of the request's route, or `nil` where no route takes it.
    public func choose(_ exchange: Exchange) -> ChosenHandler? {
        let index = route(exchange)
        return index >= 0 ? ChosenHandler(place: handlers[index]) : nil
    }

    /// The route's index, or what else there is to say as a negative number.
    private func route(_ exchange: Exchange) -> Int {
        let connection = exchange.live
        let path = exchange.path
        if PathRules.fault(path) != nil { return -4 }
        switch table.match(connection.pointee.head.method, path, &connection.pointee.match) {
        case .route(let index):
            connection.pointee.route = Int32(truncatingIfNeeded: index)
            connection.pointee.bodyBytesMax = bodyLimits[index]
            return index
        case .notFound: return -1
        case .methodNotAllowed: return -2
        case .options: return -3
        }
    }

    @inline(never)
    private static func answerOther(
        _ exchange: Exchange,
        _ table: RouteTable,
        _ fallback: RouterBuilder.Handler?
    ) async throws {
        if let fault = PathRules.fault(exchange.path) { throw Problem(fault) }
        var match = RouteMatch()
        switch table.match(exchange.method, exchange.path, &match) {
        case .options(let methods):
            exchange.setField("Allow", allowed(methods))
            exchange.answer(.noContent)
        case .methodNotAllowed(let methods):
            exchange.setField("Allow", allowed(methods))
            throw Problem(.methodNotAllowed, code: "method.notAllowed", detail: "Allowed: \(allowed(methods))")
        case .route, .notFound:
            if let fallback { return try await fallback(exchange) }
            throw Problem(.notFound, code: "path.notFound")
        }
    }

    private static func allowed(_ methods: MethodSet) -> String {
        var writer = ByteWriter(capacity: 64)
        methods.write(to: &writer)
        return writer.string
    }
}
