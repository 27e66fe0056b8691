import ApusCore

/// The server's side of a relocation, which each process of the folder opens when it first needs it.
final class RelocatedStore: Sendable {
    private let store: Store
    private let folder: String
    private let identity: String
    private let clock: any Clock
    private let opened = Lock(Opened())
    private let forGood = Published<OpenStore>()

    private struct Opened {
        /// By the relocation's token.
        var stores: [UInt64: OpenStore] = [:]
        var isClosed = false
    }

    init(_ store: Store, folder: String, identity: String, clock: any Clock) {
        self.store = store
        self.folder = folder
        self.identity = identity
        self.clock = clock
    }

    /// The store on the server that has all rows for good, once this process has asked for it.
    var settled: OpenStore? { forGood.value }

    /// Opens the store on the server that has all rows for good; blocks.
    func openSettled() throws -> OpenStore {
        let store = try open(try Relocation.expect(folder))
        if settled == nil { forGood.publish(store) }
        return store
    }

    /// Opens the store on the server, once; blocks.
    ///
    /// - Throws: `ConfigurationError`; ``StoreError``.
    func open(_ relocation: Relocation) throws -> OpenStore {
        // Held for as long as the server takes: whoever else is here needs it too, on a thread that may wait.
        try opened.withLock { opened in
            if opened.isClosed { throw StoreError(.closed, "the store was closed") }
            if let store = opened.stores[relocation.token] { return store }
            let filling = Filling(identity: identity, first: relocation.first)
            let made = try relocation.open(store, filling: filling, scratch: folder, clock: clock)
            opened.stores[relocation.token] = made
            return made
        }
    }

    /// Opens one of the server's shards for the folder; blocks.
    func look(_ index: Int, _ list: ShardList) -> @Sendable () throws -> any ShardEngine {
        { [self, weak list] in
            let relocation = try Relocation.expect(folder)
            let there = try open(relocation)
            guard let list, (0..<there.map.shards).contains(index - relocation.first) else {
                throw StoreError(.wrongShard, "\(relocation.place) has no shard for the folder's shard \(index)")
            }
            return RelocatedShard(
                index,
                there: try there.shards.engine(index - relocation.first),
                token: relocation.token,
                list
            )
        }
    }

    func close() async {
        let stores = opened.withLock { opened in
            opened.isClosed = true
            defer { opened.stores = [:] }
            return Array(opened.stores.values)
        }
        for store in stores { await store.close() }
    }
}
