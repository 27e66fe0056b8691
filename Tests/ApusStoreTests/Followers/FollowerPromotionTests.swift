import ApusCore
import ApusRuntime
import Glibc
import Testing

@testable import ApusStore

@Suite(.timeLimit(.minutes(2))) struct FollowerPromotionTests {
    private func filled(_ folder: TestFolder, _ options: String = "follow=sync") async throws -> FollowedStore {
        let followed = try await FollowedStore.open(folder.path, options)
        await eventually { try followed.status.isSound }
        try await followed.insert(0..<30)
        await eventually { try followed.status.lag == 0 }
        await followed.store.close()
        return followed
    }

    private func check(_ folder: TestFolder, rows: Int = 30) async throws {
        let followed = try await FollowedStore.open(folder.path)
        let ids = try await followed.shard.scan("SELECT id FROM products ORDER BY id", as: Int.self)
        #expect(ids == Array(0..<rows))
        try await followed.insert(500..<501)
        #expect(try followed.isSame())
        await followed.store.close()
    }

    enum Loss: String, CaseIterable { case nothing, file, page, folder }

    private func lose(_ followed: FollowedStore, _ loss: Loss) throws {
        switch loss {
        case .nothing: break
        case .file: try FollowerCopy.remove(followed.file)
        case .page:
            let file = open(followed.file, O_WRONLY)
            defer { close(file) }
            #expect(pwrite(file, "damage", 6, 0) == 6)
        case .folder: try Files.remove(followed.folder)
        }
    }

    @Test(arguments: Loss.allCases)
    func `the follower is the shard, whatever was lost, and what comes back later is refused`(loss: Loss) async throws {
        let folder = try TestFolder()
        let followed = try await filled(folder)
        let kept = folder.path + "/kept"
        try Files.copyFolder(followed.folder, to: kept)
        try lose(followed, loss)
        let report = try await followed.store.promoteFollower(shard: 0, at: followed.site())
        #expect(report.epoch == 1)
        #expect(report.commitsLost == 0)
        #expect((report.aside == nil) == (loss == .file || loss == .folder))
        if let aside = report.aside { #expect(Files.status(aside) != nil) }
        #expect(Files.status(followed.followerFile) == nil)
        try await check(folder)

        // The old file in its old place is not the shard.
        for suffix in ["", "-wal", "-shm"] where Files.status("\(kept)/shard-0000.sqlite\(suffix)") != nil {
            try Files.writeAtomically(Files.read("\(kept)/shard-0000.sqlite\(suffix)"), to: followed.file + suffix)
        }
        let old = await failure { _ = try await FollowedStore.open(folder.path) }
        #expect(old?.code == .wrongShard)
        #expect(old?.detail.contains("promoted") == true)
    }

    @Test
    func `a second promotion follows the first`() async throws {
        let folder = try TestFolder()
        let followed = try await filled(folder)
        #expect(try await followed.store.promoteFollower(shard: 0, at: followed.site()).epoch == 1)
        // Nothing follows yet.
        #expect(try await followed.store.promoteFollower(shard: 0, at: followed.site()).epoch == 1)
        await (try FollowedStore.open(folder.path)).store.close()
        try lose(followed, .file)
        #expect(try await followed.store.promoteFollower(shard: 0, at: followed.site()).epoch == 2)
        try await check(folder)
    }

    @Test
    func `a follower that lags behind a file that can be read is brought to it first`() async throws {
        let folder = try TestFolder()
        let followed = try await lagging(folder)
        let steps = Lock<[String]>([])
        let report = try await followed.store.promoteFollower(shard: 0, at: followed.site()) { step in
            steps.withLock { $0.append(step) }
        }
        #expect(report.commitsLost == 0)
        #expect(steps.withLock { $0.first }?.contains("brought to position") == true)
        try await check(folder, rows: 40)
    }

    /// A store whose follower lacks the last ten commits.
    private func lagging(_ folder: TestFolder) async throws -> FollowedStore {
        let followed = try await FollowedStore.open(folder.path, "")
        await eventually { try followed.status.isSound }
        try await followed.insert(0..<30)
        await eventually { try followed.status.lag == 0 }
        let lock = try LockFile(path: followed.file + ".follower")
        try lock.acquire(within: .seconds(10))
        try await followed.insert(30..<40)
        #expect(try followed.status.lag == 10)
        await followed.store.close()
        return followed
    }

    @Test
    func `one that lacks acknowledged commits is promoted by force alone, which says how many`() async throws {
        let folder = try TestFolder()
        let followed = try await lagging(folder)
        try lose(followed, .page)
        let refused = await failure { try await followed.store.promoteFollower(shard: 0, at: followed.site()) }
        #expect(refused?.code == .statementInvalid)
        #expect(refused?.detail.contains("lacks 10 commits") == true)
        let report = try await followed.store.promoteFollower(shard: 0, at: followed.site(), isForced: true)
        #expect(report.commitsLost == 10)
        try await check(folder)
    }

    @Test
    func `without a follower, with a damaged one, or while it is open, nothing is promoted`() async throws {
        let folder = try TestFolder()
        let followed = try await filled(folder)
        let plain = BlockSite(url: "sqlite:\(followed.folder)", dataFolder: "/nowhere")
        #expect(await code { try await followed.store.promoteFollower(shard: 0, at: plain) } == .statementInvalid)
        #expect(await code { try await followed.store.promoteFollower(shard: 7, at: followed.site()) } == .valueInvalid)
        try await followed.store.open(followed.site())
        #expect(
            await code { try await followed.store.promoteFollower(shard: 0, at: followed.site()) } == .statementInvalid
        )
        await followed.store.close()
        try Files.remove(followed.followerFile + "-wal")
        let size = Int(try #require(Files.status(followed.followerFile)).size)
        let file = open(followed.followerFile, O_WRONLY)
        let noise = [UInt8](repeating: 0xA5, count: size - 4096)
        #expect(noise.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 4096) } == noise.count)
        close(file)
        #expect(await code { try await followed.store.promoteFollower(shard: 0, at: followed.site()) } == .corrupt)
        try FollowerCopy.remove(followed.followerFile)
        #expect(
            await code { try await followed.store.promoteFollower(shard: 0, at: followed.site()) } == .statementInvalid
        )
        try await check(folder)
    }

    @Test
    func `a process that has the shard open writes to it no more`() async throws {
        let folder = try TestFolder()
        let followed = try await FollowedStore.open(folder.path)
        try await followed.insert(0..<30)
        let other = FollowedStore(folder.path)
        try await other.store.promoteFollower(shard: 0, at: other.site())
        #expect(await code { try await followed.insert(30..<31) } == .wrongShard)
        try await check(folder)
        #expect(await code { try await followed.insert(31..<32) } == .wrongShard)
        await followed.store.close()
    }

    @Test(arguments: 1...4, [Loss.nothing, .file])
    func `a promotion that is cut off behind any step goes on, and nothing is opened before`(step: Int, loss: Loss)
        async throws
    {
        let folder = try TestFolder()
        let followed = try await filled(folder)
        try lose(followed, loss)
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, step = step as Int] in
            let followed = FollowedStore(path)
            let count = Lock(0)
            try await followed.store.promoteFollower(shard: 0, at: followed.site()) { _ in
                let steps = count.withLock { count in
                    count += 1
                    return count
                }
                if steps == step { kill(getpid(), SIGKILL) }
            }
        }
        let opened = await failure {
            let followed = try await FollowedStore.open(folder.path)
            let count = await code { _ = try await followed.shard.scan("SELECT id FROM products", as: Int.self) }
            await followed.store.close()
            if let count { throw StoreError(count, "it does not answer") }
        }
        // Without an old file there is one step less: behind the last there is nothing to do.
        let isDone = loss == .file && step == 4
        #expect((opened == nil) == isDone)
        if !isDone {
            let report = try await followed.store.promoteFollower(shard: 0, at: followed.site())
            #expect(report.epoch == 1)
            #expect(report.commitsLost == 0)
        }
        try await check(folder)
    }
}
