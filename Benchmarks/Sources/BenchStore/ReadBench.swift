import ApusCore
import ApusRuntime
import ApusStore
import BenchKit

/// Typed point reads through the shard map, against the C API inside a read transaction.
struct ReadBench {
    let folder: String
    let rounds: Int
    let reads = 200_000

    struct Product: ApusStore.Row, Sendable {
        let id: Int
        let name: String
        let price: Double
        let stock: Int
        init(from row: inout RowReader) throws {
            id = try row.next()
            name = try row.next()
            price = try row.next()
            stock = try row.next()
        }
    }

    struct CustomerKey: ShardKey {
        let region: String
        let customer: Int
        var directoryName: String? { region }
        var shardValue: ShardValue { .integer(Int64(customer)) }
    }

    func run() async throws -> [BenchKit.Row] {
        let store = try await filledStore(folder: folder)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        var ours: [Double] = []
        var theirs: [Double] = []
        var routing: [Double] = []
        let peer = try PeerReader(path: "\(folder)/shard-0000.sqlite")
        for round in 0..<rounds + 1 {
            var random = SeededRandom(seed: UInt64(round))
            let ids = (0..<reads).map { _ in Int.random(in: 1...BenchStore.rows, using: &random) }
            let result = try await Task(executorPreference: group.loops[0]) {
                // Who goes second finds the pages nearer, so they take turns.
                let early = round.isMultiple(of: 2) ? try await Self.read(store, ids) : nil
                let theirs = try peer.read(ids)
                let ours: (nanoseconds: Double, sum: Int)
                if let early { ours = early } else { ours = try await Self.read(store, ids) }
                guard theirs.sum == ours.sum else { throw PeerReader.Failure.answersDiffer }
                return (ours.nanoseconds, theirs.nanoseconds, try Self.route(store, ids))
            }.value
            // The first round warms up.
            if round == 0 { continue }
            ours.append(result.0)
            theirs.append(result.1)
            routing.append(result.2)
        }
        await store.close()
        return [
            BenchKit.Row(
                "read",
                metric: "cpu",
                unit: "ns/read",
                better: .lower,
                apus: ours,
                peers: ["SQLite C API, prepared, in a read transaction": theirs],
                bar: 1 / 1.2
            ),
            BenchKit.Row(
                "read-routing",
                metric: "cpu",
                unit: "% of a read",
                better: .lower,
                apus: zip(routing, ours).map { 100 * $0 / $1 },
                bar: 5
            ),
        ]
    }

    private static let regions = ["United Kingdom", "United Kingdom", "United Kingdom", "Germany", "Portugal"]

    private static func read(_ store: Store, _ ids: [Int]) async throws -> (nanoseconds: Double, sum: Int) {
        let start = threadNanoseconds()
        var sum = 0
        for id in ids {
            let key = CustomerKey(region: regions[id % 5], customer: id)
            let product = try await store.shard(for: key).one(
                "SELECT id, name, price, stock FROM products WHERE id = \(id)",
                as: Product.self
            )
            sum &+= product.id &+ product.name.utf8.count &+ Int(product.price) &+ product.stock
        }
        return (Double(threadNanoseconds() - start) / Double(ids.count), sum)
    }

    private static func route(_ store: Store, _ ids: [Int]) throws -> Double {
        let start = threadNanoseconds()
        var sum = 0
        for id in ids {
            sum &+= try store.shard(for: CustomerKey(region: regions[id % 5], customer: id)).index
        }
        guard sum >= 0 else { return 0 }
        return Double(threadNanoseconds() - start) / Double(ids.count)
    }
}
