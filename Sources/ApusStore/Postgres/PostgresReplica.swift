#if PostgreSQL
import ApusCore
import ApusRuntime

/// A server that has a copy of the shard, for reads while it follows the primary.
final class PostgresReplica: Sendable {
    /// What tells a copy of the shard, of what the primary in force has written.
    struct Origin: Sendable {
        /// The store's.
        let identity: String
        /// The primary's.
        let timeline: Int64
    }

    /// How long it may take to say how far it has come.
    private static let askDeadline: Duration = .milliseconds(250)
    /// How often one that is behind is asked again.
    private static let askEvery: Duration = .milliseconds(2)
    /// How long an answer holds for reads that take any age.
    private static let answerLife: Duration = .seconds(1)

    /// For how long whoever asks may be silent until somebody else does it.
    private static let silence: Duration = .milliseconds(500)

    /// A read that waits for the replica to come far enough.
    private struct Waiter {
        let floor: UInt64
        let timeline: Int64
        let end: Instant
        /// Questions that were asked before it came: their answers are too old to say that it waits in vain.
        let seen: Int
        let continuation: UnsafeContinuation<Result<Bool, any Error>, Never>
    }

    private struct State {
        /// How far it has come, at least, on the timeline.
        var reached: UInt64 = 0
        var timeline: Int64 = 0
        /// Until when that is enough for reads that take any age.
        var knownUntil = Instant(nanoseconds: .min)
        var pause = ServerPause()
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0
        /// Questions so far.
        var asked = 0
        var askedAt = Instant(nanoseconds: .min)
        /// Who asks for all that wait; 0 for nobody.
        var asker = 0
        var lastAsker = 0
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
    /// However many reads wait, one question at a time is on its way for all of them.
    ///
    /// - Throws: ``StoreError`` where it does not answer, is no replica of this shard, or is one no more.
    func reaches(_ floor: UInt64, by end: Instant, of origin: Origin, on loop: EventLoop) async throws -> Bool {
        let now = loop.preciseNow()
        let isKnown = state.withLock {
            $0.timeline == origin.timeline && $0.reached >= floor && now < $0.knownUntil
        }
        if isKnown { return true }
        guard EventLoop.current === loop else {
            // The loop is the store's own: its timers are set on its thread.
            return try await Task(executorPreference: loop) {
                try await self.waits(for: floor, until: end, origin, on: loop)
            }.value
        }
        return try await waits(for: floor, until: end, origin, on: loop)
    }

    private func waits(for floor: UInt64, until end: Instant, _ origin: Origin, on loop: EventLoop) async throws
        -> Bool
    {
        let now = loop.preciseNow()
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        // Whoever asks may stand still: nobody waits longer for that.
        let timer = loop.schedule(at: max(end, now + Self.askDeadline)) { [self] in
            state.withLock { $0.waiters.removeValue(forKey: number) }?.continuation.resume(returning: .success(false))
        }
        defer { loop.cancel(timer) }
        return try await withUnsafeContinuation { continuation in
            let asker = state.withLock { state -> Int? in
                state.waiters[number] = Waiter(
                    floor: floor,
                    timeline: origin.timeline,
                    end: end,
                    seen: state.asked,
                    continuation: continuation
                )
                guard state.asker == 0 || now > state.askedAt + Self.silence else { return nil }
                state.lastAsker += 1
                (state.asker, state.askedAt) = (state.lastAsker, now)
                return state.asker
            }
            if let asker { Task(executorPreference: loop) { await self.ask(as: asker, origin, on: loop) } }
        }.get()
    }

    /// Asks until nobody waits any more, or somebody else asks.
    private func ask(as asker: Int, _ origin: Origin, on loop: EventLoop) async {
        while true {
            let now = loop.preciseNow()
            let isOurs = state.withLock { state in
                guard state.asker == asker else { return false }
                state.asked += 1
                state.askedAt = now
                return true
            }
            guard isOurs else { return }
            let result: Result<UInt64, any Error>
            do { result = .success(try await position(origin, on: loop)) } catch { result = .failure(error) }
            guard let again = answered(result, origin.timeline, as: asker, askedAt: now, on: loop) else { return }
            do { try await loop.sleep(until: again) } catch {
                // The loop ends: whoever still waits goes by its own time.
                state.withLock { if $0.asker == asker { $0.asker = 0 } }
                return
            }
        }
    }

    /// Tells those who wait what was answered.
    ///
    /// - Returns: When to ask again; `nil` where nobody waits.
    private func answered(
        _ result: Result<UInt64, any Error>,
        _ timeline: Int64,
        as asker: Int,
        askedAt: Instant,
        on loop: EventLoop
    ) -> Instant? {
        let now = loop.preciseNow()
        let (done, again) = state.withLock { state -> ([(Waiter, Result<Bool, any Error>)], Instant?) in
            var done: [(Waiter, Result<Bool, any Error>)] = []
            var isFirst = true
            if case .success(let reached) = result, timeline >= state.timeline {
                // Answers may overtake each other.
                state.reached = timeline > state.timeline ? reached : max(state.reached, reached)
                state.timeline = timeline
                state.knownUntil = askedAt + Self.answerLife
                state.pause.succeeded()
            }
            // Who waits for another primary's writes has to ask again; that happens as the primary changes, and no longer.
            for (number, waiter) in state.waiters where waiter.timeline == state.timeline || waiter.timeline == timeline
            {
                let outcome: Result<Bool, any Error>
                switch result {
                case .success where waiter.timeline != state.timeline: outcome = .success(false)
                case .success where state.reached >= waiter.floor: outcome = .success(true)
                case .success:
                    guard waiter.seen < state.asked, now + Self.askEvery >= waiter.end else { continue }
                    outcome = .success(false)
                // One of them says so; the others need only know that they wait in vain.
                case .failure(let error): outcome = isFirst ? .failure(error) : .success(false)
                }
                isFirst = false
                state.waiters[number] = nil
                done.append((waiter, outcome))
            }
            guard state.asker == asker else { return (done, nil) }
            if state.waiters.isEmpty { state.asker = 0 }
            // Who came meanwhile is answered at once; after that it takes time to come farther.
            let hasNew = state.waiters.values.contains { $0.seen >= state.asked }
            return (done, state.waiters.isEmpty ? nil : hasNew ? now : askedAt + Self.askEvery)
        }
        for (waiter, outcome) in done { waiter.continuation.resume(returning: outcome) }
        return again
    }

    private func position(_ origin: Origin, on loop: EventLoop) async throws -> UInt64 {
        let answer = try await pools.pool(of: loop).perform(
            """
            SELECT CASE WHEN pg_is_in_recovery() AND EXISTS (SELECT 1 FROM apus_shard WHERE identity = \(origin.identity))
              AND EXISTS (SELECT 1 FROM apus_primary WHERE timeline = \(origin.timeline))
            THEN (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint END
            """,
            .read,
            deadline: Self.askDeadline
        )
        guard let reached: UInt64 = try answer.first(as: Int64?.self)?.map({ UInt64(bitPattern: $0) }) else {
            throw StoreError(.wrongShard, "\(address.name) is no replica of this shard, or lags behind a promotion")
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
