#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import Testing

/// A server whose disk is full, for its tables or for its log, or that takes no writes for another reason.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct PostgresDiskTests {
    @Test
    func `a server out of disk for its tables refuses writes, answers reads, and goes on once there is room`()
        async throws
    {
        let server = try await TestServer.start(disk: "base")
        let store = try await openStore(server.url)
        try await FullDisk.expectSurvived(store, fill: server.fillDisk, empty: server.emptyDisk)
        await store.close()
    }

    @Test
    func `a server out of disk for its log falls, and what was acknowledged is there once it is started again`()
        async throws
    {
        let server = try await TestServer.start(disk: "pg_wal")
        let store = try await openStore(server.url)
        let heard = try await WriteLoad.run(store) { heard in
            try server.fillDisk()
            // The log's next file finds no room, which is the end of every session.
            await eventually {
                try? server.run("SELECT pg_switch_wal()")
                return heard.codes.contains(.unreachable)
            }
            try server.emptyDisk()
            // It comes back by itself, unless it met the full disk again on the way.
            await eventually {
                if server.hasEnded { try await server.start() }
                return (try? server.run()) != nil
            }
        }
        #expect(heard.codes.isSubset(of: [.unreachable, .outcomeUnknown]))
        await store.close()
    }

    @Test
    func `a server that is read-only refuses writes, answers reads, and takes writes again`() async throws {
        let server = try await TestServer.start()
        let store = try await openStore(server.url)
        try await FullDisk.expectReadOnly(
            store,
            begin: {
                try server.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
            },
            end: { try server.run("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()") }
        )
        await store.close()
    }
}
#endif
