import Apus

/// A gift shop on real data: the reference system of Apus.
///
/// A request goes from the edge to a storefront, from there to the services, and from them to the shard that has the rows.
/// All state is in the store: any process may be killed at any time.
@main
struct Shop: System {
    static let name = "bazaar"
    static let summary = "a gift shop on a real year of sales, the reference system of Apus"

    /// Everything the shop knows, in four databases.
    let store = Schema.store()
    /// What product pages show; two seconds old at most, so stock shown may be gone when it is reserved.
    ///
    /// A product is one row, read again sooner than asked of another process: each keeps its own.
    let products = Cache<ProductID, Product>("products", CatalogueCaches.products)
    /// First pages of the departments.
    let shelves = Cache<Shelf, Listing>("shelves", capacity: 200, lifetime: .seconds(2))
    let best = Cache<Int, [Product]>("best-sellers", capacity: 100, lifetime: .seconds(2))
    /// What is bought with what changes when the shop is filled, and not while it runs.
    let companions = Cache<ProductID, [ProductID]>("companions", capacity: 20_000)
    let sessions = CartCaches.sessions()
    let carts = CartCaches.carts()
    /// How often one address may look for orders by number and email; counted over all replicas.
    let searches = RateLimit("find-order", 20, per: .seconds(60))
    /// Each process's index of titles, made from the store.
    let search = ProductSearch()

    @Setting("sales.file", "The compressed year of sales that an empty shop is filled with; empty finds it in Data/.")
    var salesFile = ""

    @Setting("shop.closed", "Whether visitors find the shop closed for maintenance: every page and call answers 503.")
    var isClosed = false

    var body: some SystemContent {
        Setup("history") { site in try await fill(site) }
        Setup("companions") { site in try await derive(site) }
        Service(Contracts.catalogue, replicas: 2) { host in
            CatalogueService(actorSystem: host.actors, store: store, caches: catalogueCaches)
        } jobs: {
            // The first visitor to search does not wait for the index either.
            Every("index", .seconds(60)) { _ in _ = try await search.index(of: CatalogueTable(store: store)) }
        }
        Service(Contracts.carts, replicas: 2) { host in
            CartsService(actorSystem: host.actors, store: store, clock: SystemClock(), caches: cartCaches)
        }
        Service(Contracts.orders, replicas: 2) { host in
            OrdersService(actorSystem: host.actors, store: store, clock: SystemClock(), caches: cartCaches)
        } jobs: {
            Every("sweep", .seconds(5)) { host in await sweep(host) }
            Every("forget", .seconds(3_600)) { _ in try await Sweeper(store: store, clock: SystemClock()).forget() }
        }
        Web("storefront", replicas: 2) { host in
            try Storefront(
                catalogue: try host.service(Contracts.catalogue),
                carts: try host.service(Contracts.carts),
                orders: try host.service(Contracts.orders),
                searches: searches,
                clock: SystemClock(),
                isClosed: isClosed
            ).router()
        }
        SharedCache()
        Edge(to: "storefront")
    }

    private var cartCaches: CartCaches { CartCaches(sessions: sessions, carts: carts) }

    private var catalogueCaches: CatalogueCaches {
        CatalogueCaches(products: products, shelves: shelves, best: best, companions: companions, search: search)
    }

    /// Makes what is derived from the orders, also in a folder from before it was.
    private func derive(_ site: SetupSite) async throws {
        let count = try await CompanionTable(store: store).makeIfNeeded { done, all, unit in
            site.progress(done, of: all, unit)
        }
        if let count { site.log.info("found what is bought together", ["products": .int(count)]) }
    }

    var loads: [Scenario] {
        [ShoppingLoad.scenario, OrderLoad.scenario(), ReplayLoad.scenario(store: store, sales: salesFile)]
    }

    /// Loads the catalogue and the year of orders into an empty store.
    private func fill(_ site: SetupSite) async throws {
        let given = salesFile
        guard let file = given.isEmpty ? SalesFile.beside() : SalesFile(path: given) else {
            throw ConfigurationError(
                field: "sales.file",
                value: given,
                accepted: "the path of \(SalesFile.name), as in Data/ of the sources"
            )
        }
        let report = try await Loader(store: store, sales: file).loadIfNeeded { done, all, unit in
            site.progress(done, of: all, unit)
        }
        if let report {
            site.log.info(
                "the shop is filled",
                [
                    "products": .int(report.products), "customers": .int(report.customers),
                    "orders": .int(report.orders), "lines": .int(report.orderLines),
                ]
            )
        }
    }

    private func sweep(_ host: Host) async {
        let report = await Sweeper(store: store, clock: SystemClock()).sweep()
        if report != Sweeper.Report() {
            host.log.info(
                "swept up after a crash",
                [
                    "finished": .int(report.finished), "settled": .int(report.settled),
                    "failed": .int(report.failed),
                ]
            )
        }
    }
}
