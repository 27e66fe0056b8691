import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusCache

/// The server on protected connections.
@Suite(.ownThread, .timeLimit(.minutes(5)))
struct CacheServerTLSTests {
    @Test(.needs(.redis)) func `redis-cli comes by TLS, and only by that`() async throws {
        let authority = try TestAuthority()
        let options = try authority.server("127.0.0.1")
        try await withCacheServer {
            $0.tls = options
        } _: { ports throws in
            func cli(_ words: String...) throws -> String {
                try output(of: "/usr/bin/redis-cli", ["-h", "127.0.0.1", "-p", "\(ports.redis)"] + words)
            }
            let security = ["--tls", "--cacert", authority.authorityFile]
            func secured(_ words: String...) throws -> String {
                try output(of: "/usr/bin/redis-cli", ["-h", "127.0.0.1", "-p", "\(ports.redis)"] + security + words)
            }
            #expect(try secured("set", "a", "1") == "OK\n")
            let value = String(repeating: "v", count: 100_000)
            #expect(try secured("set", "large", value) == "OK\n")
            #expect(try secured("get", "large") == value + "\n")
            #expect(try cli("get", "a").contains("rror"))
            // Whoever does not trust the server's authority does not speak to it.
            #expect(try cli("--tls", "get", "a").contains("ertificate"))
        }
    }

    @Test func `both ports are protected`() async throws {
        let authority = try TestAuthority()
        let options = try authority.server("127.0.0.1")
        try await withCacheServer {
            $0.tls = options
        } _: { ports in
            func speak(_ text: String, to port: UInt16) throws -> String {
                let client =
                    "openssl s_client -quiet -verify_return_error -verify_ip 127.0.0.1 "
                    + "-CAfile \(authority.authorityFile) -connect 127.0.0.1:\(port) 2>/dev/null"
                return try output(of: "/bin/sh", ["-c", "printf \"\(text)\" | \(client)"])
            }
            #expect(
                try speak("set a 5 0 2\\r\\nhi\\r\\nget a\\r\\nquit\\r\\n", to: ports.memcached)
                    == "STORED\r\nVALUE a 5 2\r\nhi\r\nEND\r\n"
            )
            #expect(try speak("GET a\\r\\nQUIT\\r\\n", to: ports.redis) == "$2\r\nhi\r\n+OK\r\n")
            // What is no handshake ends the connection, and the others go on.
            let plain = try PlainConnection(port: ports.memcached)
            try plain.send(Array("get a\r\nget a\r\nget a\r\n".utf8))
            #expect(plain.isClosed())
            #expect(try speak("version\\r\\nquit\\r\\n", to: ports.memcached).hasPrefix("VERSION"))
        }
    }

    @Test func `a certificate that cannot be used is refused before the server listens`() {
        var configuration = CacheServerConfiguration()
        configuration.tls = TLSServerOptions(certificateFile: "/nowhere.pem", keyFile: "/nowhere.key")
        #expect(throws: TLSError.self) { try CacheServer(configuration, metrics: Metrics()) }
    }
}
