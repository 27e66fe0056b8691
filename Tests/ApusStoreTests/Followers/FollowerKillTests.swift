import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// A process that writes is killed at any moment, again and again; then the shard's disk is lost, or the follower's.
@Suite(.ownThread, .serialized, .timeLimit(.minutes(10)))
struct FollowerKillTests {
    private static func note(_ id: Int, in file: Int32) {
        let line = Array("\(id)\n".utf8)
        _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    }

    private func acknowledged(_ folder: String) throws -> Set<Int> {
        guard Files.status(folder + "/notes") != nil else { return [] }
        return Set(try Files.readText(folder + "/notes").split(separator: "\n").compactMap { Int($0) })
    }

    /// Writes from several tasks until it is killed: at a look at the clock, of which there is one at each step of a commit, of
    /// catching up and of making a follower.
    private func killOneThatWrites(_ path: String, _ options: String, round: Int, looks: Int) async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, options = options as String, round = round as Int, looks = looks as Int] in
            let notes = open(path + "/notes", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            let followed = try await FollowedStore.open(path, options, clock: DeadlyClock(at: looks))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        var id = round * 1_000_000 + writer * 100_000
                        while true {
                            try await followed.insert(id..<id + 1)
                            FollowerKillTests.note(id, in: notes)
                            id += 1
                        }
                    }
                }
                // A follower that is lost on the way is made anew while they write.
                group.addTask {
                    while true {
                        await eventually { try followed.status.isSound }
                        try await followed.insert(round * 1_000_000 + 900_000..<round * 1_000_000 + 900_001)
                        try Files.remove(followed.followerFile)
                        return
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test
    func `kill -9 at any moment, and then the loss of the shard's file, loses nothing acknowledged`() async throws {
        let folder = try TestFolder()
        var random = SeededRandom(seed: TestRun.seed)
        var epoch = 0
        await (try FollowedStore.open(folder.path)).store.close()
        for round in 0..<TestRun.rounds {
            let said = Comment("round \(round), seed \(TestRun.seed)")
            await killOneThatWrites(
                folder.path,
                "follow=sync&lost=refuse",
                round: round,
                looks: Int.random(in: 20...3000, using: &random)
            )
            let followed = FollowedStore(folder.path)
            // Killed while there was none, there is nothing to promote: the shard itself has it all.
            if Int.random(in: 0...2, using: &random) > 0, Files.status(followed.followerFile) != nil {
                switch Int.random(in: 0...2, using: &random) {
                case 0: try FollowerCopy.remove(followed.file)
                case 1: #expect(truncate(followed.file, 100) == 0)
                default: break
                }
                let report = try await followed.store.promoteFollower(shard: 0, at: followed.site())
                epoch += 1
                #expect(report.epoch == epoch, said)
                #expect(report.commitsLost == 0, said)
            }
            let again = try await FollowedStore.open(folder.path)
            let stored = Set(try await again.shard.scan("SELECT id FROM products", as: Int.self))
            #expect(try acknowledged(folder.path).isSubset(of: stored), said)
            #expect(try again.isSame(), said)
            await again.store.close()
            #expect(try again.isSame(), said)
        }
        #expect(try acknowledged(folder.path).count > 0)
    }

    @Test
    func `kill -9 of a follower that nobody waits for leaves it behind, and the next start has it catch up`()
        async throws
    {
        let folder = try TestFolder()
        var random = SeededRandom(seed: TestRun.seed)
        for round in 0..<TestRun.rounds {
            let said = Comment("round \(round), seed \(TestRun.seed)")
            await killOneThatWrites(folder.path, "", round: round, looks: Int.random(in: 20...3000, using: &random))
            let again = try await FollowedStore.open(folder.path, "")
            let stored = Set(try await again.shard.scan("SELECT id FROM products", as: Int.self))
            #expect(try acknowledged(folder.path).isSubset(of: stored), said)
            await eventually { try again.status.isSound && again.status.lag == 0 }
            #expect(try again.isSame(), said)
            await again.store.close()
        }
    }

    @Test
    func `kill -9 at any look of a promotion, and it goes on`() async throws {
        let first = try TestFolder()
        let path = first.path
        var random = SeededRandom(seed: TestRun.seed)
        let followed = try await FollowedStore.open(path)
        try await followed.insert(0..<50)
        await followed.store.close()
        for round in 0..<TestRun.rounds {
            let said = Comment("round \(round), seed \(TestRun.seed)")
            let microseconds = Int.random(in: 0...30_000, using: &random)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, microseconds = microseconds as Int] in
                let followed = FollowedStore(path)
                // By the kernel's own timer: at no step in particular.
                _ = signal(SIGALRM) { _ in kill(getpid(), SIGKILL) }
                ualarm(useconds_t(microseconds + 1), 0)
                try await followed.store.promoteFollower(shard: 0, at: followed.site())
                while true { pause() }
            }
            let report = try await followed.store.promoteFollower(shard: 0, at: followed.site())
            #expect(report.commitsLost == 0, said)
            let again = try await FollowedStore.open(path)
            #expect(
                try await again.shard.scan("SELECT id FROM products ORDER BY id", as: Int.self) == Array(0..<50),
                said
            )
            #expect(try again.isSame(), said)
            await again.store.close()
        }
    }
}
