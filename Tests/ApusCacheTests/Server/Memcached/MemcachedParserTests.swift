import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

/// Requests of memcached's protocol, cut and mutilated: the answers depend on the bytes alone.
struct MemcachedParserTests {
    /// A conversation that has one of everything in it.
    static let sample = """
        set a 5 0 3\r\none\r\nget a\r\ngets a b\r\nadd a 0 0 1\r\nx\r\nappend a 0 0 2\r\n!!\r\ncas a 1 0 1 1\r\ny\r\nincr n 1\r
        ms m 2 T60 F7 c\r\nhi\r\nmg m v f t k Oabc\r\nmd m I T30\r\nmg m v\r\nmg m v\r\nma n N0 J7 v\r\nma n MD D3 v\r\nmn\r
        ms AQI= 1 b k\r\nz\r\nmg AQI= b k v\r\nmg none v q\r\nmg none N30 t\r\ndelete a\r\ntouch n 100\r\ngat 100 n a\r\nme n\r
        set s 0 0 2 noreply\r\nok\r\nget s\r\nverbosity 1\r\nversion\r\nflush_all\r\nget s\r\nnonsense\r\n\r\nset l 0 0 x\r
        set big 0 0 3000\r\n\(String(repeating: "v", count: 3000))\r\nset bad 0 0 1\r\nlonger\r\nget big bad\r

        """

    private func answers(_ parts: [[UInt8]]) -> (bytes: [UInt8], isClosing: Bool) {
        let client = TextClient(
            CoreBench {
                $0.memcachedValueBytesMax = 2048
                $0.memoryBytesMax = 1 << 20
            }
        )
        var all: [UInt8] = []
        for part in parts where !client.isClosing { all += client.send(part) }
        return (all, client.isClosing)
    }

    @Test func `a conversation is answered alike wherever it is cut`() {
        let bytes = Array(Self.sample.utf8)
        let whole = answers([bytes])
        #expect(String(decoding: whole.bytes, as: UTF8.self).contains("VALUE a 5 3\r\none\r\nEND\r\n"))
        for place in 1..<bytes.count {
            let torn = answers([Array(bytes[..<place]), Array(bytes[place...])])
            #expect(torn.bytes == whole.bytes, "cut at \(place)")
        }
        let single = answers(bytes.map { [$0] })
        #expect(single.bytes == whole.bytes)
    }

    @Test func `mutilated conversations are bounded, and answered alike wherever they are cut`() {
        var random = SeededRandom(seed: TestRun.seed)
        let clean = Array(Self.sample.utf8)
        for _ in 0..<TestRun.seeds * 4 {
            var bytes = clean
            for _ in 0..<4 { bytes = RESPFuzzTests.mutate(bytes, &random) }
            let whole = answers([bytes])
            var parts: [[UInt8]] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Int.random(in: 1...300, using: &random))
                parts.append(Array(bytes[start..<end]))
                start = end
            }
            let torn = answers(parts)
            #expect(torn.bytes == whole.bytes && torn.isClosing == whole.isClosing, "seed \(TestRun.seed)")
        }
    }

    @Test func `lines and keys have a bound`() {
        let client = TextClient(CoreBench())
        let key = String(repeating: "k", count: 250)
        #expect(client.lines("set \(key) 0 0 1", "x") == "STORED")
        #expect(client.lines("set \(key)k 0 0 1") == "CLIENT_ERROR bad command line format")
        #expect(client.lines("get \(key) \(key)k") == "CLIENT_ERROR bad command line format")
        // Many keys in one line are as welcome as in memcached.
        let many = (0..<4000).map { "key\($0)" }.joined(separator: " ")
        #expect(client.lines("get \(many) \(key)") == "VALUE \(key) 0 1|x|END")
        #expect(client.lines("delete \(String(repeating: "k", count: 3000))") == "CLIENT_ERROR line too long")
        #expect(client.isClosing)
        let other = TextClient(CoreBench())
        let answer = other.send([UInt8](repeating: 0x61, count: 2049))
        #expect(String(decoding: answer, as: UTF8.self).hasPrefix("CLIENT_ERROR"))
        #expect(other.isClosing)
    }

    @Test func `data that is too large is passed over, and far too large ends the connection`() {
        let bench = CoreBench()
        let client = TextClient(bench)
        client.lines("set a 0 0 1", "x")
        let large = String(repeating: "v", count: (1 << 20) + 1)
        let refusal = "SERVER_ERROR object too large for cache"
        #expect(client.lines("set a 0 0 \(large.utf8.count)", large, "get a") == "\(refusal)|END")
        #expect(client.lines("ms a \(large.utf8.count) T1", large, "mn") == "\(refusal)|MN")
        #expect(client.lines("set a 0 0 \(512 << 20)") == refusal)
        #expect(client.isClosing)
        #expect(client.pointer.pointee.input.capacity < 4 << 20)
    }

    @Test func `a browser is sent away`() {
        let client = TextClient(CoreBench())
        #expect(client.lines("POST / HTTP/1.1").hasPrefix("CLIENT_ERROR"))
        #expect(client.isClosing)
    }
}
