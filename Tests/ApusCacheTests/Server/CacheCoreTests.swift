import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

/// What the server does that a comparison of replies does not show: time, memory, several clients.
struct CacheCoreTests {
    @Test func `every command has a row, and its name finds it in any case`() {
        let table = CommandTable()
        let count = table.count
        #expect(count == CommandCode.allCases.count)
        for code in CommandCode.allCases {
            for name in ["\(code)", "\(code)".uppercased()] {
                let found = Array(name.utf8).withUnsafeBytes { table.find($0)?.pointee.code }
                #expect(found == code)
            }
        }
        for name in ["", "ge", "gett", "nosuchcommand", "zrevrangebyscorex", "averyverylongname"] {
            let found = Array(name.utf8).withUnsafeBytes { table.find($0) }
            #expect(found == nil)
        }
    }

    @Test func `what is not served is refused by name`() {
        let client = CoreBench().connect()
        #expect(client.line("XADD s * a b") == .error("ERR 'xadd' is refused: streams are not kept in a cache"))
        #expect(client.line("eval x 0") == .error("ERR 'eval' is refused: scripts are not run"))
        #expect(
            client.line("nosuch a b")
                == .error("ERR unknown command 'nosuch', with args beginning with: 'a' 'b' ")
        )
        #expect(client.line("get") == .error("ERR wrong number of arguments for 'get' command"))
    }

    // MARK: Lives

    @Test func `a key lives as long as it was told, and not longer`() {
        let bench = CoreBench()
        let client = bench.connect()
        client.line("set a 1 ex 10")
        client.line("set b 1 px 10")
        client.line("hset h f v")
        client.line("expire h 5")
        bench.advance(by: .milliseconds(9))
        #expect(client.line("get b") == .text("1"))
        #expect(client.line("pttl b") == .integer(1))
        bench.advance(by: .milliseconds(1))
        #expect(client.line("get b") == .null)
        bench.advance(by: .seconds(5))
        #expect(client.line("exists h") == .integer(0))
        #expect(client.line("ttl a") == .integer(5))
        #expect(client.line("persist a") == .integer(1))
        bench.advance(by: .seconds(100))
        #expect(client.line("get a") == .text("1"))
    }

    @Test func `the sweep takes out what nobody asks for`() {
        let bench = CoreBench()
        let client = bench.connect()
        for number in 0..<3000 { client.line("set k\(number) v px \(number % 2 == 0 ? 50 : 500_000)") }
        #expect(client.line("dbsize") == .integer(3000))
        bench.advance(by: .milliseconds(60))
        for _ in 0..<20 { bench.advance(by: .milliseconds(100)) }
        #expect(client.line("dbsize") == .integer(1500))
        #expect(bench.expired == 1500)
    }

    @Test func `a time of day is what it is on the wall`() {
        let bench = CoreBench()
        let client = bench.connect()
        let wall = bench.clock.wallNanoseconds() / 1_000_000_000
        #expect(client.line("set a 1 exat \(wall + 10)") == .ok)
        #expect(client.line("expiretime a") == .integer(Int(wall) + 10))
        bench.advance(by: .seconds(9))
        #expect(client.line("exists a") == .integer(1))
        bench.advance(by: .seconds(1))
        #expect(client.line("exists a") == .integer(0))
        #expect(client.line("set a 1 exat \(wall)") == .ok)
        #expect(client.line("get a") == .null)
    }

    // MARK: Memory

    @Test func `memory stays below its bound, whatever is written`() {
        let bench = CoreBench {
            $0.memoryBytesMax = 1 << 20
            $0.valueBytesMax = 1 << 20
        }
        let client = bench.connect()
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<20_000 {
            let key = "k\(random.next() % 5000)"
            let value = String(repeating: "v", count: Int(random.next() % 400))
            switch random.next() % 5 {
            case 0: client.call("set", key, value)
            case 1: client.call("lpush", "l\(key)", value)
            case 2: client.call("hset", "h\(key)", "f\(random.next() % 20)", value)
            case 3: client.call("zadd", "z\(key)", "1", "m\(random.next() % 20)")
            default: client.call("append", "a\(key)", value)
            }
            #expect(bench.keysBytes <= 1 << 20)
        }
        #expect(bench.evicted > 1000)
        // What is counted is what is there.
        var bytes = 0
        bench.core.keys.pointee.table.forEach { bytes += KeyEntry(base: $0).weight }
        #expect(bytes == bench.keysBytes)
        client.line("flushall")
        #expect(bench.keysBytes == 0)
    }

    @Test func `what is larger than half of memory is refused`() {
        let bench = CoreBench {
            $0.memoryBytesMax = 1 << 20
            $0.valueBytesMax = 1 << 20
        }
        let client = bench.connect()
        client.line("set a 1")
        let large = [UInt8](repeating: 1, count: 600 << 10)
        #expect(
            client.call([Array("set".utf8), Array("b".utf8), large])
                == .error("OOM command not allowed when used memory > 'maxmemory'.")
        )
        #expect(client.line("get a") == .text("1"))
    }

    @Test func `a large value that was deleted is given back bit by bit`() {
        let bench = CoreBench()
        let client = bench.connect()
        for number in 0..<20_000 { client.line("sadd s \(number)") }
        client.line("del s")
        #expect(bench.keysBytes == 0)
        #expect(bench.graves == 1)
        bench.advance(by: .milliseconds(100))
        #expect(bench.graves == 0)
    }

    // MARK: Several clients

    @Test func `a transaction runs unless a key it watches has changed`() {
        let bench = CoreBench()
        let (one, two) = (bench.connect(), bench.connect())
        for (change, expected) in [
            ("get a", RESPValue.array([.ok])), ("set a 2", .null), ("set b 2", .array([.ok])), ("del a", .null),
            ("rename a c", .null), ("expire a 100", .null), ("flushall", .null),
        ] {
            two.line("set a 1")
            one.line("watch a")
            two.line(change)
            one.line("multi")
            #expect(one.line("set x y") == .simple("QUEUED"))
            #expect(one.line("exec") == expected, "\(change)")
        }
        #expect(bench.core.watchers.isEmpty)
        #expect(!bench.isWatched)
    }

    @Test func `a command that cannot be queued ends the transaction`() {
        let client = CoreBench().connect()
        client.line("multi")
        client.line("nosuch")
        client.line("set a 1")
        #expect(client.line("exec").isError)
        #expect(client.line("get a") == .null)
        #expect(client.line("exec") == .error("ERR EXEC without MULTI"))
    }

    @Test func `who listens hears, in RESP2 and RESP3`() {
        let bench = CoreBench()
        let (two, three, speaker) = (bench.connect(), bench.connect(), bench.connect())
        three.line("hello 3")
        #expect(two.line("subscribe news") == .array([.text("subscribe"), .text("news"), .integer(1)]))
        #expect(three.line("psubscribe n*") == .push([.text("psubscribe"), .text("n*"), .integer(1)]))
        #expect(speaker.line("publish news hi") == .integer(2))
        #expect(two.next() == .texts("message", "news", "hi"))
        #expect(three.next() == .push([.text("pmessage"), .text("n*"), .text("news"), .text("hi")]))
        #expect(two.line("get a").isError)
        #expect(three.line("get a") == .null)
        #expect(two.line("ping") == .texts("pong", ""))
        two.line("unsubscribe")
        #expect(two.line("get a") == .null)
        #expect(speaker.line("publish news hi") == .integer(1))
        bench.core.disconnect(three.pointer)
        #expect(bench.core.patterns.isEmpty)
        #expect(speaker.line("publish news hi") == .integer(0))
    }

    @Test func `who waits gets the element, the longest waiting first`() {
        let bench = CoreBench()
        let (one, two, giver) = (bench.connect(), bench.connect(), bench.connect())
        one.send(CoreClient.wire([Array("blpop".utf8), Array("q".utf8), Array("0".utf8)]) + Array("PING\r\n".utf8))
        two.send(Array("brpop other q 5\r\n".utf8))
        #expect(one.next() == nil && two.next() == nil)
        #expect(giver.line("rpush q a b") == .integer(2))
        #expect(one.next() == .texts("q", "a"))
        #expect(one.next() == .simple("PONG"))
        #expect(two.next() == .texts("q", "b"))
        #expect(giver.line("exists q") == .integer(0))
        two.send(Array("bzpopmin z 1\r\n".utf8))
        bench.advance(by: .milliseconds(900))
        #expect(two.next() == nil)
        bench.advance(by: .milliseconds(100))
        #expect(two.next() == .null)
        #expect(bench.core.waiting.isEmpty)
        two.send(Array("blmove q t left right 0\r\n".utf8))
        giver.line("multi")
        giver.line("lpush q x")
        giver.line("lpush q y")
        giver.line("exec")
        #expect(two.next() == .text("y"))
        #expect(giver.line("lrange t 0 -1") == .texts("y"))
        two.send(Array("blpop nothing 0\r\n".utf8))
        bench.core.disconnect(two.pointer)
        #expect(bench.core.waiting.isEmpty)
        #expect(bench.core.stats.pointee.waiting == 0)
    }

    @Test func `who tracks is told what changed, once`() {
        let bench = CoreBench()
        let (reader, writer) = (bench.connect(), bench.connect())
        func invalidate(_ keys: String...) -> RESPValue {
            .push([.text("invalidate"), .array(keys.map { .text($0) })])
        }
        reader.line("hello 3")
        writer.line("set a 1")
        #expect(reader.line("client tracking on") == .ok)
        #expect(reader.line("get a") == .text("1"))
        writer.line("set a 2")
        writer.line("set a 3")
        #expect(reader.next() == invalidate("a"))
        #expect(reader.next() == nil)
        // Its own change is told behind the reply; a life that ends is a change too.
        reader.line("get a")
        #expect(reader.line("set a 4 px 10") == .ok)
        #expect(reader.next() == invalidate("a"))
        reader.line("get a")
        bench.advance(by: .seconds(1))
        #expect(reader.next() == invalidate("a"))
        writer.line("set b 1")
        reader.line("mget b c")
        writer.line("flushall")
        #expect(reader.next() == .push([.text("invalidate"), .null]))
        reader.line("client tracking off")
        #expect(bench.core.tracking.readers.isEmpty && !bench.isWatched)
    }

    @Test func `tracking by prefix, by choice, and through another connection`() {
        let bench = CoreBench()
        let (reader, writer, listener) = (bench.connect(), bench.connect(), bench.connect())
        reader.line("hello 3")
        reader.line("client tracking on bcast prefix user: noloop")
        writer.line("set user:1 a")
        writer.line("set other a")
        #expect(reader.next() == .push([.text("invalidate"), .texts("user:1")]))
        reader.line("set user:2 a")
        #expect(reader.next() == nil)
        reader.line("client tracking on optin")
        reader.line("get other")
        writer.line("set other b")
        #expect(reader.next() == nil)
        reader.line("client caching yes")
        reader.line("get other")
        reader.line("get user:1")
        writer.line("set user:1 b")
        #expect(reader.next() == nil)
        writer.line("set other c")
        #expect(reader.next() == .push([.text("invalidate"), .texts("other")]))
        // In RESP2 another connection listens for it.
        let old = bench.connect()
        let id = listener.line("client id").integer ?? 0
        listener.line("subscribe __redis__:invalidate")
        #expect(old.line("client tracking on redirect \(id)") == .ok)
        old.line("get other")
        writer.line("set other d")
        #expect(listener.next() == .array([.text("message"), .text("__redis__:invalidate"), .texts("other")]))
    }

    @Test func `keys that are tracked have a bound`() {
        let bench = CoreBench { $0.trackedKeysMax = 10 }
        let reader = bench.connect()
        reader.line("hello 3")
        reader.line("client tracking on")
        for number in 0..<30 { reader.line("get k\(number)") }
        #expect(bench.core.tracking.readers.count == 10)
        #expect(reader.next() != nil)
    }

    @Test func `a password is asked for`() {
        let bench = CoreBench { $0.password = Secret("secret") }
        let client = bench.connect()
        #expect(client.line("get a") == .error("NOAUTH Authentication required."))
        #expect(client.line("auth wrong").isError)
        #expect(client.line("hello 3").isError)
        #expect(client.line("auth default wrong").isError)
        #expect(client.line("auth secret") == .ok)
        #expect(client.line("get a") == .null)
        #expect(client.line("reset") == .simple("RESET"))
        #expect(client.line("get a").isError)
        #expect(client.line("hello 3 auth default secret setname me") != .null)
        #expect(client.line("client getname") == .text("me"))
        let other = bench.connect()
        other.send(Array("*11\r\n".utf8))
        #expect(other.next() == .error("ERR Protocol error: unauthenticated multibulk length"))
        #expect(other.isClosing)
    }

    @Test func `a client can want no replies`() {
        let client = CoreBench().connect()
        client.send(Array("CLIENT REPLY OFF\r\nSET a 1\r\nGET a\r\nCLIENT REPLY ON\r\nGET a\r\n".utf8))
        #expect(client.next() == .ok)
        #expect(client.next() == .text("1"))
        client.send(Array("CLIENT REPLY SKIP\r\nGET a\r\nPING\r\n".utf8))
        #expect(client.next() == .simple("PONG"))
        #expect(client.next() == nil)
    }

    @Test func `commands behind one that waits or quits keep their turn`() {
        let bench = CoreBench()
        let client = bench.connect()
        client.send(Array("SET a 1\r\nBLPOP q 0\r\nGET a\r\n*2\r\n$3\r\nGET\r\n$1\r\n".utf8))
        #expect(client.next() == .ok)
        #expect(client.next() == nil)
        bench.connect().line("rpush q x")
        #expect(client.next() == .texts("q", "x"))
        #expect(client.next() == .text("1"))
        client.send(Array("a\r\nQUIT\r\nGET a\r\n".utf8))
        #expect(client.next() == .text("1"))
        #expect(client.next() == .ok)
        #expect(client.isClosing)
        #expect(client.next() == nil)
    }
}
