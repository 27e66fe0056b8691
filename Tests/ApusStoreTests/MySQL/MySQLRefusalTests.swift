#if MySQL
import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

/// What the store says when a server is not the one it should be, or will not have us: one line that names the fix.
@Suite(.needsMariaDB, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct MySQLRefusalTests {
    /// Opening fails with this code, in one line that has these words and no password.
    private func expectRefusal(
        _ url: String,
        _ code: StoreError.Code,
        _ words: String...,
        secret: String = "no such text",
        at location: SourceLocation = #_sourceLocation
    ) async {
        let error = await failure { _ = try await openStore(url) }
        #expect(error?.code == code, sourceLocation: location)
        let text = error?.description ?? ""
        for word in words { #expect(text.contains(word), "\(text)", sourceLocation: location) }
        #expect(!text.contains("\n") && !text.contains(secret), "\(text)", sourceLocation: location)
    }

    @Test
    func `wrong users, passwords and databases are told apart`() async throws {
        let server = try await MariaDBServer.start()
        let wrong = "wrong-\(SecureRandom.token(bits: 64))"
        await expectRefusal(
            server.url(password: wrong),
            .accessRefused,
            "\"apus\"",
            "password",
            "127.0.0.1:\(server.port)",
            secret: wrong
        )
        await expectRefusal(server.url("nobody"), .accessRefused, "\"nobody\"", secret: server.password)
        try server.run("CREATE USER guest@'%' IDENTIFIED BY 'guest'", "CREATE DATABASE latin_0 CHARACTER SET latin1")
        await expectRefusal(server.url("guest", password: "guest"), .accessRefused, "GRANT ALL ON")
        await expectRefusal(server.url(rest: "/latin"), .wrongShard, "latin1", "utf8mb4_nopad_bin")
        await server.kill()
        await expectRefusal(server.url(), .unreachable, "127.0.0.1:\(server.port)", secret: server.password)
    }

    @Test
    func `with TLS the server's name and authority are checked`() async throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority())
        let server = try await MariaDBServer.start(certificate: authority.certificate(for: "127.0.0.1"))
        func url(_ server: MariaDBServer, _ root: String) -> String {
            server.url(rest: "?sslrootcert=\(root)").replacing("mysql:", with: "mysqls:")
        }
        let store = try await openStore(url(server, authority.authorityFile))
        let shard = try store.shard(for: 1)
        let own: SQL =
            "SELECT count(*) FROM information_schema.session_status WHERE variable_name = 'Ssl_version' AND variable_value >= 'TLSv1.2'"
        // Each kind of connection has it.
        #expect(try await shard.one(own) == 1)
        #expect(try await shard.scan(own, as: Int.self) == [1])
        #expect(try await shard.transaction { try $0.one(own, as: Int.self) } == 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        await store.close()

        await expectRefusal(url(server, other.authorityFile), .accessRefused, "sslrootcert")
        let named = try await MariaDBServer.start(certificate: authority.certificate(for: "db.example"))
        await expectRefusal(url(named, authority.authorityFile), .accessRefused, "sslrootcert")
        let late = try await MariaDBServer.start(certificate: authority.certificate(for: "127.0.0.1", days: -1))
        await expectRefusal(url(late, authority.authorityFile), .accessRefused, "sslrootcert")
    }

    @Test
    func `a server without TLS is refused where TLS is asked for`() async throws {
        let server = try await MariaDBServer.start()
        await expectRefusal(server.url(rest: "?sslmode=require"), .accessRefused, "TLS")
    }
}
#endif
