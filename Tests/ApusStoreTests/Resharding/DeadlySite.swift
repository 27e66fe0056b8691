import ApusCore
import Glibc

@testable import ApusStore

/// A place where resharding keeps what it knows, which kills the process in the middle of a step.
struct DeadlySite: MoveSite {
    let base: any MoveSite
    let isAfter: Bool
    private let left: Count

    private final class Count: Sendable {
        let steps: Lock<Int>
        init(_ steps: Int) { self.steps = Lock(steps) }
        func isOver() -> Bool {
            steps.withLock { steps in
                steps -= 1
                return steps <= 0
            }
        }
    }

    init(base: any MoveSite, steps: Int, isAfter: Bool) {
        self.base = base
        self.isAfter = isAfter
        left = Count(steps)
    }

    var scratch: String { base.scratch }
    var rowsLeast: Int { base.rowsLeast }
    func holdsTarget(_ shard: Int) -> Bool { base.holdsTarget(shard) }
    var meeting: Duration { base.meeting }
    func claim() async throws -> any MoveClaim { try await base.claim() }
    func record() async throws -> MoveRecord? { try await base.record() }
    func keep(_ record: MoveRecord) async throws { try await base.keep(record) }
    func forget() async throws { try await base.forget() }
    func start(_ record: inout MoveRecord) async throws { try await base.start(&record) }
    func open(_ shard: Int, _ tables: [TableStatements]) async throws { try await base.open(shard, tables) }
    func end(_ record: MoveRecord, _ tables: [TableStatements]) async throws { try await base.end(record, tables) }
    func mend(within deadline: Duration) async throws { try await base.mend(within: deadline) }
    func begin(_ slot: Int, from: Int, to: Int) async throws { try await base.begin(slot, from: from, to: to) }

    func step(from shard: Int, at place: MoveCursor, _ body: (_ number: UInt64) async throws -> Void) async throws {
        try await base.step(from: shard, at: place) { number in
            try await body(number)
            // Both shards have committed.
            if isAfter, left.isOver() { kill(getpid(), SIGKILL) }
        }
    }

    func leaving(_ session: any SQLSession, of shard: Int) throws -> MoveCursor? {
        try base.leaving(session, of: shard)
    }

    func leave(_ session: any SQLSession, from: Int, to: Int, slot: Int, until: UInt64?, step: UInt64) throws {
        // The target has committed, the source has not.
        if !isAfter, left.isOver() { kill(getpid(), SIGKILL) }
        try base.leave(session, from: from, to: to, slot: slot, until: until, step: step)
    }

    func arrive(_ arrival: Arrival, _ transaction: borrowing Transaction) throws {
        try base.arrive(arrival, transaction)
    }

    func amend(_ arrival: Arrival, _ transaction: borrowing Transaction) throws { try base.amend(arrival, transaction) }

    func bytes(of shard: Int) async throws -> Int { try await base.bytes(of: shard) }
    func timeOfSync() async throws -> Duration { try await base.timeOfSync() }
}
