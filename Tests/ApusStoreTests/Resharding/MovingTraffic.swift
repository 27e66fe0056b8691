import ApusCore
import ApusRuntime
import ApusTesting

@testable import ApusStore

/// Calls and questions that go on in one process while rows move in another, by handles from before and by new ones.
struct MovingTraffic: Sendable {
    private let shop: MovingShop
    private let buyers: Int
    private let held: [Shard<Int>]

    /// What was found.
    struct Seen: Sendable {
        /// Writes that each buyer's row has counted.
        var visits: [Int: Int] = [:]
        var problems: [String] = []
    }

    /// - Parameters:
    ///   - shop: An opening of the store that others move.
    ///   - buyers: How many there are.
    init(_ shop: MovingShop, buyers: Int) throws {
        self.shop = shop
        self.buyers = buyers
        held = try (0..<buyers).map { try shop.store.shard(for: $0) }
    }

    /// Goes on until `work` has been done.
    func run(_ work: @escaping @Sendable () async throws -> Void) async throws -> Seen {
        let group = try LoopGroup(count: 2)
        let isOver = Lock(false)
        let seen = Lock(Seen())
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for worker in 0..<4 {
                tasks.addTask(executorPreference: group.loops[worker % 2]) {
                    var random = SeededRandom(seed: TestRun.seed ^ UInt64(worker))
                    while !isOver.withLock({ $0 }) {
                        // Each worker has buyers of its own, so that it knows what it wrote.
                        let id = Int.random(in: 0..<buyers / 4, using: &random) * 4 + worker
                        try await visit(id, worker < 2 ? held[id] : try shop.store.shard(for: id), seen)
                    }
                }
            }
            tasks.addTask {
                while !isOver.withLock({ $0 }) {
                    let ids = try await shop.store.everyShard.all("SELECT id FROM buyers", as: Int.self).rows
                    if ids.count != buyers || Set(ids).count != buyers {
                        seen.withLock {
                            $0.problems.append("a question found \(ids.count) rows of \(Set(ids).count) buyers")
                        }
                    }
                }
            }
            do { try await work() } catch {
                isOver.withLock { $0 = true }
                throw error
            }
            isOver.withLock { $0 = true }
            try await tasks.waitForAll()
        }
        group.shutdown()
        return seen.withLock { $0 }
    }

    /// Counts one on a buyer's row, reads it back, and brings and takes away an order.
    private func visit(_ id: Int, _ shard: Shard<Int>, _ seen: Lock<Seen>) async throws {
        let count = try await shard.execute("UPDATE buyers SET visits = visits + 1 WHERE id = \(id)")
        if count != 1 { seen.withLock { $0.problems.append("buyer \(id): \(count) rows changed") } }
        let mine = seen.withLock { seen in
            seen.visits[id, default: 0] += 1
            return seen.visits[id] ?? 0
        }
        let found: Int? = try await shard.first("SELECT visits FROM buyers WHERE id = \(id)")
        if found != mine {
            seen.withLock { $0.problems.append("buyer \(id): \(String(describing: found)) for \(mine)") }
        }
        let order = "new-\(mine)-\(id)"
        try await shard.transaction { transaction in
            try transaction.execute("INSERT INTO orders (number, buyer) VALUES (\(order), \(id))")
            try transaction.execute("INSERT INTO \"lines\" (number, line, what) VALUES (\(order), 1, 'x')")
            try transaction.execute("DELETE FROM \"lines\" WHERE number = \(order)")
            try transaction.execute("DELETE FROM orders WHERE number = \(order)")
        }
    }
}
