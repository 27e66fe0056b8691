import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import CSQLite
import Glibc
import Testing

@Suite(.timeLimit(.minutes(5)))
struct FaultTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// Appends a number to a file that the parent reads once the child is dead: what was acknowledged.
    private static func note(_ id: Int, in file: Int32) {
        let line = Array("\(id)\n".utf8)
        _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }

    /// Runs `body` in a child and leaves there, for the parent, why it failed.
    private static func child(_ path: String, _ body: () async throws -> Void) async {
        do {
            try await body()
            exit(0)
        } catch {
            let text = Array("\(error)\n".utf8)
            let file = open(path + "/failure", O_WRONLY | O_CREAT | O_APPEND, 0o666)
            _ = text.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            exit(1)
        }
    }

    private struct Unmet: Error { let what: String }

    private static func require(_ isMet: Bool, _ what: @autoclosure () -> String) throws {
        if !isMet { throw Unmet(what: what()) }
    }

    /// What a child left behind.
    private var failure: String { (try? Files.readText(folder.path + "/failure")) ?? "" }

    @Test(arguments: [1, 2, 3, 4])
    func `what was acknowledged before kill -9 is there exactly once`(seed: Int) async throws {
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, seed = seed as Int] in
            let store = Store("test", migrations: productsSchema)
            try await store.open(BlockSite(dataFolder: path))
            let notes = open(path + "/notes", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for writer in 0..<16 {
                    tasks.addTask {
                        var round = 0
                        while true {
                            let id = writer * 1_000_000 + round
                            let shard = try store.shard(for: 1)
                            try await shard.execute("INSERT INTO products (id, name) VALUES (\(id), \("n\(id)"))")
                            FaultTests.note(id, in: notes)
                            round += 1
                            // The first writer to come this far takes the process down in the middle of the others' work.
                            if round == 20 + seed * 13 { kill(getpid(), SIGKILL) }
                        }
                    }
                }
                try await tasks.waitForAll()
            }
        }
        let acknowledged = try Files.readText(path + "/notes").split(separator: "\n").compactMap { Int($0) }
        #expect(acknowledged.count > 50)
        let store = Store("test", migrations: productsSchema)
        try await store.open(BlockSite(dataFolder: path))
        let stored = Set(try await store.shard(for: 1).scan("SELECT id FROM products", as: Int.self))
        #expect(acknowledged.allSatisfy(stored.contains))
        #expect(try await store.integrity().isEmpty)
        // The dead holder's lock is free.
        try await store.shard(for: 1).execute(
            "INSERT INTO products (id, name) VALUES (-1, 'after')",
            deadline: .seconds(2)
        )
        await store.close()
    }

    @Test
    func `on a full disk writes say so, reads go on, and nothing is lost when space returns`() async throws {
        let path = folder.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            await FaultTests.child(path) {
                signal(SIGXFSZ, SIG_IGN)
                let store = Store("test", migrations: productsSchema)
                try await store.open(BlockSite(dataFolder: path))
                let shard = try store.shard(for: 1)
                let group = try LoopGroup(count: 1)
                let filling = String(repeating: "x", count: 3000)
                var stored = 0
                // No file of this process grows beyond this: the kernel refuses the write, as a full disk does.
                var limit = rlimit(rlim_cur: 400_000, rlim_max: rlim_t.max)
                getrlimit(__rlimit_resource_t(1), &limit)
                let before = limit.rlim_cur
                limit.rlim_cur = 400_000
                setrlimit(__rlimit_resource_t(1), &limit)
                var full = 0
                for id in 0..<400 {
                    do {
                        try await shard.execute("INSERT INTO products (id, name) VALUES (\(id), \("\(id)" + filling))")
                        stored += 1
                    } catch let error as StoreError {
                        full += 1
                        try FaultTests.require(error.code == .diskFull, "\(error)")
                    }
                    if full == 5 { break }
                }
                try FaultTests.require(full == 5 && stored > 10, "full \(full), stored \(stored)")
                let counted: Int = try await shard.one("SELECT count(*) FROM products")
                try FaultTests.require(counted == stored, "count")
                let onLoop = try await onLoop(group.loops[0]) {
                    try await shard.one("SELECT count(*) FROM products", as: Int.self)
                }
                try FaultTests.require(onLoop == stored, "count")
                limit.rlim_cur = before
                setrlimit(__rlimit_resource_t(1), &limit)
                for id in 1000..<1100 {
                    try await shard.execute("INSERT INTO products (id, name) VALUES (\(id), \("\(id)" + filling))")
                }
                let after: Int = try await shard.one("SELECT count(*) FROM products")
                try FaultTests.require(after == stored + 100, "count")
                let problems = try await store.integrity()
                try FaultTests.require(problems.isEmpty, "count")
                await store.close()
            }
        }
        #expect(failure == "")
    }

    @Test
    func `on a read-only disk writes say so and reads go on`() async throws {
        let path = folder.path
        let store = try await openStore(folder)
        try await store.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        await store.close()
        for name in try Files.list(path) { chmod(path + "/" + name, 0o444) }
        close(open(path + "/failure", O_WRONLY | O_CREAT, 0o666))
        chmod(path + "/failure", 0o666)
        chmod(path, 0o555)
        await #expect(processExitsWith: .success) { [path = path as String] in
            await FaultTests.child(path) {
                // Root may write everywhere; nobody may not.
                if geteuid() == 0 { try FaultTests.require(setgid(65534) == 0 && setuid(65534) == 0, "setuid") }
                let store = Store("test", sharding: .hash(slots: 64), migrations: productsSchema)
                try await store.open(BlockSite(dataFolder: path))
                let shard = try store.shard(for: 1)
                let name: String? = try await shard.first("SELECT name FROM products WHERE id = 1")
                try FaultTests.require(name == "a", "count")
                let found = await code { try await shard.execute("DELETE FROM products") }
                try FaultTests.require(found == .readOnly, "\(String(describing: found))")
                let again: String? = try await shard.first("SELECT name FROM products WHERE id = 1")
                try FaultTests.require(again == "a", "count")
                await store.close()
            }
        }
        #expect(failure == "")
        chmod(path, 0o700)
    }

    @Test
    func `a damaged shard is named with its fix, and the others serve`() async throws {
        let first = try await openStore(folder, shards: 3)
        for id in 0..<30 {
            try await first.shard(for: id).execute("INSERT INTO products (id, name) VALUES (\(id), \("\(id)"))")
        }
        let places = try (0..<30).map { try first.shard(for: $0).index }
        await first.close()
        let path = folder.path + "/shard-0001.sqlite"
        for suffix in ["-wal", "-shm"] { try Files.remove(path + suffix) }
        try Files.writeAtomically(Array(repeating: 0xA5, count: 20_000), to: path)
        let store = try await openStore(folder, shards: 3)
        for id in 0..<30 {
            if places[id] == 1 {
                do {
                    _ = try await store.shard(for: id).one("SELECT count(*) FROM products", as: Int.self)
                    Issue.record("answered")
                } catch let error as StoreError {
                    #expect(error.code == .corrupt)
                    #expect(error.detail.contains(path))
                    #expect(error.detail.contains("backup"))
                }
                #expect(await code { try await store.shard(for: id).execute("DELETE FROM products") } == .corrupt)
            } else {
                #expect(try await store.shard(for: id).one("SELECT name FROM products WHERE id = \(id)") == "\(id)")
                try await store.shard(for: id).execute("UPDATE products SET stock = 1 WHERE id = \(id)")
            }
        }
        #expect(try await store.integrity().keys.sorted() == [1])
        #expect(await code { _ = try await store.everyShard.all("SELECT id FROM products", as: Int.self) } == .corrupt)
        let partial = try await store.everyShard.all("SELECT id FROM products", as: Int.self, allowPartial: true)
        #expect(partial.answered == [0, 2])
        #expect(partial.failed.keys.sorted() == [1])
        #expect(partial.rows.count == places.count { $0 != 1 })
        await store.close()
    }

    @Test(arguments: [true, false])
    func `a shard whose file is gone or empty is named with its fix, not made anew without its rows`(
        isGone: Bool
    ) async throws {
        let first = try await openStore(folder)
        try await first.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        await first.close()
        let path = folder.path + "/shard-0000.sqlite"
        for suffix in ["", "-wal", "-shm"] { try Files.remove(path + suffix) }
        if !isGone { try Files.writeAtomically([UInt8](), to: path) }
        let store = try await openStore(folder)
        #expect(store.problems == ["\(path) is missing or empty, and had rows; restore it from a backup"])
        #expect(await code { try await store.shard(for: 1).execute("DELETE FROM products") } == .corrupt)
        await store.close()
        #expect((Files.status(path)?.size ?? 0) == 0)
    }

    @Test
    func `a damaged shard serves again soon after its file was put back`() async throws {
        let path = folder.path + "/shard-0000.sqlite"
        let first = try await openStore(folder)
        try await first.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (1, \("one"))")
        await first.close()
        let backup = try Files.read(path, bytesMax: 1 << 24)
        for suffix in ["-wal", "-shm"] { try Files.remove(path + suffix) }
        try Files.writeAtomically(Array(repeating: 0xA5, count: 20_000), to: path)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        let clock = ManualClock()
        let store = Store("test", sharding: .hash(slots: 64), migrations: productsSchema)
        try await store.open(BlockSite(dataFolder: folder.path, clock: clock))
        let shard = try store.shard(for: 1)
        let read: @Sendable () async throws -> String = { try await shard.one("SELECT name FROM products") }
        let loop = group.loops[0]
        #expect(await code { _ = try await onLoop(loop, read) } == .corrupt)
        clock.advance(by: .seconds(6))
        #expect(await code { _ = try await onLoop(loop, read) } == .corrupt)
        try Files.writeAtomically(backup, to: path)
        // Looked at a moment ago: it is not looked at with every call.
        #expect(await code { _ = try await onLoop(loop, read) } == .corrupt)
        clock.advance(by: .seconds(6))
        #expect(try await onLoop(loop, read) == "one")
        try await shard.execute("UPDATE products SET name = \("two")")
        #expect(try await onLoop(loop, read) == "two")
        await store.close()
    }

    @Test
    func `damage inside a file is found by the check`() async throws {
        let first = try await openStore(folder)
        for id in 0..<500 {
            try await first.shard(for: 1).execute("INSERT INTO products (id, name) VALUES (\(id), \("\(id)"))")
        }
        await first.close()
        let path = folder.path + "/shard-0000.sqlite"
        // Everything is in the file only once the log is copied into it.
        var handle: OpaquePointer?
        sqlite3_open(path, &handle)
        sqlite3_exec(handle, "PRAGMA wal_checkpoint(TRUNCATE)", nil, nil, nil)
        sqlite3_close(handle)
        var bytes = try Files.read(path)
        #expect(bytes.count > 5 * 4096)
        for index in (bytes.count - 2 * 4096)..<(bytes.count - 100) { bytes[index] = 0xEE }
        for suffix in ["-wal", "-shm"] { try Files.remove(path + suffix) }
        try Files.writeAtomically(bytes, to: path)
        let store = try await openStore(folder)
        #expect(try await store.integrity()[0]?.isEmpty == false)
        await store.close()
    }

    @Test
    func `a shard that hangs keeps only its own keys waiting`() async throws {
        let store = try await openStore(folder, shards: 2)
        let slow = try #require(try (0..<50).first { try store.shard(for: $0).index == 0 })
        let quick = try #require(try (0..<50).first { try store.shard(for: $0).index == 1 })
        let holder = Holder(path: folder.path + "/shard-0000.sqlite.lock")
        try holder.take()
        let waiting = Task {
            try await store.shard(for: slow)
                .execute("INSERT INTO products (id, name) VALUES (\(slow), 's')", deadline: .seconds(600))
        }
        for id in 1000..<1050 {
            try await store.shard(for: quick).execute("INSERT INTO products (id, name) VALUES (\(id), \("\(id)"))")
        }
        #expect(try await store.shard(for: slow).one("SELECT count(*) FROM products") == 0)
        holder.release()
        #expect(try await waiting.value == 1)
        await store.close()
    }

    @Test
    func `another program that holds the database makes writes wait, not fail`() async throws {
        let store = try await openStore(folder)
        let shard = try store.shard(for: 1)
        var other: OpaquePointer?
        sqlite3_open(folder.path + "/shard-0000.sqlite", &other)
        defer { sqlite3_close(other) }
        #expect(sqlite3_exec(other, "BEGIN IMMEDIATE", nil, nil, nil) == SQLITE_OK)
        #expect(
            await code {
                try await shard.execute("INSERT INTO products (name) VALUES ('x')", deadline: .milliseconds(100))
            } == .deadlineExceeded
        )
        let waiting = Task { try await shard.execute("INSERT INTO products (name) VALUES ('y')") }
        #expect(sqlite3_exec(other, "COMMIT", nil, nil, nil) == SQLITE_OK)
        #expect(try await waiting.value == 1)
        #expect(try await shard.all("SELECT name FROM products", as: String.self) == ["y"])
        await store.close()
    }

    @Test
    func `two stores on the same files take turns and lose nothing`() async throws {
        let stores = [try await openStore(folder), try await openStore(folder)]
        try await stores[0].shard(for: 1).execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for task in 0..<16 {
                tasks.addTask {
                    for _ in 0..<40 {
                        let shard = try stores[task % 2].shard(for: 1)
                        try await shard.execute(
                            "UPDATE products SET stock = stock + 1 WHERE id = 1",
                            deadline: .seconds(20)
                        )
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(try await stores[1].shard(for: 1).one("SELECT stock FROM products") == 640)
        for store in stores { await store.close() }
    }
}
