#if MySQL
import ApusCore
import ApusRuntime
import ApusStore
import ApusTesting
import Testing

/// A server whose disk is full, or that takes no writes for another reason.
@Suite(.needsMariaDB, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct MySQLDiskTests {
    /// MariaDB 10.11 ends itself where it finds no room to undo what it had no room for.
    @Test
    func `a server out of disk says so or falls, and what was acknowledged is there once it has room`() async throws {
        let server = try await MariaDBServer.start(hasDisk: true)
        let store = try await openStore(server.url())
        try await FullDisk.expectNothingLost(store, fill: server.fillDisk) {
            try server.emptyDisk()
            await eventually {
                if server.hasEnded { try await server.start() }
                return (try? server.run()) != nil
            }
        }
        await store.close()
    }

    @Test
    func `a server that is read-only refuses writes, answers reads, and takes writes again`() async throws {
        let server = try await MariaDBServer.start()
        // Whoever may do anything may write all the same.
        try server.run(
            "CREATE USER shop@'%' IDENTIFIED BY 'shop'",
            "GRANT ALL ON *.* TO shop@'%'",
            "REVOKE SUPER, READ_ONLY ADMIN ON *.* FROM shop@'%'"
        )
        let store = try await openStore(server.url("shop", password: "shop"))
        try await FullDisk.expectReadOnly(
            store,
            begin: { try server.run("SET GLOBAL read_only = 1") },
            end: { try server.run("SET GLOBAL read_only = 0") }
        )
        await store.close()
    }
}
#endif
