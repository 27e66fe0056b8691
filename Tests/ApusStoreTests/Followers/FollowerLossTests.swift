import ApusCore
import ApusRuntime
import Glibc
import Testing

@testable import ApusStore

/// A follower that is lost is left out, named, and made anew, while the shard serves.
@Suite(.timeLimit(.minutes(2))) struct FollowerLossTests {
    enum Damage: String, CaseIterable { case gone, empty, torn, foreign, folderGone }

    private func damage(_ followed: FollowedStore, _ damage: Damage) throws {
        let path = followed.followerFile
        switch damage {
        case .gone: try FollowerCopy.remove(path)
        case .empty: #expect(truncate(path, 0) == 0)
        case .torn:
            // Every page but the first.
            let size = Int(try #require(Files.status(path)).size)
            let file = open(path, O_WRONLY)
            defer { close(file) }
            let noise = [UInt8](repeating: 0xA5, count: size - 4096)
            #expect(noise.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 4096) } == noise.count)
        case .foreign:
            let file = try SQLiteConnection(path: path, configuration: StoreConfiguration(), isReader: false)
            defer { file.close() }
            try file.run(
                "UPDATE apus_follow SET position = position - 1; DELETE FROM parts; UPDATE products SET stock = 9"
            )
        case .folderGone: try Files.remove(followed.follower)
        }
    }

    @Test(arguments: Damage.allCases)
    func `with sync, a follower that breaks while it is used is made anew`(damage: Damage) async throws {
        let folder = try TestFolder()
        let first = try await FollowedStore.open(folder.path)
        try await first.insert(0..<200)
        // So that all of it is in the file, and nothing in its log.
        await first.store.close()
        try Files.remove(first.followerFile + "-wal")
        let followed = try await FollowedStore.open(folder.path)
        let copy = try followed.copy()
        try self.damage(followed, damage)
        if damage == .folderGone { try Files.makeFolder(followed.follower) }
        // Whoever writes is told, or it is there; nothing is acknowledged that it does not have.
        var id = 1000
        await eventually {
            id += 1
            try await followed.shard.execute("UPDATE products SET stock = \(id) WHERE id < 100")
            return try followed.copy() != copy && followed.isSame()
        }
        #expect(try followed.isSame())
        #expect(followed.store.problems.isEmpty)
        await followed.store.close()
    }

    @Test(arguments: Damage.allCases, ["", "follow=sync"])
    func `one that broke while nobody looked is found at the start`(damage: Damage, options: String) async throws {
        let folder = try TestFolder()
        var followed = try await FollowedStore.open(folder.path, options)
        try await followed.insert(0..<200)
        await followed.store.close()
        // All of it is in the file; what is still in the log would hide the noise.
        try Files.remove(followed.followerFile + "-wal")
        try self.damage(followed, damage)
        followed = try await FollowedStore.open(folder.path, options)
        await eventually { try followed.status.isSound && followed.status.lag == 0 && followed.isSame() }
        #expect(try followed.isSame())
        await followed.store.close()
    }

    /// A folder in which nothing can be made: a file has its name.
    private func block(_ followed: FollowedStore) throws {
        try Files.remove(followed.follower)
        try Files.writeAtomically("not a folder", to: followed.follower)
    }

    private func unblock(_ followed: FollowedStore) throws {
        try Files.remove(followed.follower)
        try Files.makeFolder(followed.follower)
    }

    @Test
    func `with sync, writes are refused while there is no follower, reads go on, and all of it heals`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        try await followed.insert(0..<3)
        try block(followed)
        // It was committed here, and the follower is gone: nobody is told that it is safe.
        #expect(await code { try await followed.insert(3..<4) } == .outcomeUnknown)
        let refused = await failure { try await followed.insert(4..<5) }
        #expect(refused?.code == .unreachable)
        #expect(refused?.isRetryable == true)
        #expect(followed.store.problems.count == 1)
        #expect(followed.store.problems[0].contains(followed.followerFile))
        #expect(try followed.status.isSound == false)
        let count: Int = try await followed.shard.replicas(staleAtMost: nil).one("SELECT count(*) FROM products")
        #expect(count == 4)
        try unblock(followed)
        await eventually { try followed.status.isSound }
        try await followed.insert(4..<5)
        #expect(try followed.isSame())
        #expect(followed.store.problems.isEmpty)
        await followed.store.close()
    }

    @Test(arguments: ["follow=sync&lost=continue", ""])
    func `where that is asked for, writes go on without a follower, and it has them later`(options: String) async throws
    {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path, options)
        await eventually { try followed.status.isSound }
        try await followed.insert(0..<3)
        try block(followed)
        try await followed.insert(3..<30)
        await eventually { try !followed.status.isSound && followed.store.problems.count == 1 }
        try await followed.insert(30..<40)
        #expect(try followed.status.lag > 0)
        try unblock(followed)
        await eventually { try followed.status.isSound && followed.status.lag == 0 }
        #expect(try followed.isSame())
        try await followed.insert(40..<50)
        await eventually { try followed.status.lag == 0 }
        #expect(try followed.isSame())
        await followed.store.close()
    }

    @Test
    func `a read that finds a broken page is answered by the shard, and the follower made anew`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        try await followed.insert(0..<500)
        await followed.store.close()
        try Files.remove(followed.followerFile + "-wal")
        let again = try await FollowedStore.open(folder.path)
        let copy = try again.copy()
        try damage(again, .torn)
        let rows = try await again.shard.replicas(staleAtMost: nil).scan(
            "SELECT id FROM products ORDER BY id",
            as: Int.self
        )
        #expect(rows == Array(0..<500))
        await eventually { try again.copy() != copy && again.status.isSound }
        #expect(try again.isSame())
        await again.store.close()
    }

    @Test
    func `what a follower has yet to have is kept, but not for ever`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path, "")
        await eventually { try followed.status.isSound }
        let copy = try followed.copy()
        let lock = try LockFile(path: followed.file + ".follower")
        try lock.acquire(within: .seconds(10))
        let picture = [UInt8](repeating: 7, count: 8 << 20)
        for id in 0..<12 {
            try await followed.shard.execute(
                "INSERT INTO products (id, name, picture) VALUES (\(id), \("n\(id)"), \(picture))"
            )
        }
        let file = try SQLiteConnection(path: followed.file, configuration: StoreConfiguration(), isReader: true)
        let kept: Int = try Transaction(file).one("SELECT sum(length(changes)) FROM apus_changes")
        // Each entry says a little beside its picture.
        #expect(kept <= ChangeLog.bytesMax + 64 << 10)
        #expect(kept > ChangeLog.bytesMax / 2)
        file.close()
        lock.release()
        await eventually { try followed.status.isSound && followed.status.lag == 0 }
        #expect(try followed.copy() != copy)
        #expect(try followed.isSame())
        await followed.store.close()
    }

    @Test(arguments: [false, true])
    func `an older file in the shard's place, or none, does not take the follower with it`(isGone: Bool) async throws {
        let folder = try TestFolder()
        var followed = try await FollowedStore.open(folder.path)
        try await followed.insert(0..<10)
        await followed.store.close()
        let old = try Files.read(followed.file)
        followed = try await FollowedStore.open(folder.path)
        try await followed.insert(10..<15)
        await followed.store.close()
        try FollowerCopy.remove(followed.file)
        // Nobody remembers that there was one.
        try Files.remove(followed.file + ".lock")
        if !isGone { try Files.writeAtomically(old, to: followed.file) }
        followed = try await FollowedStore.open(folder.path)
        let found = await failure { _ = try await followed.shard.scan("SELECT id FROM products", as: Int.self) }
        #expect(found?.code == .corrupt)
        #expect(found?.detail.contains("commits more") == true)
        await followed.store.close()
        let report = try await followed.store.promoteFollower(shard: 0, at: followed.site())
        #expect(report.commitsLost == 0)
        followed = try await FollowedStore.open(folder.path)
        let ids = try await followed.shard.scan("SELECT id FROM products ORDER BY id", as: Int.self)
        #expect(ids == Array(0..<15))
        #expect(try followed.isSame())
        await followed.store.close()
    }
}
