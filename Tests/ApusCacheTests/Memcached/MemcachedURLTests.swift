import ApusCore
import ApusRuntime
import Testing

@testable import ApusCache

struct MemcachedURLTests {
    @Test func `servers, a login, the gutter`() throws {
        let plain = try MemcachedClientConfiguration(url: "memcached://cache.example")
        #expect(plain.servers == [MemcachedServer("cache.example", port: 11_211)])
        #expect(plain.login == nil && plain.tls == nil && plain.gutter.isEmpty)
        let whole = try MemcachedClientConfiguration(
            url: "memcached://anna:p%40ss%2Fw:rd@a:7000,b,10.0.0.1:7002/?gutter=c:7003,d"
        )
        #expect(whole.servers.map(\.description) == ["a:7000", "b:11211", "10.0.0.1:7002"])
        #expect(whole.gutter.map(\.description) == ["c:7003", "d:11211"])
        #expect(whole.login?.reveal() == "anna p@ss/w:rd")
        #expect(try MemcachedClientConfiguration(url: "memcached://:secret@a").login?.reveal() == "default secret")
    }

    @Test func `TLS, and whom it trusts`() throws {
        #expect(try MemcachedClientConfiguration(url: "memcacheds://a").tls != nil)
        let own = try MemcachedClientConfiguration(url: "memcacheds://a?ca=/etc/apus/ca.pem")
        #expect(own.tls?.authoritiesFile == "/etc/apus/ca.pem")
    }

    @Test(arguments: [
        ("memcache://a", "scheme"), ("memcached:a", "//"), ("memcached://", "without a name"),
        ("memcached://a:b", "port"), ("memcached://a:0", "port"), ("memcached://a,,b", "without a name"),
        ("memcached://a,a", "twice"), ("memcached://[::1]", "IPv6"), ("memcached://a/0", "no databases"),
        ("memcached://secret@a", "user:password@"), ("memcached://u:@a", "empty password"),
        ("memcached://u%20v:secret@a", "space"), ("memcached://u:%zz@a", "percent"),
        ("memcached://a?ca=/x", "memcacheds"), ("memcacheds://a?ca=", "file"), ("memcached://a?pool=2", "gutter"),
    ])
    func `what is wrong is said, and never the password`(url: String, expected: String) {
        let error = #expect(throws: ConfigurationError.self) { try MemcachedClientConfiguration(url: url) }
        #expect(error?.field == "CACHE_URL")
        #expect("\(error.map { "\($0)" } ?? "")".contains(expected))
        #expect(error?.value.contains("secret") == false)
    }

    @Test func `the cache's setting names the engine`() throws {
        #expect(try CacheEngineChoice(url: "memcached://a") == .memcached(url: "memcached://a"))
        #expect(try CacheEngineChoice(url: "memcacheds://a") == .memcached(url: "memcacheds://a"))
        #expect(throws: ConfigurationError.self) { try CacheEngineChoice(url: "memcache://a") }
    }
}
