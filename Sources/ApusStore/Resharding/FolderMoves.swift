import ApusCore
import ApusRuntime

/// A resharding of shards in a folder: records are files, the cursor is in memory that all processes share.
///
/// Some of its shards may be on a server, where rows of the folder go to (``Relocation``).
struct FolderMoves: MoveSite {
    let folder: String
    let store: String
    let map: ShardMap
    let shards: ShardList
    let gate: StillGate
    let mender: MoveMender
    let following: Following
    let declared: [StoreTable]
    let tables: [TableStatements]
    let relocated: RelocatedStore
    let configuration: StoreConfiguration
    let clock: any Clock

    /// How long a step waits for questions that are under way.
    private static let stepDeadline: Duration = .seconds(600)

    init(
        store: Store,
        folder: String,
        map: ShardMap,
        shards: ShardList,
        following: Following,
        relocated: RelocatedStore,
        clock: any Clock
    ) {
        self.folder = folder
        self.store = store.name
        self.map = map
        self.shards = shards
        self.following = following
        self.relocated = relocated
        self.clock = clock
        configuration = store.configuration
        declared = store.tables
        tables = TableStatements.ordered(store.tables.filter { !$0.isReference })
        gate = StillGate(folder: folder, table: map.table)
        mender = MoveMender(shards: shards, tables: tables)
    }

    var table: SlotTable { map.table }
    var scratch: String { folder }
    // It ends with the disk; with a server it is mostly round trips.
    var rowsLeast: Int { table.isOnServer(table.shards - 1) ? 64 : 16 }
    func holdsTarget(_ shard: Int) -> Bool { !table.isOnServer(shard) }
    var meeting: Duration { .milliseconds(100) }

    // MARK: Questions to all shards

    /// Runs a question to all shards while no step is under way, and puts right first what a dead step left.
    func still<T>(within deadline: Duration, _ body: () async throws -> T) async throws -> T {
        var share = try await gate.share(within: deadline)
        while table.openStep != nil {
            // Nobody holds the gate and a step is open: its process has ended.
            share?.release()
            try await mend(within: deadline)
            share = try await gate.share(within: deadline)
        }
        defer { share?.release() }
        return try await body()
    }

    func mend(within deadline: Duration) async throws {
        let still = try await gate.hold(within: deadline)
        defer { still.release() }
        try await mender.mend()
    }

    // MARK: Records

    private struct Claim: MoveClaim {
        let lock: LockFile
        func release() { lock.release() }
    }

    func claim() throws -> any MoveClaim {
        if let place = following.place {
            throw StoreError(
                .statementInvalid,
                "the store has followers in \(place.folder), which have no part in a move: start with sqlite:?follower=none, "
                    + "reshard and finish, and name them again"
            )
        }
        let lock = try LockFile(path: folder + "/reshard.lock")
        guard lock.isWritable else { throw StoreError(.readOnly, "\(lock.path) cannot be opened for writing") }
        guard lock.tryAcquire() else { throw MoveRecord.taken }
        try forgetUnbegun()
        for name in (try? Files.list(folder)) ?? [] where name.hasPrefix("reshard-rows-") {
            try? Files.remove("\(folder)/\(name)")
        }
        return Claim(lock: lock)
    }

    func record() throws -> MoveRecord? { try MoveRecord.read(folder) }
    func keep(_ record: MoveRecord) throws { try record.write(folder) }

    func forget() async throws {
        if let relocation = try Relocation.read(folder) { try await finish(relocation) }
        try MoveRecord.forget(folder)
    }

    func start(_ record: inout MoveRecord) async throws {
        let relocation = try Relocation.read(folder)
        if relocation?.isSettled == true {
            throw StoreError(.busy, "the rows are the server's, and that is being finished; finish it once more")
        }
        try record.write(folder)
        try map.startMoves(
            shards: record.plan.shards,
            folder: folder,
            store: store,
            isRelocated: relocation != nil,
            deadline: configuration.openDeadline
        )
        if let relocation { try await prepare(relocation) }
    }

    // Whoever works in a folder looks always.
    func open(_ shard: Int, _ tables: [TableStatements]) {}
    func end(_ record: MoveRecord, _ tables: [TableStatements]) async throws {
        for shard in try shards.every() { try await ShardMover.endNotes(shard, tables) }
    }

    // MARK: Steps

    func begin(_ slot: Int, from: Int, to: Int) throws { try table.begin(slot, to: to) }

    func step(from shard: Int, at place: MoveCursor, _ body: (_ number: UInt64) async throws -> Void) async throws {
        let still = try await gate.hold(within: Self.stepDeadline)
        defer { still.release() }
        try await mender.mend()
        // Mending may have found that the slot is all there.
        guard table.moving != nil else { return }
        let number = try table.beginStep()
        do {
            try await body(number)
            try table.endStep()
        } catch {
            // Or else whoever asks all shards next does.
            try? await mender.mend()
            throw error
        }
    }

    func leaving(_ session: any SQLSession, of shard: Int) -> MoveCursor? {
        table.moving.map { MoveCursor(slot: $0.slot, to: $0.to, hash: $0.cursor, step: table.openStep ?? 0) }
    }

    func leave(_ session: any SQLSession, from: Int, to: Int, slot: Int, until: UInt64?, step: UInt64) throws {
        if let until { try table.advance(to: until) } else { try table.finish() }
    }

    func arrive(_ arrival: Arrival, _ transaction: borrowing Transaction) throws { try arrival.write(transaction) }
    func amend(_ arrival: Arrival, _ transaction: borrowing Transaction) throws { try arrival.write(transaction) }

    // MARK: What it would cost

    func bytes(of shard: Int) -> Int { Int(Files.status("\(folder)/\(OpenStore.fileName(shard))")?.size ?? 0) }
    func timeOfSync() throws -> Duration { try MovePace.timeOfSync(in: folder, clock: clock) }
}
