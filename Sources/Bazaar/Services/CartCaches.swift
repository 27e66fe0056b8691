import Apus

/// Sessions and carts, which are in the store, as all processes see them.
struct CartCaches: Sendable {
    let sessions: Cache<String, Session>
    let carts: Cache<String, Cart>

    /// A session never changes, and ends a minute late at most.
    static func sessions(metrics: Metrics = .process) -> Cache<String, Session> {
        Cache("sessions", CacheConfiguration(capacity: 50_000, lifetime: .seconds(60)), metrics: metrics)
    }

    /// Carts are kept in no process's memory: a visitor whose next request another process answers sees what was put in.
    static func carts(metrics: Metrics = .process) -> Cache<String, Cart> {
        var configuration = CacheConfiguration(capacity: 50_000, lifetime: .seconds(60))
        configuration.nearLifetime = .zero
        return Cache("carts", configuration, metrics: metrics)
    }

    /// Forgets a cart that was changed.
    ///
    /// Where the cache's server cannot be reached the change stands all the same: the cart is forgotten there as soon as it
    /// can be, and nobody buys from a cache.
    func forget(_ cart: String) async {
        do {
            try await carts.remove(cart)
        } catch {
            Log("carts").warning("a changed cart is still in the cache", ["error": .error(error)])
        }
    }
}
