import Apus

@testable import Bazaar

/// Where the services of a test run.
enum Deployment: Sendable, CaseIterable {
    /// Every loop has an instance of every service: calls are direct.
    case together
    /// The web is on other loops than the services, and calls go over sockets as between processes.
    case split
}

/// A whole shop behind an HTTP server: three instances of everything.
final class TestSite: Sendable {
    let shop: TestShop
    private let web: LoopGroup
    private let back: LoopGroup?
    private let server: Server<Router>
    private let serving: Task<Void, any Error>
    private let systems: Lock<[ApusActorSystem]>
    let address: SocketAddress
    var loop: EventLoop { web.loops[0] }

    static let instances = 3

    init(_ deployment: Deployment, isClosed: Bool = false, searchesMax: Int = 1000) async throws {
        let shop = try await TestShop()
        self.shop = shop
        let systems = Lock<[ApusActorSystem]>([])
        self.systems = systems
        web = try LoopGroup(count: Self.instances, name: "web")
        back = deployment == .split ? try LoopGroup(count: Self.instances, name: "back") : nil
        var endpoints: [ServiceDirectory.Endpoint] = []
        for (index, loop) in (back?.loops ?? []).enumerated() {
            let address = SocketAddress.unix(path: "\(shop.folder)/services-\(index).sock")
            try await Task(executorPreference: loop) {
                let system = try ApusActorSystem(loop: loop)
                Self.offer(shop, on: system)
                try system.start()
                try system.listen(at: address)
                systems.withLock { $0.append(system) }
            }.value
            endpoints.append(ServiceDirectory.Endpoint(address, replica: index))
        }
        let searches = RateLimit("find-order", searchesMax, per: .seconds(60), metrics: Metrics())
        let directory = ServiceDirectory(
            Dictionary(uniqueKeysWithValues: ["catalogue", "carts", "orders"].map { ($0, endpoints) })
        )
        server = try Server(observation: ServerObservation(metrics: Metrics())) { loop in
            let system = try ApusActorSystem(loop: loop)
            if deployment == .together { Self.offer(shop, on: system) } else { system.update(directory) }
            systems.withLock { $0.append(system) }
            return try Storefront(
                catalogue: try system.service(Contracts.catalogue),
                carts: try system.service(Contracts.carts),
                orders: try system.service(Contracts.orders),
                searches: searches,
                clock: shop.clock,
                isClosed: isClosed
            ).router()
        }
        let bound = AsyncStream<SocketAddress>.makeStream()
        let (server, web) = (server, web)
        serving = Task(executorPreference: web.loops[0]) {
            try await server.run(at: .loopback(port: 0), on: web.loops) { bound.continuation.yield($0) }
        }
        var addresses = bound.stream.makeAsyncIterator()
        address = await addresses.next() ?? .loopback(port: 0)
    }

    private static func offer(_ shop: TestShop, on system: ApusActorSystem) {
        system.offer(Contracts.catalogue) { system in
            CatalogueService(
                actorSystem: system,
                store: shop.store,
                caches: CatalogueCaches(
                    products: brief("products"),
                    shelves: brief("shelves"),
                    best: brief("best-sellers"),
                    companions: brief("companions"),
                    search: ProductSearch(metrics: Metrics())
                )
            )
        }
        let caches = CartCaches(sessions: brief("sessions"), carts: brief("carts"))
        system.offer(Contracts.carts) {
            CartsService(actorSystem: $0, store: shop.store, clock: shop.clock, caches: caches)
        }
        system.offer(Contracts.orders) {
            OrdersService(actorSystem: $0, store: shop.store, clock: shop.clock, caches: caches)
        }
    }

    /// A cache that forgets at once.
    private static func brief<Key: Hashable & Sendable, Value: Sendable>(_ name: String) -> Cache<Key, Value> {
        Cache(name, CacheConfiguration(capacity: 100, lifetime: .nanoseconds(1)), metrics: Metrics())
    }

    func end() async throws {
        server.drain()
        try await serving.value
        for system in systems.withLock({ $0 }) { await Task(executorPreference: system.loop) { system.close() }.value }
        let groups = [web, back].compactMap { $0 }
        await Task.detached { for group in groups { group.shutdown() } }.value
        try await shop.end()
    }

    /// Runs `body` against a site, and ends the site whatever happens.
    static func with(
        _ deployment: Deployment,
        isClosed: Bool = false,
        searchesMax: Int = 1000,
        _ body: (TestSite) async throws -> Void
    ) async throws {
        let site = try await TestSite(deployment, isClosed: isClosed, searchesMax: searchesMax)
        do {
            try await body(site)
        } catch {
            try? await site.end()
            throw error
        }
        try await site.end()
    }
}
