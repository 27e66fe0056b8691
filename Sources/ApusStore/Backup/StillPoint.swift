import ApusCore

/// Where the shards of a store meet, so that there is one moment at which nobody writes to any of them.
///
/// Each shard is held, looked at, and arrives; once all have, each goes on and is let go of. So what was looked at is all of one
/// moment: the one at which the last shard arrived.
@usableFromInline
final class StillPoint: Sendable {
    private struct State {
        var arrived = 0
        var began: Instant?
        var isFirstHeld = false
        var outcome: Result<Instant, any Error>?
    }

    private let state = Monitor(State())
    private let count: Int
    private let clock = SystemClock()
    /// Until when all are to have arrived, in monotonic nanoseconds.
    let deadline: Instant

    /// - Parameters:
    ///   - count: How many shards there are.
    ///   - patience: How long it may take until all of them are held.
    init(_ count: Int, within patience: Duration) {
        self.count = count
        deadline = clock.now() + patience
    }

    /// What is left until the deadline.
    var patience: Duration { max(.zero, deadline - clock.now()) }

    /// A shard is about to be held: writers may wait from now on.
    ///
    /// The first shard is held before all others, so that two who want to hold all do not meet half-way.
    ///
    /// - Throws: What keeps the first one from being held.
    func begin(_ shard: Int) throws {
        if shard > 0 {
            let outcome = state.wait(nanoseconds: max(1, Int(patience.nanoseconds))) { state in
                state.isFirstHeld ? .success(()) : state.outcome?.map { _ in () }
            }
            try outcome?.get()
            if outcome == nil { throw Self.tooLong }
        }
        let now = clock.now()
        state.withLock { $0.began = $0.began ?? now }
    }

    /// A shard is held.
    func hold(_ shard: Int) {
        guard shard == 0 else { return }
        state.withLock { $0.isFirstHeld = true }
        state.broadcast()
    }

    /// A shard is held and has been looked at: waits until all are.
    ///
    /// - Throws: What kept another one from arriving; ``StoreError`` with code `busy` at the deadline.
    func arrive() throws {
        let now = clock.now()
        state.withLock { state in
            state.arrived += 1
            if state.arrived == count, state.outcome == nil { state.outcome = .success(now) }
        }
        state.broadcast()
        let outcome = state.wait(nanoseconds: max(1, Int(patience.nanoseconds))) { $0.outcome }
        if let outcome {
            _ = try outcome.get()
            return
        }
        // Or the last one has arrived just now.
        let late = state.withLock { state in
            let outcome = state.outcome ?? .failure(Self.tooLong)
            state.outcome = outcome
            return outcome
        }
        state.broadcast()
        _ = try late.get()
    }

    /// What a shard says that could not be held in time.
    static let tooLong = StoreError(
        .busy,
        "not all shards could be held at once: a transaction on one of them takes too long; try again"
    )

    /// A shard cannot arrive, or nobody wants it any more: nobody waits on.
    func fail(_ error: any Error) {
        state.withLock { $0.outcome = $0.outcome ?? .failure(error) }
        state.broadcast()
    }

    /// From when the first shard was about to be held to the last one's arriving: no writer waited for longer.
    var pause: Duration {
        state.withLock { state in
            guard let began = state.began, case .success(let met) = state.outcome else { return .zero }
            return met - began
        }
    }
}
