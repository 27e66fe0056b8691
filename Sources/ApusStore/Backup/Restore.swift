import ApusCore
import ApusRuntime

/// Brings the rows of a backup into a store that is empty, each to the shard that its key leads to there.
///
/// While rows come, a mark among each shard's migrations keeps every program from opening the store; it goes when all rows are
/// there and were read back.
struct Restore: Sendable {
    let declared: Store
    let folder: String
    let manifest: BackupManifest
    private let tables: [TableStatements]
    private let clock = SystemClock()

    private var rowsInAll: Int { manifest.rows(in: tables) }

    /// Rows and bytes that are brought in one transaction.
    private static let rowsAtOnce = 2000
    private static let bytesAtOnce = 4 << 20
    /// How long a step on a shard may wait and take.
    private static let patience: Duration = .seconds(600)

    /// - Throws: ``StoreError``: `corrupt`, `newerSchema`, `migrationEdited`, `wrongShard` for a backup of another store,
    ///   `statementInvalid` for a table that is not declared.
    init(_ store: Store, from folder: String) throws {
        declared = store
        self.folder = folder
        manifest = try BackupManifest.read(folder)
        tables = TableStatements.ordered(store.tables)
        guard manifest.store == store.name else {
            throw StoreError(
                .wrongShard,
                "\(folder) is a backup of the store \"\(manifest.store)\", not of \"\(store.name)\""
            )
        }
        let known = Set(store.tables.map(\.name))
        for table in manifest.shards.flatMap(\.tables) where !known.contains(table.name) {
            throw StoreError(
                .statementInvalid,
                "the backup has a table \(table.name), which the store does not declare"
            )
        }
        for (index, step) in manifest.migrations.enumerated() {
            guard index < store.migrations.count else {
                throw StoreError(
                    .newerSchema,
                    "\(folder) has migration \(step.number), which this program does not know; use a newer program"
                )
            }
            let ours = store.migrations[index]
            guard ours.number == step.number, ours.checksum == step.checksum else {
                throw StoreError(
                    .migrationEdited,
                    "migration \(step.number) was another one when \(folder) was taken; use the program of that time"
                )
            }
        }
    }

    func run(
        at site: BlockSite,
        _ progress: @escaping @Sendable (CopyProgress) -> Void
    ) async throws -> RestoreReport {
        let began = clock.now()
        let target = target()
        do {
            try await target.open(site)
        } catch let error as StoreError where error.code == .newerSchema {
            throw StoreError(
                .statementInvalid,
                "the store there has later migrations than the backup; restore into a new one, and a start brings it up to date",
                cause: error
            )
        }
        do {
            let opened = try target.current()
            try await clear(opened)
            try await mark(opened)
            try await bring(opened, progress)
            try await check(opened, progress)
            try await unmark(opened)
            await target.close()
            return RestoreReport(
                shards: opened.engines.count,
                rows: rowsInAll,
                takenAt: manifest.takenAt,
                nanoseconds: (clock.now() - began).nanoseconds
            )
        } catch {
            await target.close()
            throw error
        }
    }

    /// The declared store, with its schema as it was when the backup was taken.
    private func target() -> Store {
        var configuration = declared.configuration
        configuration.isRestoring = true
        return Store(
            declared.name,
            shards: declared.shards,
            sharding: declared.sharding,
            migrations: Array(declared.migrations.prefix(manifest.migrations.count)),
            tables: declared.tables,
            configuration: configuration
        )
    }

    // MARK: The mark

    /// Refuses a store that has rows, unless a restore that was cut off has left them: those go.
    private func clear(_ opened: OpenStore) async throws {
        let engines = opened.engines
        let first = try await Answer<Bool>.read(engines[0], deadline: Self.patience) {
            try Transaction($0).first(MigrationRunner.findMark, as: Int.self) != nil
        }
        for engine in engines {
            if first {
                try await Answer<Void>.write(engine, deadline: Self.patience) { transaction in
                    for statements in tables.reversed() { try transaction.execute(statements.deleteAll) }
                }
                continue
            }
            for statements in tables {
                let has = try await Answer<Bool>.read(engine, deadline: Self.patience) {
                    try Transaction($0).first(statements.anyRow, as: Int.self) != nil
                }
                if has {
                    throw StoreError(
                        .statementInvalid,
                        "table \(statements.table.name) of the store has rows; restore into an empty one"
                    )
                }
            }
        }
    }

