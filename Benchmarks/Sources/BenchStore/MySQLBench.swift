import ApusCore
import ApusRuntime
import ApusStore
import BenchKit

/// Single statements on a MySQL or MariaDB server through the store, against its C client alone on as many connections.
///
/// The protocol has one statement at a time on a connection: what the store adds to it is a queue, deadlines and typed rows.
struct MySQLBench {
    let url: String
    let folder: String
    let rounds: Int
    /// Seconds a contender is loaded in a round.
    let seconds: Double
    private static let connections = 4
    private static let callers = 32

    /// The first shard's database.
    static let database = "bench_0"
    static let select = "SELECT id, name, price, stock FROM products WHERE id = ?"
    static let update = "UPDATE products SET stock = stock + 1 WHERE id = ?"

    func run(_ options: Options) async throws -> [BenchKit.Row] {
        let works: [(String, PostgresBench.Work)] = [("mysql-select", .select), ("mysql-update", .update)]
        let wanted = works.filter { options.wants($0.0) }
        guard !wanted.isEmpty else { return [] }
        let store = try await open()
        let peer = try MySQLPeer(url: url, connections: Self.connections)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        var rows: [BenchKit.Row] = []
        for (name, work) in wanted {
            var ours: [PostgresBench.Load] = []
            var theirs: [PostgresBench.Load] = []
            for round in 0..<rounds + 1 {
                let isFirst = round.isMultiple(of: 2)
                if !isFirst { theirs.append(try peer.load(work, seconds: seconds, seed: UInt64(round))) }
                ours.append(
                    try await PostgresBench.load(
                        store,
                        work,
                        Self.callers,
                        for: seconds,
                        on: group.loops[0],
                        seed: UInt64(round)
                    )
                )
                if isFirst { theirs.append(try peer.load(work, seconds: seconds, seed: UInt64(round))) }
            }
            // The first round warms up.
            let (own, others) = (ours.dropFirst(), theirs.dropFirst())
            let client = "MariaDB Connector/C, \(Self.connections) connections"
            rows.append(
                BenchKit.Row(
                    name,
                    metric: "rate",
                    unit: "statements/s",
                    better: .higher,
                    apus: own.map(\.rate),
                    peers: [client: others.map(\.rate)],
                    bar: 0.95
                )
            )
            rows.append(
                BenchKit.Row(
                    name,
                    metric: "cpu",
                    unit: "us/statement",
                    better: .lower,
                    apus: own.map { $0.nanosecondsEach / 1000 },
                    peers: [client: others.map { $0.nanosecondsEach / 1000 }]
                )
            )
        }
        await store.close()
        return rows
    }

    private func open() async throws -> Store {
        var configuration = StoreConfiguration()
        configuration.pipelines = Self.connections
        let store = Store(
            "bench",
            migrations: [
                Migration(
                    1,
                    "create products",
                    """
                    CREATE TABLE products (
                      id INTEGER PRIMARY KEY, name VARCHAR(64) NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL)
                    """
                )
            ],
            configuration: configuration
        )
        try await store.open(BlockSite(url: url, dataFolder: folder))
        try await store.shard(for: 1).execute("DELETE FROM products", deadline: .seconds(60))
        try await store.insert(
            1...BenchStore.rows,
            into: "products",
            ["id", "name", "price", "stock"],
            deadline: .seconds(120),
            key: { _ in 1 },
            { [$0, "WHITE HANGING HEART T-LIGHT \($0)", Double($0) / 100, $0 % 100] }
        )
        return store
    }
}
