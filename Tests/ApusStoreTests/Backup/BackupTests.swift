import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// Backups that are damaged, cut off, or of another program.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct BackupTests {
    let folder: TestFolder
    let place: TestPlace

    init() throws {
        folder = try TestFolder()
        place = try TestPlace(.sqlite)
    }

    private var backup: String { folder.path + "/backup" }
    private var there: BlockSite { BlockSite(dataFolder: folder.path + "/restored") }

    /// A backup of a store of two shards.
    private func takeBackup(_ buyers: Int = 60, migrations: [Migration] = BackedShop.migrations) async throws
        -> [[String]]
    {
        let shop = try await BackedShop.open(place, shards: 2, migrations: migrations)
        try await shop.fill(buyers)
        let contents = try await shop.contents()
        try await shop.store.backup(into: backup)
        await shop.store.close()
        return contents
    }

    private func shop(_ migrations: [Migration] = BackedShop.migrations) -> BackedShop {
        BackedShop(place.name, shards: 4, migrations: migrations)
    }

    // MARK: Programs that have come further

    @Test
    func `rows of an older schema are restored to it, and the next start brings them up to date`() async throws {
        let before = try await takeBackup()
        let newer = shop(BackedShop.migrations + [BackedShop.later])
        try await newer.store.restore(from: backup, at: there)
        try await newer.store.open(there)
        #expect(try await newer.contents() == before)
        let ratings = try await newer.store.everyShard.all("SELECT rating FROM buyers", as: Int.self).rows
        #expect(ratings == Array(repeating: 3, count: 60))
        await newer.store.close()
    }

    @Test
    func `rows of a newer schema, or of an edited one, are refused by name`() async throws {
        _ = try await takeBackup(migrations: BackedShop.migrations + [BackedShop.later])
        let older = await failure { try await shop().store.restore(from: backup, at: there) }
        #expect(older?.code == .newerSchema)
        #expect(older?.detail.contains("migration 2") == true)
        let edited = BackedShop.migrations + [Migration(2, "rate buyers", "SELECT 1")]
        let found = await code { try await shop(edited).store.restore(from: backup, at: there) }
        #expect(found == .migrationEdited)
        let other = BackedShop("another", shards: 2, migrations: BackedShop.migrations + [BackedShop.later])
        let store = await code { try await other.store.restore(from: backup, at: there) }
        #expect(store == .wrongShard)
    }

    @Test
    func `a store with later migrations than the backup is refused`() async throws {
        _ = try await takeBackup()
        let newer = shop(BackedShop.migrations + [BackedShop.later])
        try await newer.store.open(there)
        await newer.store.close()
        let failure = await failure { try await newer.store.restore(from: backup, at: there) }
        #expect(failure?.code == .statementInvalid)
        #expect(failure?.detail.contains("later migrations") == true)
    }

    // MARK: What is not taken

    @Test
    func `a table that is not declared, and a folder with something in it, are refused by name`() async throws {
        let shop = BackedShop(place.name, shards: 2, tables: Array(BackedShop.tables.dropLast()))
        try await shop.store.open(place.site())
        let unknown = await failure { try await shop.store.backup(into: backup) }
        #expect(unknown?.code == .statementInvalid)
        #expect(unknown?.detail.contains("countries") == true)
        #expect(try Files.list(backup) == [])
        try Files.writeAtomically("mine", to: backup + "/shard-notes")
        let taken = await failure { try await shop.store.backup(into: backup) }
        #expect(taken?.code == .statementInvalid)
        await shop.store.close()
        #expect(try Files.list(backup) == ["shard-notes"])
        let none = await failure { try await self.shop().store.restore(from: backup, at: there) }
        #expect(none?.detail.contains("no backup") == true)
    }

    @Test
    func `a backup that is cancelled leaves nothing behind`() async throws {
        let shop = try await BackedShop.open(place, shards: 2)
        try await shop.fill(3000)
        let (store, backup) = (shop.store, backup)
        let (reached, goOn) = (Lock(false), Monitor(false))
        let task = Task {
            try await store.backup(into: backup) { _ in
                reached.withLock { $0 = true }
                _ = goOn.wait { $0 ? true : nil }
            }
        }
        await eventually { reached.withLock { $0 } }
        task.cancel()
        goOn.withLock { $0 = true }
        goOn.broadcast()
        let result = await task.result
        #expect(throws: CancellationError.self) { try result.get() }
        #expect(try Files.list(backup) == [])
        // Nobody holds a shard any more.
        try await store.shard(for: 1).execute("UPDATE buyers SET visits = 1 WHERE id = 1")
        await store.close()
    }

    @Test
    func `what would not come back is refused by name`() async throws {
        let more = Migration(
            2,
            "more",
            """
            CREATE TABLE visits (id INTEGER PRIMARY KEY, buyer INTEGER NOT NULL REFERENCES buyers (id));
            CREATE TABLE notes (id INTEGER NOT NULL, text VARCHAR(20))
            """
        )
        let visits = StoreTable("visits", primaryKey: ["id"], key: ["buyer"]) { try $0.next(Int.self) }
        let notes = StoreTable("notes", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) }
        let migrations = BackedShop.migrations + [more]
        let shop = BackedShop(
            place.name,
            shards: 1,
            migrations: migrations,
            tables: BackedShop.tables + [visits, notes]
        )
        try await shop.store.open(place.site())
        let key = await failure { try await shop.store.backup(into: backup) }
        #expect(key?.code == .statementInvalid)
        #expect(key?.detail.contains("foreign key of visits") == true)
        // Its declared key is not unique: a page would end within rows of one key, and lose the others.
        try await shop.store.shard(for: 1).transaction { transaction in
            try transaction.execute("DROP TABLE visits")
            try transaction.execute("CREATE TABLE visits (id INTEGER PRIMARY KEY, buyer INTEGER NOT NULL)")
            for number in 0..<100 { try transaction.execute("INSERT INTO notes (id, text) VALUES (1, \("\(number)"))") }
        }
        let unique = await failure { try await shop.store.backup(into: backup) }
        #expect(unique?.code == .statementInvalid)
        #expect(unique?.detail.contains("notes") == true)
        #expect(try Files.list(backup) == [])
        await shop.store.close()
    }

    // MARK: Damage

    @Test
    func `a row that is not as it was copied is found, and the store stays closed until it is restored whole`()
        async throws
    {
        let before = try await takeBackup()
        let file = "\(backup)/\(OpenStore.fileName(1))"
        let whole = try Files.read(file)
        let connection = try SQLiteConnection(path: file, configuration: StoreConfiguration(), isReader: false)
        try connection.run("PRAGMA journal_mode = DELETE")
        try connection.run("UPDATE buyers SET visits = visits + 1 WHERE id IN (SELECT max(id) FROM buyers)")
        connection.close()
        let shop = shop()
        let damaged = await failure { try await shop.store.restore(from: backup, at: there) }
        #expect(damaged?.code == .corrupt)
        #expect(damaged?.detail.contains("buyers") == true)
        let opened = await failure { try await shop.store.open(there) }
        #expect(opened?.code == .restoreUnfinished)
        try Files.writeAtomically(whole, to: file)
        try await shop.store.restore(from: backup, at: there)
        try await shop.store.open(there)
        #expect(try await shop.contents() == before)
        await shop.store.close()
    }

    @Test
    func `whatever stands in a manifest, it is read or refused`() async throws {
        _ = try await takeBackup(3)
        let path = "\(backup)/\(BackupManifest.fileName)"
        let whole = try Files.read(path)
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<TestRun.seeds {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...20, using: &random)))
                default: bytes.insert(contentsOf: "\"../9{[".utf8, at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            try Files.writeAtomically(bytes, to: path)
            do {
                let manifest = try BackupManifest.read(backup)
                #expect(manifest.shards.allSatisfy { !$0.file.contains("/") }, "seed \(TestRun.seed)")
            } catch {
                #expect(error is StoreError, "seed \(TestRun.seed)")
            }
        }
    }

    // MARK: kill -9

    @Test
    func `kill -9 during a backup leaves a whole one or none`() async throws {
        let shop = try await BackedShop.open(place, shards: 2)
        try await shop.fill(90)
        let before = try await shop.contents()
        await shop.store.close()
        var random = SeededRandom(seed: TestRun.seed)
        for round in 0..<TestRun.rounds {
            let (path, data, name) = ("\(backup)-\(round)", place.folder.path, place.name)
            let deadly = Int.random(in: 1...10, using: &random)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, data = data as String, name = name as String, deadly = deadly as Int] in
                let shop = BackedShop(name, shards: 2)
                try await shop.store.open(BlockSite(dataFolder: data))
                let events = Lock(0)
                try await shop.store.backup(into: path) { _ in
                    let count = events.withLock { events in
                        events += 1
                        return events
                    }
                    if count == deadly { kill(getpid(), SIGKILL) }
                }
                kill(getpid(), SIGKILL)
            }
            let site = BlockSite(dataFolder: "\(folder.path)/restored-\(round)")
            let target = self.shop()
            guard Files.status("\(path)/\(BackupManifest.fileName)") != nil else {
                let found = await code { try await target.store.restore(from: path, at: site) }
                #expect(found == .corrupt, "round \(round), seed \(TestRun.seed)")
                continue
            }
            try await target.store.restore(from: path, at: site)
            try await target.store.open(site)
            #expect(try await target.contents() == before, "round \(round), seed \(TestRun.seed)")
            await target.store.close()
        }
    }

    @Test
    func `kill -9 during a restore leaves a store that nobody opens, and the next restore makes it whole`() async throws
    {
        let before = try await takeBackup()
        var random = SeededRandom(seed: TestRun.seed)
        var cut = 0
        for round in 0..<TestRun.rounds {
            let (path, data, name) = (backup, "\(folder.path)/restored-\(round)", place.name)
            let deadly = Int.random(in: 1...160, using: &random)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, data = data as String, name = name as String, deadly = deadly as Int] in
                let shop = BackedShop(name, shards: 4)
                let site = BlockSite(dataFolder: data, clock: DeadlyClock(at: deadly))
                try await shop.store.restore(from: path, at: site)
                kill(getpid(), SIGKILL)
            }
            let (site, target) = (BlockSite(dataFolder: data), self.shop())
            var isWhole = false
            do {
                try await target.store.open(site)
                let contents = try await target.contents()
                await target.store.close()
                isWhole = contents == before
                #expect(isWhole || contents.allSatisfy(\.isEmpty), "round \(round), seed \(TestRun.seed)")
            } catch let error as StoreError {
                #expect(error.code == .restoreUnfinished, "round \(round), seed \(TestRun.seed)")
                cut += 1
            }
            if isWhole { continue }
            try await target.store.restore(from: path, at: site)
            try await target.store.open(site)
            #expect(try await target.contents() == before, "round \(round), seed \(TestRun.seed)")
            await target.store.close()
        }
        #expect(cut > 0, "no round was cut off while rows came; seed \(TestRun.seed)")
    }
}
