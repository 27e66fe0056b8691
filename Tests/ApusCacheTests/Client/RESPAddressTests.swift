import ApusCore
import Testing

@testable import ApusCache

struct RESPAddressTests {
    @Test func `one server`() throws {
        let address = try RESPAddress(url: "redis://cache.example:7000/3")
        #expect(address.kind == .server)
        #expect(address.nodes == [.host("cache.example", port: 7000)])
        #expect(address.database == 3)
        #expect(address.user == nil && address.password == nil && address.tls == nil && address.prefersRESP3)
        #expect(try RESPAddress(url: "redis://localhost").nodes == [.host("localhost", port: 6379)])
        #expect(try RESPAddress(url: "redis://localhost/").database == 0)
    }

    @Test func `users and passwords, with percent signs`() throws {
        let both = try RESPAddress(url: "redis://anna:p%40ss%2Fw:rd@10.0.0.1:6380")
        #expect(both.user == "anna")
        #expect(both.password?.reveal() == "p@ss/w:rd")
        #expect(both.nodes == [.host("10.0.0.1", port: 6380)])
        let alone = try RESPAddress(url: "redis://:secret@localhost")
        #expect(alone.user == nil)
        #expect(alone.password?.reveal() == "secret")
        #expect(!"\(alone)".contains("secret"))
    }

    @Test func `TLS, and whom it trusts`() throws {
        #expect(try RESPAddress(url: "rediss://cache.example").tls == RESPAddress.TLSOptions())
        let own = try RESPAddress(url: "rediss://cache.example:6380?ca=/etc/apus/ca.pem&protocol=2")
        #expect(own.tls?.authoritiesFile == "/etc/apus/ca.pem")
        #expect(!own.prefersRESP3)
    }

    @Test func `a cluster, sentinels, a Unix socket`() throws {
        let cluster = try RESPAddress(url: "redis+cluster://:secret@a:7000,b,c:7002")
        #expect(cluster.kind == .cluster)
        #expect(cluster.nodes == [.host("a", port: 7000), .host("b", port: 6379), .host("c", port: 7002)])
        let sentinel = try RESPAddress(url: "rediss+sentinel://a,b:26380/mymaster/2")
        #expect(sentinel.kind == .sentinel(master: "mymaster"))
        #expect(sentinel.nodes == [.host("a", port: 26379), .host("b", port: 26380)])
        #expect(sentinel.database == 2 && sentinel.tls != nil)
        let path = try RESPAddress(url: "unix:///run/redis.sock?database=1")
        #expect(path.nodes == [.path("/run/redis.sock")])
        #expect(path.database == 1)
        #expect(try RESPAddress(url: "redis+unix://:secret@/run/redis.sock").password?.reveal() == "secret")
    }

    @Test(arguments: [
        ("redis", "scheme"), ("http://localhost", "http"), ("redis:localhost", "//"), ("redis://", "without a name"),
        ("redis://localhost:0", "port"), ("redis://localhost:66000", "port"), ("redis://localhost:x", "port"),
        ("redis://a,b", "redis+cluster"), ("redis://localhost/x", "database"), ("redis://localhost/-1", "database"),
        ("redis://localhost/1/2", "path"), ("redis://user@localhost", "user:password@"),
        ("redis://user:@localhost", "empty password"), ("redis://[::1]:6379", "IPv6"),
        ("redis://localhost?ca=x", "TLS"),
        ("rediss://localhost?ca=", "file"), ("redis://localhost?db=1", "option db"),
        ("redis://localhost?protocol=4", "protocol"), ("redis+cluster://a/1", "database 0"),
        ("redis+sentinel://a", "master"), ("unix://run/redis.sock", "begin with /"),
        ("unix:///\(String(repeating: "x", count: 120))", "107"), ("redis://%zz:a@localhost", "hexadecimal"),
        ("redis://a:hush%00@localhost", "UTF-8"),
    ])
    func `what makes no sense is refused with the fix, and no secret`(url: String, word: String) {
        let error = #expect(throws: ConfigurationError.self) { try RESPAddress(url: url) }
        #expect(error?.field == "CACHE_URL")
        #expect(error?.value.contains(word) == true, "\(error?.value ?? "")")
        #expect(error?.description.contains("hush") == false)
        #expect(error?.accepted.contains("redis://") == true)
    }

    @Test func `configurations that make no sense are refused`() {
        func refused(_ change: (inout RESPClientConfiguration) -> Void) -> Bool {
            var configuration = RESPClientConfiguration()
            change(&configuration)
            return (try? configuration.checked()) == nil
        }
        #expect(!refused { _ in })
        #expect(refused { $0.commandLimit = .zero })
        #expect(refused { $0.lossLimit = .zero })
        #expect(refused { $0.outstandingMax = 0 })
        #expect(refused { $0.unsentBytesMax = 10 })
        #expect(refused { $0.replyBytesMax = 1 << 30 })
        #expect(refused { $0.exclusiveMax = 0 })
        #expect(refused { $0.messagesMax = 0 })
        #expect(refused { $0.clientName = "a b" })
    }
}
