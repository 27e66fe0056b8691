import ApusCore

/// A shard that could not be used: it answers every call with what is wrong, while the others serve.
///
/// A call that comes ``lookAfter`` or more after the last look has the shard looked at again, so that a file put back
/// from a backup, or a server that is up again, serves without a restart. One call at a time looks; the others hear at
/// once what was wrong last. A shard that nobody has looked at yet is the same: its first callers wait for the first look.
final class BrokenShard: ShardEngine {
    /// How long a look's answer holds.
    static let lookAfter: Duration = .seconds(5)

    private struct State {
        /// What the last look found wrong; `nil` before the first.
        var error: StoreError?
        var lookedAt: Instant
        var isLooking = false
        var isClosed = false
        /// Who waits for the first look.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let configuration: StoreConfiguration
    private let clock: any Clock
    private let look: @Sendable () throws -> any ShardEngine
    private let state: Lock<State>
    private let found = Published<Found>()
    private let none = ShardStatistics()

    /// What a look found.
    private final class Found: Sendable {
        let shard: any ShardEngine
        init(_ shard: any ShardEngine) { self.shard = shard }
    }

    private var sound: (any ShardEngine)? { found.value?.shard }

    /// A shard that is wrong for now: `look` opens it and migrates it, and blocks.
    init(
        error: StoreError,
        configuration: StoreConfiguration,
        clock: any Clock,
        look: @escaping @Sendable () throws -> any ShardEngine
    ) {
        self.configuration = configuration
        self.clock = clock
        self.look = look
        state = Lock(State(error: error, lookedAt: clock.now()))
    }

    /// A shard that is opened by its first call.
    init(configuration: StoreConfiguration, clock: any Clock, look: @escaping @Sendable () throws -> any ShardEngine) {
        self.configuration = configuration
        self.clock = clock
        self.look = look
        state = Lock(State(error: nil, lookedAt: clock.now()))
    }

    /// The shard that `look` opens, or a broken one where it fails with one of `codes`, which leave hope.
    ///
    /// - Throws: What `look` throws otherwise.
    static func unless(
        _ codes: Set<StoreError.Code>,
        configuration: StoreConfiguration,
        clock: any Clock,
        look: @escaping @Sendable () throws -> any ShardEngine
    ) throws -> any ShardEngine {
        do {
            return try look()
        } catch let error as StoreError where codes.contains(error.code) {
            return BrokenShard(error: error, configuration: configuration, clock: clock, look: look)
        }
    }

    private func isDue(_ state: State) -> Bool {
        if state.isLooking || state.isClosed { return false }
        return state.error == nil || clock.now() - state.lookedAt >= Self.lookAfter
    }

    private static var closed: StoreError { StoreError(.closed, "the store was closed") }
    private var current: StoreError { state.withLock { $0.error } ?? Self.closed }

    /// The shard, once it can be used.
    private func engine() async throws -> any ShardEngine {
        if let shard = sound { return shard }
        let mustLook = state.withLock { state in
            guard isDue(state) else { return false }
            state.isLooking = true
            return true
        }
        if mustLook { return try await lookNow() }
        await firstLook()
        if let shard = sound { return shard }
        throw current
    }

    /// Waits while the first look is under way.
    private func firstLook() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                guard state.isLooking, state.error == nil else { return true }
                state.waiting.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    private func lookNow() async throws -> any ShardEngine {
        let result: Result<any ShardEngine, any Error>
        do { result = .success(try await StoreThread.run(look)) } catch { result = .failure(error) }
        let (isClosed, waiting) = state.withLock { state in
            state.isLooking = false
            switch result {
            case .success(let shard):
                if !state.isClosed { found.publish(Found(shard)) }
            case .failure(let error):
                state.lookedAt = clock.now()
                state.error = StoreError(wrapping: error, "open")
            }
            defer { state.waiting = [] }
            return (state.isClosed, state.waiting)
        }
        for continuation in waiting { continuation.resume() }
        let shard = try result.mapError { StoreError(wrapping: $0, "open") }.get()
        if isClosed { throw Self.closed }
        return shard
    }

    /// What is wrong, until the file can be used again.
    var problem: String? { if let sound { sound.problem } else { state.withLock { $0.error?.detail } } }

    var statistics: ShardStatistics { sound?.statistics ?? none }
    var localReads: Int { sound?.localReads ?? 0 }
    var replicaReads: Int { sound?.replicaReads ?? 0 }
    var follower: FollowerStatus? { sound?.follower }
    var waiting: Int { sound?.waiting ?? 0 }

    func position() async throws -> ShardPosition { try await engine().position() }
    func replicaReads(_ demand: ReplicaDemand) -> (any ShardEngine)? { sound?.replicaReads(demand) }

    func localRead(_ sql: SQL, at place: KeyPlace) throws -> LocalRead? {
        if let shard = sound { return try shard.localRead(sql, at: place) }
        // Where a look is due, the caller takes the way that may wait for it.
        if let error = state.withLock({ isDue($0) ? nil : $0.error }) { throw error }
        return nil
    }

    func answer(to sql: SQL) async throws -> RowSource? { try await engine().answer(to: sql) }

    func execute(_ sql: SQL, mayShare: Bool, at place: KeyPlace, deadline: Duration) async throws -> Int {
        try await engine().execute(sql, mayShare: mayShare, at: place, deadline: deadline)
    }

    // What is not open has nothing to be asked; that comes first.
    func check(_ sql: SQL, of place: KeyPlace) throws { try sound?.check(sql, of: place) }
    func holds(_ place: KeyPlace) -> Bool { sound?.holds(place) ?? true }
    func mayHold(_ place: KeyPlace) -> Bool { sound?.mayHold(place) ?? true }
    func home(of place: KeyPlace) throws -> (index: Int, engine: any ShardEngine) {
        guard let sound else { throw current }
        return try sound.home(of: place)
    }

    func read(deadline: Duration, _ body: @escaping @Sendable (any SQLSession) throws -> Void) async throws {
        try await engine().read(deadline: deadline, body)
    }

    func write(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try await engine().write(deadline: deadline, body)
    }

    func exclusively(
        deadline: Duration,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Void
    ) async throws {
        try await engine().exclusively(deadline: deadline, body)
    }

    func receive(deadline: Duration, _ body: @escaping @Sendable (borrowing Transaction) throws -> Void) async throws {
        try await engine().receive(deadline: deadline, body)
    }

    func hold(deadline: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await engine().hold(deadline: deadline, body)
    }

    func look() async throws { try await engine().look() }

    func define(_ texts: @escaping @Sendable (Dialect) -> [String]) async throws {
        try await engine().define(texts)
    }

    func snapshot(of tables: [String], at point: StillPoint) throws -> ShardSnapshot {
        guard let sound else { throw current }
        return try sound.snapshot(of: tables, at: point)
    }

    func prepare(_ migrations: [Migration], identity: String) throws { throw current }
    func integrityProblems() async throws -> [String] { try await engine().integrityProblems() }

    func close() async {
        state.withLock { $0.isClosed = true }
        await sound?.close()
    }
}
