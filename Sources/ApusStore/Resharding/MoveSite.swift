import ApusCore

/// Where a resharding keeps what it knows, and how its steps are kept apart from everybody else's work.
///
/// A folder has files and memory that all processes share; servers have tables. What moves, and in which order, is the
/// ``Resharder``'s.
protocol MoveSite: Sendable {
    /// A folder for what is thrown away.
    var scratch: String { get }
    /// A step of fewer rows takes as long.
    var rowsLeast: Int { get }
    /// Whether a step keeps the writers of the shard waiting that it brings rows to.
    func holdsTarget(_ shard: Int) -> Bool
    /// How long a step keeps the target for a source that is busy.
    var meeting: Duration { get }

    /// Keeps other processes from resharding until it is let go of.
    ///
    /// - Throws: ``StoreError`` with code `busy` where another process is at it.
    func claim() async throws -> any MoveClaim

    /// What is under way, or is kept for the way back.
    func record() async throws -> MoveRecord?
    func keep(_ record: MoveRecord) async throws
    func forget() async throws

    /// Has everybody know that slots move from now on, and over how many shards.
    func start(_ record: inout MoveRecord) async throws
    /// Keys leave a shard from now on: whoever works there looks whether a key is still there.
    func open(_ shard: Int, _ tables: [TableStatements]) async throws
    /// Everything is where it is to be.
    func end(_ record: MoveRecord, _ tables: [TableStatements]) async throws

    /// Puts right what a step left that did not come to its end.
    func mend(within deadline: Duration) async throws
    /// A slot begins to move: none of its keys has.
    func begin(_ slot: Int, from: Int, to: Int) async throws
    /// Has the step run that comes next after `place`, with its number; what it leaves when it fails is put right then or by
    /// whoever comes next.
    func step(from shard: Int, at place: MoveCursor, _ body: (_ number: UInt64) async throws -> Void) async throws

    // MARK: Within the transaction on the shard that is left

    /// How far the slot is that leaves; `nil` for none.
    func leaving(_ session: any SQLSession, of shard: Int) throws -> MoveCursor?
    /// Keys below `until` have gone; for `nil` all of the slot's.
    func leave(_ session: any SQLSession, from shard: Int, to target: Int, slot: Int, until: UInt64?, step: UInt64)
        throws

    // MARK: Within the transaction on the shard that they come to

    /// Notes what a step brings.
    func arrive(_ arrival: Arrival, _ transaction: borrowing Transaction) throws
    /// It brings other rows than were noted in the same transaction.
    func amend(_ arrival: Arrival, _ transaction: borrowing Transaction) throws

    // MARK: What it would cost

    /// About how many bytes a shard's rows take.
    func bytes(of shard: Int) async throws -> Int
    /// How long it takes until something is on disk.
    func timeOfSync() async throws -> Duration
}

/// How far the slot is that leaves a shard.
struct MoveCursor: Sendable, Equatable {
    let slot: Int
    /// Where it goes.
    let to: Int
    /// The hash of its first key that is still there.
    let hash: UInt64
    /// The number of the step that is under way, or comes next.
    let step: UInt64
}

/// The right to reshard.
protocol MoveClaim: Sendable {
    func release() async
}

extension MoveClaim {
    /// Does something, and lets go then.
    func released<T>(_ body: () async throws -> T) async throws -> T {
        do {
            let result = try await body()
            await release()
            return result
        } catch {
            await release()
            throw error
        }
    }
}
