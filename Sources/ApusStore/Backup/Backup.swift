import ApusCore
import ApusRuntime
import CLinux
import Glibc

/// Copies all shards of an open store as they were at one moment.
struct Backup: Sendable {
    let store: String
    let opened: OpenStore
    let tables: [TableStatements]
    let clock: any Clock
    let folder: String
    private let rowsMax: Int

    /// How long it may take until all shards are held at once: writers wait meanwhile, less long than they have time.
    private static let patience: Duration = .seconds(2)
    /// How often that is tried, and how long writers go first in between.
    private static let attempts = 5
    private static let pause: ClosedRange<Int> = 200...800
    /// How long a step of a resharding is waited for.
    private static let stillPatience: Duration = .seconds(30)

    init(_ store: Store, _ opened: OpenStore, into folder: String, clock: any Clock = SystemClock()) {
        self.store = store.name
        self.opened = opened
        tables = TableStatements.ordered(store.tables)
        rowsMax = store.configuration.rowsMax
        self.clock = clock
        self.folder = folder
    }

    func run(_ progress: @escaping @Sendable (CopyProgress) -> Void) async throws -> BackupReport {
        let began = clock.now()
        try await StoreThread.run { [self] in try makeFolder() }
        do {
            var report = try await copy(progress)
            report.nanoseconds = (clock.now() - began).nanoseconds
            return report
        } catch {
            _ = try? await StoreThread.run { [self] in try clear() }
            throw error
        }
    }

    private static let beginName = "backup.begun"

    // MARK: Its folder

    /// - Throws: ``StoreError`` where something is in it: nothing of another one's is ever written over.
    private func makeFolder() throws {
        do {
            try Files.makeFolder(folder)
            guard try Files.list(folder).isEmpty, try isFirst() else {
                throw StoreError(.statementInvalid, "\(folder) is not empty; name a new folder for the backup")
            }
        } catch {
            throw StoreError(wrapping: error, folder)
        }
    }

    /// Makes the folder this backup's; false where another one was faster.
    private func isFirst() throws -> Bool {
        let file = apus_open("\(folder)/\(Self.beginName)", O_WRONLY | O_CREAT | O_EXCL, 0o600)
        if file >= 0 {
            close(file)
            return true
        }
        guard apus_errno() == EEXIST else { throw SystemError("open \(folder)/\(Self.beginName)") }
        return false
    }

    /// Takes away what was begun.
    private func clear() throws {
        guard Files.status("\(folder)/\(Self.beginName)") != nil else { return }
        // What says that it is whole goes first.
        if Files.status("\(folder)/\(BackupManifest.fileName)") != nil {
            try Files.remove("\(folder)/\(BackupManifest.fileName)")
        }
        for name in try Files.list(folder) where name.hasPrefix("shard-") { try Files.remove("\(folder)/\(name)") }
        try Files.remove("\(folder)/\(Self.beginName)")
    }

    // MARK: Copying

    private func copy(_ progress: @escaping @Sendable (CopyProgress) -> Void) async throws -> BackupReport {
        let (snapshots, pause) = try await snapshots()
        let takenAt = clock.wallNanoseconds() / 1_000_000_000
        let stop = StopSign()
        return try await withTaskCancellationHandler {
            let copied = try await copies(snapshots, stop, progress)
            guard Set(copied.map(\.migrations)).count == 1,
                Set(copied.map { $0.shard.tables.map(\.columns) }).count == 1
            else {
                throw StoreError(.busy, "a program migrates the shards at this moment; take the backup when it has")
            }
            let manifest = BackupManifest(
                store: store,
                takenAt: takenAt,
                migrations: copied[0].migrations,
                shards: copied.map(\.shard)
            )
            try await StoreThread.run {
                try manifest.write(folder)
                try Files.remove("\(folder)/\(Self.beginName)")
            }
            let bytes = copied.reduce(0) { $0 + Int(Files.status("\(folder)/\($1.shard.file)")?.size ?? 0) }
            return BackupReport(
                shards: copied.count,
                rows: manifest.rows(in: tables),
                bytes: bytes,
                pause: pause.nanoseconds,
                nanoseconds: 0
            )
        } onCancel: {
            stop.stop(CancellationError())
        }
    }

