import ApusCore
import ApusRuntime
import ApusStore
import BenchKit
import Glibc

/// Single statements on a PostgreSQL server through the store, against pgbench with the same statement.
///
/// Both have the same number of connections and one thread. pgbench waits for each answer before it asks again; the
/// store has as many statements on their way on each connection as the case says.
struct PostgresBench {
    let url: String
    let folder: String
    let rounds: Int
    /// Seconds a contender is loaded in a round.
    let seconds: Double

    /// What is asked.
    enum Work: Sendable {
        case select, update
        /// An update that may be committed together with others.
        case sharedUpdate

        /// The same for pgbench.
        fileprivate var script: String {
            let statement =
                self == .select
                ? "SELECT id, name, price, stock FROM bench_0.products WHERE id = :id"
                : "UPDATE bench_0.products SET stock = stock + 1 WHERE id = :id"
            return "\\set id random(1, \(BenchStore.rows))\n\(statement);\n"
        }
    }

    /// What one contender did in one round.
    struct Load: Sendable {
        let count: Int
        let seconds: Double
        /// CPU of this process, in nanoseconds.
        let nanoseconds: Int64
        var rate: Double { Double(count) / seconds }
        var nanosecondsEach: Double { Double(nanoseconds) / Double(count) }
    }

    func run(_ options: Options) async throws -> [BenchKit.Row] {
        let names = ["select-16x8", "select-4x64", "update", "client", "fold"].map { "postgres-\($0)" }
        guard names.contains(where: options.wants) else { return [] }
        try await fill()
        var rows: [BenchKit.Row] = []
        for (connections, depth, bar) in [(16, 8, 1.4), (4, 64, 2.2)] {
            let name = "postgres-select-\(connections)x\(depth)"
            guard options.wants(name) else { continue }
            rows.append(try await contest(name, .select, connections, depth, bar: bar))
        }
        if options.wants("postgres-update") {
            rows.append(try await contest("postgres-update", .update, 16, 8, bar: 1))
        }
        if options.wants("postgres-client") { rows.append(try await client()) }
        if options.wants("postgres-fold") { rows.append(try await fold()) }
        return rows
    }

    /// Statements a second, by turns with pgbench on as many connections.
    private func contest(_ name: String, _ work: Work, _ connections: Int, _ depth: Int, bar: Double) async throws
        -> BenchKit.Row
    {
        let (ours, theirs) = try await rates(work, connections, depth, peerConnections: connections)
        return BenchKit.Row(
            name,
            metric: "rate",
            unit: "statements/s",
            better: .higher,
            apus: ours,
            peers: ["pgbench -M prepared -c \(connections)": theirs],
            bar: bar
        )
    }

    /// Updates that wait, folded into few transactions on one connection, against one commit each on sixteen.
    private func fold() async throws -> BenchKit.Row {
        let (ours, theirs) = try await rates(.sharedUpdate, 1, 512, peerConnections: 16)
        return BenchKit.Row(
            "postgres-fold",
            metric: "rate",
            unit: "updates/s",
            better: .higher,
            apus: ours,
            peers: ["pgbench -M prepared -c 16, one commit each": theirs],
            bar: 4
        )
    }

    private func rates(_ work: Work, _ connections: Int, _ depth: Int, peerConnections: Int) async throws
        -> (ours: [Double], theirs: [Double])
    {
        let pgbench = Pgbench(url: url, folder: folder)
        let store = try await open(connections, depth)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        var ours: [Double] = []
        var theirs: [Double] = []
        for round in 0..<rounds + 1 {
            let isFirst = round.isMultiple(of: 2)
            if !isFirst { theirs.append(try pgbench.rate(work.script, peerConnections, seconds)) }
            let load = try await Self.load(
                store,
                work,
                connections * depth,
                for: seconds,
                on: group.loops[0],
                seed: UInt64(round)
            )
            if isFirst { theirs.append(try pgbench.rate(work.script, peerConnections, seconds)) }
            ours.append(load.rate)
        }
        await store.close()
        // The first round warms up.
        return (Array(ours.dropFirst()), Array(theirs.dropFirst()))
    }

