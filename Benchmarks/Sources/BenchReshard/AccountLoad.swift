import ApusCore
import ApusRuntime
import ApusStore
import BenchKit
import Foundation

/// Calls for accounts, half of which write: as many as the store takes, or so many a second from a schedule.
final class AccountLoad: Sendable {
    private let store: Store
    private let accounts: Int
    private let loops: [EventLoop]
    private let written = Lock(0)

    /// What a run of calls felt, in milliseconds.
    struct Felt: Sendable {
        var p99: Double
        var longestWrite: Double
    }

    init(store: Store, accounts: Int, loops: [EventLoop]) {
        self.store = store
        self.accounts = accounts
        self.loops = loops
    }

    private func call(_ random: inout SeededRandom) async throws -> Bool {
        let id = Int.random(in: 0..<accounts, using: &random)
        let isWrite = Bool.random(using: &random)
        let shard = try store.shard(for: id)
        if isWrite {
            let count = try await shard.execute("UPDATE accounts SET visits = visits + 1 WHERE id = \(id)")
            guard count == 1 else { throw BenchError("account \(id) is not there to be written") }
            written.withLock { $0 += 1 }
        } else {
            let visits: Int? = try await shard.first("SELECT visits FROM accounts WHERE id = \(id)")
            guard visits != nil else { throw BenchError("account \(id) is not there to be read") }
        }
        return isWrite
    }

    /// Calls a second that so many callers get done, each waiting for its answer.
    func capacity(calls: Int, for duration: Duration) async throws -> Double {
        let clock = SystemClock()
        let start = clock.now()
        let count = try await withThrowingTaskGroup(of: Int.self) { tasks in
            for caller in 0..<calls {
                tasks.addTask(executorPreference: loops[caller % loops.count]) { [self] in
                    var random = SeededRandom(seed: UInt64(caller))
                    var count = 0
                    while clock.now() - start < duration {
                        _ = try await call(&random)
                        count += 1
                    }
                    return count
                }
            }
            return try await tasks.reduce(0, +)
        }
        return Double(count) / (clock.now() - start).seconds
    }

    /// Calls at random moments, `rate` a second, while `body` runs; none waits for another.
    func run(rate: Double, _ body: @escaping @Sendable () async throws -> Void) async throws -> Felt {
        let isOver = Lock(false)
        let times = Lock<(all: [Double], longestWrite: Double)>(([], 0))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for (number, loop) in loops.enumerated() {
                tasks.addTask(executorPreference: loop) { [self] in
                    let share = rate / Double(loops.count)
                    try await schedule(share, UInt64(number), on: loop, until: { isOver.withLock { $0 } }) {
                        time,
                        isWrite in
                        times.withLock { times in
                            times.all.append(time)
                            if isWrite { times.longestWrite = max(times.longestWrite, time) }
                        }
                    }
                }
            }
            tasks.addTask {
                defer { isOver.withLock { $0 = true } }
                try await body()
            }
            try await tasks.waitForAll()
        }
        return times.withLock { times in
            let sorted = times.all.sorted()
            return Felt(p99: sorted[sorted.count * 99 / 100], longestWrite: times.longestWrite)
        }
    }

    private func schedule(
        _ rate: Double,
        _ seed: UInt64,
        on loop: EventLoop,
        until isOver: () -> Bool,
        _ tell: @escaping @Sendable (Double, Bool) -> Void
    ) async throws {
        var random = SeededRandom(seed: 7 &+ seed)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            var due = loop.preciseNow()
            var underWay = 0
            while !isOver() {
                due = due + .nanoseconds(Int64(-log(Double.random(in: 0.000_001..<1, using: &random)) / rate * 1e9))
                if due > loop.preciseNow() { try await loop.sleep(until: due) }
                let (start, own) = (due, random.next())
                tasks.addTask(executorPreference: loop) { [self] in
                    var random = SeededRandom(seed: own)
                    let isWrite = try await call(&random)
                    tell(Double((loop.preciseNow() - start).nanoseconds) / 1e6, isWrite)
                }
                underWay += 1
                // What has ended is forgotten, so that the group does not grow.
                if underWay > 256 {
                    _ = try await tasks.next()
                    underWay -= 1
                }
            }
            try await tasks.waitForAll()
        }
    }

    /// Rows that are missing or doubled, and writes that are.
    func wrong() async throws -> Int {
        let ids = try await store.everyShard.all("SELECT id FROM accounts", as: Int.self).rows
        let visits: [Int] = try await store.everyShard.all("SELECT coalesce(sum(visits), 0) FROM accounts").rows
        let unique = Set(ids).count
        return accounts - unique + ids.count - unique + abs(visits.reduce(0, +) - written.withLock { $0 })
    }
}