    /// The first shard is marked first and unmarked last: every program looks at it first.
    private func mark(_ opened: OpenStore) async throws {
        for engine in opened.engines {
            try await Answer<Void>.write(engine, deadline: Self.patience) { transaction in
                try transaction.execute(MigrationRunner.removeMark)
                try transaction.execute(MigrationRunner.addMark)
            }
        }
    }

    private func unmark(_ opened: OpenStore) async throws {
        for engine in opened.engines.reversed() {
            try await Answer<Void>.write(engine, deadline: Self.patience) { try $0.execute(MigrationRunner.removeMark) }
        }
    }

    // MARK: Rows

    private func bring(_ opened: OpenStore, _ progress: @escaping @Sendable (CopyProgress) -> Void) async throws {
        let count = Lock(0)
        let stop = StopSign()
        try await withTaskCancellationHandler {
            try await StoreThread.run {
                for (index, shard) in manifest.shards.enumerated() {
                    let file = try BackupFile("\(folder)/\(shard.file)", shard)
                    defer { file.close() }
                    for statements in tables {
                        // What is everywhere is in each file; once is enough.
                        if statements.table.isReference, index > 0 { continue }
                        try file.read(statements, opened.map, rows: Self.rowsAtOnce, bytes: Self.bytesAtOnce) { batch in
                            try stop.check()
                            try Blocking.run { try await Self.insert(batch, into: statements.table, opened) }
                            let sum = count.withLock { count in
                                count += batch.rows.count
                                return count
                            }
                            progress(CopyProgress(rows: sum, rowsInAll: rowsInAll, isChecking: false))
                        }
                    }
                }
            }
        } onCancel: {
            stop.stop(CancellationError())
        }
    }

    private static func insert(_ batch: BackupFile.Batch, into table: StoreTable, _ opened: OpenStore) async throws {
        let engines = opened.engines
        var parts: [Int: [[SQLValue]]] = [:]
        if table.isReference {
            for index in engines.indices { parts[index] = batch.rows }
        } else {
            for (row, place) in zip(batch.rows, batch.places) {
                parts[opened.map.table.shard(of: place), default: []].append(row)
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, rows) in parts {
                group.addTask {
                    try await Answer<Void>.write(engines[index], deadline: patience) { transaction in
                        var next = rows.makeIterator()
                        _ = try transaction.session.insert(into: table.name, batch.columns) { next.next() }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: Afterwards

    /// Reads everything back, and has each server number on behind what is there.
    private func check(_ opened: OpenStore, _ progress: @escaping @Sendable (CopyProgress) -> Void) async throws {
        var rows = 0
        for statements in tables {
            let name = statements.table.name
            let ours = manifest.shards.compactMap { $0.tables.first { $0.name == name } }
            guard let first = ours.first else { continue }
            var found = RowSum()
            for (index, engine) in opened.engines.enumerated() {
                let sum = try await sum(of: statements, first.columns, on: engine)
                if statements.table.isReference {
                    guard sum == first.rowSum else { throw Self.differs(name, "on shard \(index)") }
                } else {
                    found = found + sum
                }
                rows += sum.rows
                progress(CopyProgress(rows: rows, rowsInAll: rowsInAll, isChecking: true))
                try await Answer<Void>.write(engine, deadline: Self.patience) { transaction in
                    try transaction.session.dialect.goOnNumbering(name, on: transaction.session)
                }
            }
            guard statements.table.isReference || found == ours.map(\.rowSum).reduce(RowSum(), +) else {
                throw Self.differs(name, "in the store")
            }
        }
    }

    private func sum(of statements: TableStatements, _ columns: [String], on engine: any ShardEngine) async throws
        -> RowSum
    {
        // Some at a time: no transaction of a server stays open for as long as all of them take.
        var (sum, pages) = (RowSum(), Pages(statements, columns, rowsMax: declared.configuration.rowsMax))
        while true {
            let before = pages
            let (rows, next) = try await Answer<(RowSum?, Pages)>.read(engine, deadline: Self.patience) { session in
                var pages = before
                guard let rows = try pages.next(session) else { return (nil, pages) }
                var sum = RowSum()
                for row in rows { sum.add(row) }
                return (sum, pages)
            }
            pages = next
            guard let rows else { return sum }
            sum = sum + rows
            try Task.checkCancellation()
        }
    }

    private static func differs(_ table: String, _ place: String) -> StoreError {
        StoreError(
            .corrupt,
            "table \(table): the rows \(place) are not those of the backup; did a program write meanwhile? Restore again"
        )
    }
}