    /// CPU of the asking side, against a loop over libpq with the same connections, depth and statement.
    private func client() async throws -> BenchKit.Row {
        let (connections, depth) = (16, 8)
        let store = try await open(connections, depth)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        let each = try PostgresPeer(url: url, connections: connections, syncs: .eachStatement)
        let turn = try PostgresPeer(url: url, connections: connections, syncs: .eachTurn)
        var ours: [Double] = []
        var theirs: (each: [Double], turn: [Double]) = ([], [])
        for round in 0..<rounds + 1 {
            let seed = UInt64(round)
            let load = try await Self.load(
                store,
                .select,
                connections * depth,
                for: seconds,
                on: group.loops[0],
                seed: seed
            )
            ours.append(load.nanosecondsEach / 1000)
            for peer in round.isMultiple(of: 2) ? [each, turn] : [turn, each] {
                let load = try peer.load(depth: depth, seconds: seconds, seed: seed)
                if peer === each {
                    theirs.each.append(load.nanosecondsEach / 1000)
                } else {
                    theirs.turn.append(load.nanosecondsEach / 1000)
                }
            }
        }
        await store.close()
        return BenchKit.Row(
            "postgres-client",
            metric: "cpu",
            unit: "us/select",
            better: .lower,
            apus: Array(ours.dropFirst()),
            peers: [
                "libpq, a sync a statement": Array(theirs.each.dropFirst()),
                "libpq, a sync a turn": Array(theirs.turn.dropFirst()),
            ],
            bar: 1 / 1.25
        )
    }

    // MARK: The store

    private func open(_ connections: Int, _ depth: Int) async throws -> Store {
        var configuration = StoreConfiguration()
        configuration.pipelines = connections
        configuration.pipelineDepth = depth
        let store = Store(
            "bench",
            migrations: [
                Migration(
                    1,
                    "create products",
                    """
                    CREATE TABLE products (
                      id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL) STRICT
                    """
                )
            ],
            configuration: configuration
        )
        try await store.open(BlockSite(url: url, dataFolder: folder))
        return store
    }

    private func fill() async throws {
        let store = try await open(1, 1)
        let shard = try store.shard(for: 1)
        try await shard.transaction(deadline: .seconds(60)) { transaction in
            try transaction.execute("TRUNCATE products")
            try transaction.execute(
                """
                INSERT INTO products (id, name, price, stock)
                SELECT i, 'WHITE HANGING HEART T-LIGHT ' || i, i / 100.0, i % 100
                FROM generate_series(1, \(BenchStore.rows)) AS i
                """
            )
        }
        try await shard.execute("ANALYZE products", deadline: .seconds(60))
        await store.close()
    }

    /// Has so many statements on their way at a time, until the round is over.
    static func load(
        _ store: Store,
        _ work: Work,
        _ outstanding: Int,
        for seconds: Double,
        on loop: EventLoop,
        seed: UInt64
    ) async throws -> Load {
        let clock = SystemClock()
        let cpu = processNanoseconds()
        let start = clock.now()
        let end = start + .nanoseconds(Int64(seconds * 1e9))
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for asker in 0..<outstanding {
                group.addTask(executorPreference: loop) {
                    try await ask(store, work, until: end, seed: seed &* 1_000_003 &+ UInt64(asker))
                }
            }
            return try await group.reduce(0, +)
        }
        let spent = clock.now() - start
        return Load(count: counts, seconds: spent.seconds, nanoseconds: processNanoseconds() - cpu)
    }

    private static func ask(_ store: Store, _ work: Work, until end: Instant, seed: UInt64) async throws -> Int {
        let clock = SystemClock()
        var random = SeededRandom(seed: seed)
        let shard = try store.shard(for: 1)
        var count = 0
        while clock.now() < end {
            let id = Int.random(in: 1...BenchStore.rows, using: &random)
            if work == .select {
                let product = try await shard.one(
                    "SELECT id, name, price, stock FROM products WHERE id = \(id)",
                    as: ReadBench.Product.self
                )
                guard product.id == id else { throw PeerReader.Failure.answersDiffer }
            } else {
                try await shard.execute(
                    "UPDATE products SET stock = stock + 1 WHERE id = \(id)",
                    mayShare: work == .sharedUpdate
                )
            }
            count += 1
        }
        return count
    }
}

/// CPU time of this process.
func processNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
