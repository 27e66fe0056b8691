/// A route's handler, called where it lies: it cannot be copied, so that a request counts no reference to it.
struct RouteHandler: ~Copyable {
    let body: RouterBuilder.Handler

    func run(_ exchange: Exchange) async throws { try await body(exchange) }
}

/// The handlers of a router, by the indexes of their routes.
//
// `@unchecked Sendable` is sound because the memory is written once, before the router is anybody's.
final class RouteHandlers: @unchecked Sendable {
    private let memory: UnsafeMutablePointer<RouteHandler>
    private let count: Int

    init(count: Int, _ handler: (Int) -> RouterBuilder.Handler) {
        self.count = count
        memory = .allocate(capacity: count)
        for index in 0..<count { (memory + index).initialize(to: RouteHandler(body: handler(index))) }
    }

    deinit {
        memory.deinitialize(count: count)
        memory.deallocate()
    }

    @inline(__always)
    subscript(index: Int) -> UnsafePointer<RouteHandler> {
        precondition(index >= 0 && index < count, "a route's index is below the number of routes")
        return UnsafePointer(memory + index)
    }
}
