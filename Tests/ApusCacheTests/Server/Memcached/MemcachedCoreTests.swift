import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

/// What memcached's clients are promised, and what those of Redis see of it.
struct MemcachedCoreTests {
    @Test func `both protocols have the same keys`() {
        let bench = CoreBench()
        let (redis, memcached) = (bench.connect(), TextClient(bench))
        memcached.lines("set a 7 100 3", "one")
        #expect(redis.line("get a") == .text("one"))
        #expect(redis.line("ttl a") == .integer(100))
        redis.line("append a !!")
        #expect(memcached.lines("get a") == "VALUE a 7 5|one!!|END")
        // A value that is another one has no number of the old one's.
        redis.line("set a two")
        #expect(memcached.lines("get a") == "VALUE a 0 3|two|END")
        memcached.lines("set n 3 0 2", "41")
        redis.line("rename n m")
        redis.line("copy m o")
        #expect(memcached.lines("get m o") == "VALUE m 3 2|41|VALUE o 3 2|41|END")
        #expect(redis.line("incr m") == .integer(42))
        redis.line("lpush l x")
        #expect(memcached.lines("get l", "mg l v", "append l 0 0 1", "x") == "END|\(Self.kind)|\(Self.kind)")
        #expect(memcached.lines("incr l 1").hasPrefix("CLIENT_ERROR"))
        #expect(memcached.lines("set l 0 0 1", "x", "get l") == "STORED|VALUE l 0 1|x|END")
        #expect(memcached.lines("flush_all") == "OK")
        #expect(redis.line("dbsize") == .integer(0))
    }

    private static let kind = "SERVER_ERROR the key holds another kind of value"

    @Test func `a change by either protocol gives another version`() {
        let bench = CoreBench()
        let (redis, memcached) = (bench.connect(), TextClient(bench))
        func version() -> String { String(memcached.lines("mg a c").dropFirst(4)) }
        for change in ["set a x", "append a y", "setrange a 0 z", "incr n", "getset a q", "expire a 100"] {
            redis.line("set a abc")
            let before = version()
            #expect(version() == before)
            redis.line(change)
            if change == "incr n" {
                #expect(version() == before)
            } else {
                #expect(memcached.lines("cas a 0 0 1 \(before)", "x") == "EXISTS", "\(change)")
            }
        }
        let now = version()
        #expect(memcached.lines("cas a 0 0 1 \(now)", "x", "cas a 0 0 1 \(now)", "y") == "STORED|EXISTS")
    }

    @Test func `one client of many is told to load what is not there`() {
        let bench = CoreBench()
        let clients = (0..<3).map { _ in TextClient(bench) }
        #expect(clients[0].lines("mg a N30 v") == "VA 0 W|")
        #expect(clients[1].lines("mg a N30 v") == "VA 0 Z|")
        #expect(clients[0].lines("ms a 3", "one", "mg a N30 v") == "HD|VA 3|one")
        #expect(clients[2].lines("md a I T60") == "HD")
        #expect(clients[1].lines("mg a v") == "VA 3 X W|one")
        #expect(clients[2].lines("mg a v") == "VA 3 Z X|one")
        // Whoever had loaded before that keeps what it has as a stale value.
        #expect(clients[1].lines("ms a 3 C1 I", "old", "mg a v") == "HD|VA 3 Z X|old")
        // A loader that dies is followed by another when its life is over.
        #expect(clients[0].lines("mg b N5 v") == "VA 0 W|")
        bench.advance(by: .seconds(6))
        #expect(clients[1].lines("mg b N5 v") == "VA 0 W|")
    }

    @Test func `who is early is told to load before the life is over`() {
        let bench = CoreBench()
        let client = TextClient(bench)
        client.lines("ms a 1 T100", "x")
        #expect(client.lines("mg a R30 t") == "HD t100")
        bench.advance(by: .seconds(80))
        #expect(client.lines("mg a R30 t") == "HD t20 W")
        #expect(client.lines("mg a R30 t h") == "HD t20 h1 Z")
    }

    @Test func `lives are seconds from now or since 1970, and below zero none`() {
        let bench = CoreBench()
        let client = TextClient(bench)
        let wall = bench.clock.wallNanoseconds() / 1_000_000_000
        client.lines("set a 0 \(wall + 50) 1", "x", "set b 0 -1 1", "x", "set c 0 10 1", "x")
        #expect(client.lines("mg a t", "mg b t", "mg c t") == "HD t50|EN|HD t10")
        bench.advance(by: .seconds(10))
        #expect(client.lines("get a b c") == "VALUE a 0 1|x|END")
        #expect(client.lines("touch a 0", "mg a t") == "TOUCHED|HD t-1")
        #expect(client.lines("flush_all 5", "get a") == "OK|VALUE a 0 1|x|END")
        bench.advance(by: .seconds(5))
        #expect(client.lines("get a") == "END")
    }

    @Test func `memory has the bound of the other protocol`() {
        let bench = CoreBench {
            $0.memoryBytesMax = 1 << 20
            $0.valueBytesMax = 1 << 20
        }
        let client = TextClient(bench)
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<10_000 {
            let key = "k\(random.next() % 3000)"
            let value = String(repeating: "v", count: Int(random.next() % 600))
            switch random.next() % 5 {
            case 0: client.lines("append \(key) 0 0 \(value.utf8.count)", value)
            case 1: client.lines("mg \(key) c N100")
            case 2: client.lines("md \(key) I")
            default: client.lines("set \(key) 1 0 \(value.utf8.count)", value)
            }
            #expect(bench.keysBytes <= 1 << 20)
        }
        #expect(bench.evicted > 100)
        var bytes = 0
        bench.core.keys.pointee.table.forEach { bytes += KeyEntry(base: $0).weight }
        #expect(bytes == bench.keysBytes)
        let large = String(repeating: "v", count: 600_000)
        #expect(client.lines("set a 0 0 600000", large) == "SERVER_ERROR out of memory storing object")
    }

    @Test func `a password is asked for, as memcached does`() {
        let bench = CoreBench { $0.password = Secret("secret") }
        for (attempt, answer, isClosing) in [
            ("get a", "CLIENT_ERROR unauthenticated", true),
            ("set auth 0 0 13\r\ndefault wrong", "CLIENT_ERROR authentication failure", true),
            ("set auth 0 0 14\r\ndefault secret\r\nget a", "STORED|END", false),
            ("set auth 0 0 2000", "SERVER_ERROR object too large for cache", true),
            ("nonsense", "CLIENT_ERROR unauthenticated", true),
        ] {
            let client = TextClient(bench)
            #expect(client.lines(attempt) == answer)
            #expect(client.isClosing == isClosing, "\(attempt)")
        }
    }

    @Test func `those who remember a key are told of memcached's changes`() {
        let bench = CoreBench()
        let (reader, memcached) = (bench.connect(), TextClient(bench))
        reader.line("hello 3")
        reader.line("client tracking on")
        for change in [
            "set a 0 0 1\r\nx", "append a 0 0 1\r\nx", "ms a 1\r\n5", "ma a", "md a I", "touch a 10", "delete a",
        ] {
            reader.line("get a")
            memcached.lines(change)
            #expect(reader.next() == .push([.text("invalidate"), .texts("a")]), "\(change)")
        }
    }
}
