#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// What the store says when a server is not the one it should be, or will not have us: one line that names the fix.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(5)))
struct PostgresRefusalTests {
    /// Opening fails with this code, in one line that has these words and no password.
    private func expectRefusal(
        _ url: String,
        _ code: StoreError.Code,
        _ words: String...,
        secret: String = "no such text",
        at location: SourceLocation = #_sourceLocation
    ) async {
        var configuration = StoreConfiguration()
        configuration.connectDeadline = .seconds(2)
        let error = await failure { _ = try await openStore(url, configuration: configuration) }
        #expect(error?.code == code, sourceLocation: location)
        let text = error?.description ?? ""
        for word in words { #expect(text.contains(word), "\(text)", sourceLocation: location) }
        #expect(!text.contains("\n") && !text.contains(secret), "\(text)", sourceLocation: location)
    }

    @Test
    func `wrong users, passwords and databases are told apart`() async throws {
        let server = try await TestServer.start()
        let wrong = "wrong-\(SecureRandom.token(bits: 64))"
        await expectRefusal(
            server.url(password: wrong),
            .accessRefused,
            "\"apus\"",
            "password",
            "127.0.0.1:\(server.port)",
            secret: wrong
        )
        await expectRefusal(server.url("nobody"), .accessRefused, "\"nobody\"", "pg_hba.conf", secret: server.password)
        await expectRefusal(server.url(database: "missing"), .accessRefused, "CREATE DATABASE \"missing\"")
        try server.run(
            "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
            "CREATE ROLE guest LOGIN PASSWORD 'guest'"
        )
        await expectRefusal(server.url(database: "latin"), .wrongShard, "LATIN1", "ENCODING 'UTF8'")
        await expectRefusal(server.url("guest", password: "guest"), .accessRefused, "GRANT CREATE ON DATABASE")
        // The server keeps no password that could be read, and takes no other proof than SCRAM.
        let open = try server.number(
            "SELECT count(*) FROM pg_authid WHERE rolpassword IS NOT NULL AND rolpassword NOT LIKE 'SCRAM-SHA-256$%'"
        )
        #expect(open == 0)
        #expect(
            try server.number("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
        )
    }

    @Test
    func `a server that is not there or has gone is told by its address`() async throws {
        let server = try await TestServer.start()
        let url = server.url
        await server.kill()
        await expectRefusal(url, .unreachable, "127.0.0.1:\(server.port)", "refused", secret: server.password)
    }

    @Test
    func `a server that is too old is named with its version`() async throws {
        let old = try OldServer()
        await expectRefusal("postgres://u:p@127.0.0.1:\(old.port)/d", .accessRefused, "PostgreSQL 13", "14 or newer")
    }

    @Test
    func `with TLS the server's name and authority are checked`() async throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority())
        let server = try await TestServer.start(certificate: authority.certificate(for: "127.0.0.1"))
        let trusted = "postgres?sslmode=verify-full&sslrootcert="
        let store = try await openStore(server.url(database: trusted + authority.authorityFile))
        let shard = try store.shard(for: 1)
        let own: SQL =
            "SELECT count(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl AND version >= 'TLSv1.2'"
        // Each kind of connection has it.
        #expect(try await shard.one(own) == 1)
        #expect(try await shard.scan(own, as: Int.self) == [1])
        #expect(try await shard.transaction { try $0.one(own, as: Int.self) } == 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        await store.close()

        await expectRefusal(
            server.url(database: trusted + other.authorityFile),
            .accessRefused,
            "certificate verify failed"
        )
        let named = try await TestServer.start(certificate: authority.certificate(for: "db.example"))
        await expectRefusal(
            named.url(database: trusted + authority.authorityFile),
            .accessRefused,
            "db.example",
            "does not match host name"
        )
        let late = try await TestServer.start(certificate: authority.certificate(for: "127.0.0.1", days: -1))
        await expectRefusal(late.url(database: trusted + authority.authorityFile), .accessRefused, "certificate")
    }

    @Test
    func `a server without TLS is refused where TLS is asked for`() async throws {
        let server = try await TestServer.start()
        await expectRefusal(
            server.url(database: "postgres?sslmode=require"),
            .accessRefused,
            "does not support SSL",
            "ssl on"
        )
    }
}

/// Says that it is PostgreSQL 13, to anybody, and nothing else.
private final class OldServer: Sendable {
    let port: UInt16
    private let listener: Int32

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && getsockname(listener, address, &size) == 0
                    && listen(listener, 8) == 0
            }
        }
        guard isListening else { throw TestServer.Failure(what: "no free port") }
        port = UInt16(bigEndian: address.sin_port)
        try StoreThread.start("old-server") { Self.serve(listener) }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func serve(_ listener: Int32) {
        while true {
            let peer = accept(listener, nil, nil)
            guard peer >= 0 else { return }
            var asked = [UInt8](repeating: 0, count: 1024)
            // TLS is asked for in eight bytes, and declined in one.
            if recv(peer, &asked, asked.count, 0) == 8 {
                _ = send(peer, "N", 1, Int32(MSG_NOSIGNAL))
                _ = recv(peer, &asked, asked.count, 0)
            }
            let answer =
                Self.message("R", [0, 0, 0, 0]) + Self.message("S", Array("server_version\u{0}13.9\u{0}".utf8))
                + Self.message("Z", Array("I".utf8))
            _ = send(peer, answer, answer.count, Int32(MSG_NOSIGNAL))
            _ = recv(peer, &asked, asked.count, 0)
            close(peer)
        }
    }

    private static func message(_ type: Character, _ body: [UInt8]) -> [UInt8] {
        [type.asciiValue ?? 0] + withUnsafeBytes(of: UInt32(body.count + 4).bigEndian) { Array($0) } + body
    }
}
#endif
