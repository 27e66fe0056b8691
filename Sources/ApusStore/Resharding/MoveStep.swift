import ApusCore
import ApusRuntime

/// What the next step moves, as it was a moment ago.
struct MoveAhead: Sendable {
    /// How far its slot is.
    let place: MoveCursor
    /// The hash behind the last key; `nil` where the slot ends with them.
    let until: UInt64?
    let rows: [WholeRow]
}

/// One step of a move: keys of one slot go from the source to the target.
///
/// The rows are brought first, while everybody writes. Then the source is held: what was changed meanwhile is changed on the
/// target too, the target commits, the rows are taken away, and the cursor moves.
///
/// Everything that can be refused is done before the cursor moves: until then the step leaves nothing but an arrival that is
/// taken away again.
struct MoveStep: Sendable {
    let mover: ShardMover
    let ahead: MoveAhead
    /// The step's number.
    let number: UInt64
    private let times: Times

    /// What a step has moved.
    struct Moved: Sendable {
        var rows: Int
        /// The longest that it kept writers of a shard waiting.
        var pause: Duration
    }

    /// When each of the shards was held.
    private final class Times: Sendable {
        let source = Lock<Instant?>(nil)
        let target = Lock<Instant?>(nil)
    }

    init(_ mover: ShardMover, _ ahead: MoveAhead, number: UInt64) {
        self.mover = mover
        self.ahead = ahead
        self.number = number
        times = Times()
    }

    private var clock: any Clock { mover.clock }

    /// - Throws: ``StepNotMet`` where it is to be done anew; ``StoreError``; ``SchemaChanged``. Where it was thrown after the
    ///   target has committed, what is left is to be put right.
    func run(waiting patience: Duration) async throws -> Moved {
        guard !ahead.rows.isEmpty, let target = mover.targets[ahead.place.to] else { return try await end() }
        let handshake = StepHandshake(begin: patience, answer: ShardMover.patience)
        async let targetHeld = arrive(at: target, handshake)
        let (rows, sourceHeld): (Int, Duration)
        do {
            try await handshake.awaitArrival()
            rows = try await Answer.of { answer in
                try await mover.source.exclusively(deadline: ShardMover.patience) {
                    answer.set(try leave($0, handshake))
                }
            }
            sourceHeld = held(times.source)
        } catch {
            handshake.abandon()
            throw error
        }
        let held = try await targetHeld
        return Moved(rows: rows, pause: mover.site.holdsTarget(ahead.place.to) ? max(held, sourceHeld) : sourceHeld)
    }

    private func held(_ since: Lock<Instant?>) -> Duration { since.withLock { $0 }.map { clock.now() - $0 } ?? .zero }

    // MARK: On the target

    /// Brings the rows, and commits them when the source says so.
    private func arrive(at target: any ShardEngine, _ handshake: StepHandshake) async throws -> Duration {
        let (mover, ahead, times, clock) = (mover, ahead, times, clock)
        let arrival = Arrival(
            number,
            from: mover.from,
            slot: ahead.place.slot,
            until: ahead.until,
            ahead.rows.map(\.entry),
            mover.tables
        )
        do {
            try await target.receive(deadline: ShardMover.patience) { transaction in
                times.target.withLock { $0 = clock.now() }
                try mover.schemas.check(transaction.session, of: ahead.place.to)
                try transaction.deferForeignKeys()
                try mover.site.arrive(arrival, transaction)
                try WholeRow.bring(ahead.rows, mover.tables, transaction)
                let changes = try handshake.arrive()
                try changes.apply(mover.tables, transaction)
                guard changes.areOthers else { return }
                var other = arrival
                other.entries = changes.entries
                try mover.site.amend(other, transaction)
            }
            let held = held(times.target)
            handshake.end(nil)
            return held
        } catch {
            handshake.end(error)
            throw error
        }
    }

    // MARK: On the source

    /// Lets the rows go, while nobody else writes.
    private func leave(_ transaction: borrowing Transaction, _ handshake: StepHandshake) throws -> Int {
        try handshake.begin()
        times.source.withLock { $0 = clock.now() }
        let entries = try entries(transaction.session)
        let rows = try WholeRow.read(entries, mover.tables, transaction.session)
        try handshake.leave(RowChanges(from: ahead.rows, to: rows))
        try WholeRow.takeAway(rows.map(\.entry), mover.tables, transaction)
        try moveCursor(transaction.session, step: number)
        return rows.count
    }

    /// Ends a slot that has no keys any more.
    private func end() async throws -> Moved {
        let step = number - 1
        try await mover.source.exclusively(deadline: ShardMover.patience) { transaction in
            times.source.withLock { $0 = clock.now() }
            guard try entries(transaction.session).isEmpty else { throw StepNotMet() }
            try moveCursor(transaction.session, step: step)
        }
        return Moved(rows: 0, pause: held(times.source))
    }

    /// The rows that are to go now: those that came meanwhile are among them.
    ///
    /// - Throws: ``StepNotMet`` where this step is no longer the next one; ``SchemaChanged``.
    private func entries(_ session: any SQLSession) throws -> [RowIndex.Entry] {
        let place = ahead.place
        let next = MoveCursor(slot: place.slot, to: place.to, hash: place.hash, step: number)
        guard try mover.site.leaving(session, of: mover.from) == next else { throw StepNotMet() }
        try mover.catchUp(session)
        return try mover.index.rows(of: place.slot, from: place.hash, below: ahead.until)
    }

    private func moveCursor(_ session: any SQLSession, step: UInt64) throws {
        try mover.site.leave(
            session,
            from: mover.from,
            to: ahead.place.to,
            slot: ahead.place.slot,
            until: ahead.until,
            step: step
        )
    }
}
