import ApusCore

/// A shard whose file could not be used: it answers every call with what is wrong, while the others serve.
///
/// A call that comes ``lookAfter`` or more after the last look has the file looked at again, so that a file put back
/// from a backup serves without a restart. One call at a time looks; the others hear at once what was wrong last.
final class BrokenShard: ShardEngine {
    /// How long a look's answer holds.
    static let lookAfter: Duration = .seconds(5)

    private struct State {
        var error: StoreError
        var lookedAt: Instant
        var isLooking = false
        var isClosed = false
    }

    let configuration: StoreConfiguration
    private let clock: any Clock
    private let look: @Sendable () throws -> SQLiteShard
    private let state: Lock<State>
    private let sound = Published<SQLiteShard>()
    private let none = ShardStatistics()

    /// A shard that is wrong for now: `look` opens it and migrates it, and blocks.
    init(
        error: StoreError,
        configuration: StoreConfiguration,
        clock: any Clock,
        look: @escaping @Sendable () throws -> SQLiteShard
    ) {
        self.configuration = configuration
        self.clock = clock
        self.look = look
        state = Lock(State(error: error, lookedAt: clock.now()))
    }

    private func isDue(_ state: State) -> Bool {
        !state.isLooking && !state.isClosed && clock.now() - state.lookedAt >= Self.lookAfter
    }

    /// The shard, once it can be used.
    private func engine() async throws -> SQLiteShard {
        if let shard = sound.value { return shard }
        let error: StoreError? = state.withLock { state in
            guard isDue(state) else { return state.error }
            state.isLooking = true
            return nil
        }
        if let error { throw error }
        do {
            let shard = try await StoreThread.run(look)
            let isClosed = state.withLock { state in
                state.isLooking = false
                if !state.isClosed { sound.publish(shard) }
                return state.isClosed
            }
            if isClosed { throw StoreError(.closed, "the store was closed") }
            return shard
        } catch {
            let error = StoreError(wrapping: error, "open")
            state.withLock { state in
                state.isLooking = false
                state.lookedAt = clock.now()
                state.error = error
            }
            throw error
        }
    }

    /// What is wrong, until the file can be used again.
    var problem: String? { sound.value == nil ? state.withLock { $0.error.detail } : nil }

    var statistics: ShardStatistics { sound.value?.statistics ?? none }
    var localReads: Int { sound.value?.localReads ?? 0 }
    var waiting: Int { sound.value?.waiting ?? 0 }

    func localRead(_ sql: SQL) throws -> LocalRead? {
        if let shard = sound.value { return try shard.localRead(sql) }
        // Where a look is due, the caller takes the way that may wait for it.
        if let error = state.withLock({ isDue($0) ? nil : $0.error }) { throw error }
        return nil
    }

    func read<T: Sendable>(
        deadline: Duration,
        _ body: @escaping @Sendable (any SQLSession) throws -> T
    ) async throws -> T {
        try await engine().read(deadline: deadline, body)
    }

    func write<T: Sendable>(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> T
    ) async throws -> T {
        try await engine().write(deadline: deadline, body)
    }

    func prepare(_ migrations: [Migration], identity: String) throws { throw state.withLock { $0.error } }
    func integrityProblems() async throws -> [String] { try await engine().integrityProblems() }

    func close() async {
        state.withLock { $0.isClosed = true }
        await sound.value?.close()
    }
}