    // MARK: All shards at one moment

    /// Holds all shards for a short while; where that is too short, writers go on first, and it is tried again.
    private func snapshots() async throws -> (snapshots: [ShardSnapshot], pause: Duration) {
        var attempt = 1
        while true {
            do {
                return try await snapshotsOnce()
            } catch let error as StoreError where error.code == .busy && attempt < Self.attempts {
                attempt += 1
                try await Pause.take(.milliseconds(Int.random(in: Self.pause)))
            }
        }
    }

    private func snapshotsOnce() async throws -> (snapshots: [ShardSnapshot], pause: Duration) {
        // A shard that came since, or whose server was away when the store was opened, is opened by its first call.
        for engine in try opened.shards.every() { _ = try await Answer.read(engine, deadline: nil) { _ in 0 } }
        switch opened.questions {
        // No step moves rows meanwhile: each is on one shard.
        case .still(let moves): return try await moves.still(within: Self.stillPatience) { try await snapshotsNow() }
        case .cuts(let moves):
            let (snapshots, pause) = try await snapshotsNow()
            do {
                let cuts = try await each(snapshots, onFailure: { _ in }) { try ShardCut.read($0.session) }
                let gap = ShardCut.gap(Dictionary(uniqueKeysWithValues: cuts.enumerated().map { ($0, $1) }))
                // Shards may have come that nobody here had heard of.
                if gap == nil, snapshots.count >= moves.shardsHeardOf(cuts) { return (snapshots, pause) }
                for snapshot in snapshots { snapshot.end() }
                // A step was under way, or has been cut off.
                if let gap { try await moves.mend(from: gap.from, to: gap.to, within: Self.stillPatience) }
            } catch {
                for snapshot in snapshots { snapshot.end() }
                throw error
            }
            throw StoreError(.busy, "rows were moving at that moment; try again")
        }
    }

    private func snapshotsNow() async throws -> (snapshots: [ShardSnapshot], pause: Duration) {
        let engines = try opened.shards.every()
        let names = tables.map(\.table.name)
        let point = StillPoint(engines.count, within: Self.patience)
        let snapshots = try await withTaskCancellationHandler {
            try await each(engines, onFailure: point.fail) { try $0.snapshot(of: names, at: point) }
        } onCancel: {
            point.fail(CancellationError())
        }
        return (snapshots, point.pause)
    }

    private struct Copied: Sendable {
        var migrations: [BackupManifest.Step]
        var shard: BackupManifest.Shard
    }

    private func copies(
        _ snapshots: [ShardSnapshot],
        _ stop: StopSign,
        _ progress: @escaping @Sendable (CopyProgress) -> Void
    ) async throws -> [Copied] {
        let rows = Lock(0)
        return try await each(Array(snapshots.enumerated()), onFailure: stop.stop) { index, snapshot in
            defer { snapshot.end() }
            let copy = ShardCopy(tables: tables, snapshot: snapshot, stop: stop, rowsMax: rowsMax)
            let file = OpenStore.fileName(index)
            let (migrations, copied) = try copy.write(to: "\(folder)/\(file)") { more in
                let sum = rows.withLock { rows in
                    rows += more
                    return rows
                }
                progress(CopyProgress(rows: sum, rowsInAll: nil, isChecking: false))
            }
            return Copied(migrations: migrations, shard: .init(file: file, tables: copied))
        }
    }

    /// What `body` makes of each, in their order, on a thread each; the others hear of a failure.
    private func each<Element: Sendable, Value: Sendable>(
        _ elements: [Element],
        onFailure tell: @escaping @Sendable (any Error) -> Void,
        _ body: @escaping @Sendable (Element) throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            for (index, element) in elements.enumerated() {
                group.addTask {
                    do { return (index, try await StoreThread.run { try body(element) }) } catch {
                        tell(error)
                        throw error
                    }
                }
            }
            var values: [Int: Value] = [:]
            var failure: (any Error)?
            while let next = await group.nextResult() {
                switch next {
                case .success(let (index, value)): values[index] = value
                case .failure(let error): failure = failure ?? error
                }
            }
            if let failure { throw failure }
            return elements.indices.compactMap { values[$0] }
        }
    }
}
