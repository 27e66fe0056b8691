#if PostgreSQL
import ApusCore
import ApusRuntime

/// A server that follows the one that has the shard, for reads.
final class PostgresReplica: Sendable {
    /// How long it may take to say how far it has come.
    private static let askDeadline: Duration = .milliseconds(250)
    /// How often one that is behind is asked again.
    private static let askEvery: Duration = .milliseconds(2)
    /// How long an answer holds for reads that take any age.
    private static let answerLife: Duration = .seconds(1)

    private struct State {
        /// How far it has come, at least.
        var reached: UInt64 = 0
        /// Until when that is enough for reads that take any age.
        var knownUntil = Instant(nanoseconds: .min)
        var pause = ServerPause()
    }

    private let address: PostgresAddress
    private let pools: PostgresPools
    private let scanners: ServerWorkers<PostgresSession>
    private let statistics: ShardStatistics
    private let state = Lock(State())

    init(
        _ address: PostgresAddress,
        pools: PostgresPools,
        scanners: ServerWorkers<PostgresSession>,
        statistics: ShardStatistics
    ) {
        self.address = address
        self.pools = pools
        self.scanners = scanners
        self.statistics = statistics
    }

    /// Reads that it has answered.
    var reads: Int { statistics[.requests] }

    /// Whether it is asked at all: one that failed is left out for a while.
    func isHere(at now: Instant) -> Bool { state.withLock { $0.pause.error(at: now) == nil } }

    /// It failed; nobody asks it for a while.
    func failed(_ error: StoreError, at now: Instant) {
        state.withLock { _ = $0.pause.failed(error, at: now, chance: UInt64.random(in: 0...511)) }
    }

    /// Waits until it has come as far as `floor`; false where it has not by `end`.
    ///
    /// - Throws: ``StoreError`` where it does not answer, is no replica of this shard, or is one no more.
    func reaches(_ floor: UInt64, by end: Instant, identity: String, on loop: EventLoop) async throws -> Bool {
        let now = loop.preciseNow()
        let isKnown = state.withLock { $0.reached >= floor && now < $0.knownUntil }
        if isKnown { return true }
        while true {
            if try await ask(identity, on: loop) >= floor { return true }
            guard loop.preciseNow() + Self.askEvery < end else { return false }
            // A caller who goes away is answered at once, by whom does not matter.
            guard (try? await loop.sleep(until: loop.preciseNow() + Self.askEvery)) != nil else { return false }
        }
    }

    private func ask(_ identity: String, on loop: EventLoop) async throws -> UInt64 {
        let now = loop.preciseNow()
        let answer = try await pools.pool(of: loop).perform(
            """
            SELECT CASE WHEN pg_is_in_recovery() AND EXISTS (SELECT 1 FROM apus_shard WHERE identity = \(identity))
            THEN (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint END
            """,
            .read,
            deadline: Self.askDeadline
        )
        guard let reached: UInt64 = try answer.first(as: Int64?.self)?.map({ UInt64(bitPattern: $0) }) else {
            throw StoreError(.wrongShard, "\(address.name) is no replica of this shard")
        }
        state.withLock { state in
            // Answers may overtake each other.
            state.reached = max(state.reached, reached)
            state.knownUntil = now + Self.answerLife
            state.pause.succeeded()
        }
        return reached
    }

    func answer(to sql: SQL, deadline: Duration, on loop: EventLoop) async throws -> RowSource {
        let answer = try await pools.pool(of: loop).perform(sql, .read, deadline: deadline)
        statistics.add(.requests)
        return answer
    }

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        try scanners.start()
        try await scanners.queue.perform(deadline: deadline) { try body($0) }
        statistics.add(.requests)
    }

    func beginClosing() { scanners.queue.close() }

    /// Blocks.
    func close() {
        _ = pools.close(nanoseconds: 2_000_000_000)
        _ = scanners.awaitEnd(nanoseconds: 2_000_000_000)
    }
}
#endif
