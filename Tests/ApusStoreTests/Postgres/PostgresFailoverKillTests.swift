#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// Rounds in which the primary, and whoever promotes, are killed at any moment under load: nothing that was acknowledged is lost, and
/// nothing is there twice.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(30)))
struct PostgresFailoverKillTests {
    @Test
    func `kill -9 of primaries and of those who promote loses nothing and doubles nothing`() async throws {
        let cluster = try await TestCluster.start(followers: 2, isConfirmed: true)
        let store = try await cluster.open()
        var random = SeededRandom(seed: TestRun.seed)
        let heard = try await WriteLoad.run(store) { heard in
            var old = cluster.servers[0]
            for round in 0..<TestRun.rounds {
                let way = Int.random(in: 0..<3, using: &random)
                let looks = Int.random(in: 1...600, using: &random)
                if way == 0 { await old.kill() }
                if way == 1 { old.freeze() }
                try await Self.promoteAndDie(cluster, isPlanned: way == 2, after: looks)
                let new = try await Self.finish(cluster, from: old, isPlanned: way == 2)
                var before = heard.acknowledged
                await eventually { heard.acknowledged > before + 100 }
                if way == 0 { try await old.start() }
                if way == 1 { old.thaw() }
                let rows = try TestCluster.rows(on: old)
                before = heard.acknowledged
                await eventually { heard.acknowledged > before + 200 }
                // What it had begun before it stood still, it may have kept for itself.
                if way != 1 { #expect(try TestCluster.rows(on: old) == rows, "round \(round), seed \(TestRun.seed)") }
                try await old.follow(new)
                try cluster.confirm(on: old)
                old = new
            }
        }
        #expect(
            heard.codes.isSubset(of: [.unreachable, .outcomeUnknown, .deadlineExceeded, .readOnly]),
            "seed \(TestRun.seed)"
        )
        await store.close()
    }

    /// Promotes in a process that is killed at some moment, at the latest when it is done.
    private static func promoteAndDie(_ cluster: TestCluster, isPlanned: Bool, after looks: Int) async throws {
        let url = cluster.url
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [url = url as String, isPlanned = isPlanned as Bool, looks = looks as Int] in
            // It is looked at before and after all that waits.
            let site = BlockSite(url: url, dataFolder: "/tmp", clock: DeadlyClock(at: looks))
            try await TestCluster.declared.promote(shard: 0, at: site, isPlanned: isPlanned)
            kill(getpid(), SIGKILL)
        }
    }

    /// Goes on with what the dead one had begun.
    ///
    /// - Returns: The new primary.
    private static func finish(_ cluster: TestCluster, from old: TestServer, isPlanned: Bool) async throws -> TestServer
    {
        while true {
            // It may have come to its end.
            let others = cluster.servers.filter { $0.port != old.port }
            if isPlanned, let new = try others.first(where: { try !$0.isFollowing() }) { return new }
            do {
                return try cluster.server(try await cluster.promote(isPlanned: isPlanned).server)
            } catch let error as StoreError where error.code == .busy {
                // The server has not noticed yet that the dead one is gone.
                continue
            } catch let error as StoreError where error.detail.contains("is the primary and answers") {
                return try #require(others.first { error.detail.hasPrefix("127.0.0.1:\($0.port) ") })
            }
        }
    }
}

#endif
