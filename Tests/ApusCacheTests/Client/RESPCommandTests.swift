import Foundation
import Testing

@testable import ApusCache

struct RESPCommandTests {
    private func text(_ command: RESPCommand) -> String { String(decoding: command.wire, as: UTF8.self) }

    @Test func `a command is an array of bulk strings, however it is made`() {
        #expect(text(RESPCommand("PING")) == "*1\r\n$4\r\nPING\r\n")
        #expect(text(RESPCommand("GET", "key")) == "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n")
        #expect(text(RESPCommand("SET", "k", .bytes([0x61, 0x62]))) == "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nab\r\n")
        let four = "*4\r\n$6\r\nEXPIRE\r\n$1\r\nk\r\n$3\r\n-60\r\n$2\r\nNX\r\n"
        #expect(text(RESPCommand("EXPIRE", "k", -60, "NX")) == four)
        #expect(text(RESPCommand("EXPIRE", ["k", -60, "NX"])) == four)
        #expect(text(RESPCommand(name: "EXPIRE", ["k", -60, "NX"])) == four)
        #expect(text(RESPCommand("GET", "")) == "*2\r\n$3\r\nGET\r\n$0\r\n\r\n")
        #expect(text(RESPCommand("GET", "ä")) == "*2\r\n$3\r\nGET\r\n$2\r\nä\r\n")
        let long = String(repeating: "x", count: 1000)
        #expect(text(RESPCommand("GET", .text(long))) == "*2\r\n$3\r\nGET\r\n$1000\r\n\(long)\r\n")
        #expect(
            text(RESPCommand("MGET", Array(repeating: "a", count: 10))).hasPrefix("*11\r\n$4\r\nMGET\r\n$1\r\na\r\n")
        )
    }

    @Test(arguments: [0, 9, 10, 99, 100, -1, -10, Int.max, Int.min])
    func `numbers have as many digits as they are said to have`(number: Int) {
        #expect(RESPCommand.digits(number) == "\(number)".utf8.count)
        let digits = "\(number)"
        #expect(text(RESPCommand("INCRBY", "k", .number(number))).hasSuffix("$\(digits.utf8.count)\r\n\(digits)\r\n"))
    }

    @Test func `what changes a connection or keeps it waiting does not share one`() {
        for name in ["SUBSCRIBE", "psubscribe", "MONITOR", "SELECT", "AUTH", "HELLO", "QUIT", "RESET", "SYNC"] {
            #expect(RESPCommand(name: name, []).place == .nowhere, "\(name)")
        }
        #expect(RESPCommand("CLIENT", "REPLY", "OFF").place == .nowhere)
        for name in [
            "MULTI", "exec", "DISCARD", "WATCH", "UNWATCH", "BLPOP", "BRPOPLPUSH", "BZPOPMIN", "WAIT", "ASKING",
        ] {
            #expect(RESPCommand(name: name, []).place == .alone, "\(name)")
        }
        #expect(RESPCommand("CLIENT", "TRACKING", "ON").place == .alone)
        #expect(RESPCommand("XREAD", "BLOCK", 0, "STREAMS", "a", "0").place == .alone)
        let shared = [
            "GET", "SET", "DEL", "MGET", "MSET", "INCR", "HSET", "HGETALL", "HKEYS", "LPUSH", "ZADD", "EVAL", "EVALSHA",
            "EXPIRE", "EXISTS", "PING", "PTTL", "PEXPIRE", "PUBLISH", "SADD", "SCAN", "SCRIPT", "SETEX", "STRLEN",
            "UNLINK",
            "BITCOUNT", "BITOP", "APPEND", "TTL", "TYPE", "INFO", "CONFIG", "CLUSTER", "XADD", "RENAME", "WHATEVER",
        ]
        for name in shared { #expect(RESPCommand(name: name, ["a"]).place == .anywhere, "\(name)") }
        #expect(RESPCommand("CLIENT", "LIST").place == .anywhere)
    }

    @Test(arguments: [
        ("GET a", "a"), ("SET a b EX 10", "a"), ("MGET a b c", "a b c"), ("MSET a 1 b 2", "a b"), ("PING", ""),
        ("BITOP AND d a b", "d a b"), ("RENAME a b", "a b"), ("EVAL return 2 a b x y", "a b"), ("EVAL return 0", ""),
        ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", "d a b"), ("ZINTER 2 a b", "a b"), ("BLPOP a b 0", "a b"),
        ("BLMPOP 0 2 a b LEFT", "a b"), ("OBJECT ENCODING a", "a"), ("MEMORY USAGE a", "a"), ("MEMORY DOCTOR", ""),
        ("XREAD COUNT 2 STREAMS a b 0 0", "a b"), ("XGROUP CREATE a g $", "a"), ("del a b", "a b"),
        ("EVAL return 9 a", ""),
        ("PUBLISH c m", ""), ("GET", ""),
    ])
    func `the keys of a command`(line: String, keys: String) {
        let words = line.split(separator: " ").map(String.init)
        let command = RESPCommand(name: words[0], words.dropFirst().map { .text($0) })
        #expect(
            RESPCommandKeys(command).keys.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ") == keys
        )
    }

    @Test func `a failure has its code, and none of the arguments that a server repeats`() {
        let failure = RESPFailure("ERR unknown command 'foo', with args beginning with: 'secret' ")
        #expect(failure.code == "ERR")
        #expect(failure.text == "ERR unknown command 'foo'")
        #expect(RESPFailure("WRONGTYPE Operation against a key").code == "WRONGTYPE")
        #expect(RESPFailure("").code == "")
    }
}

struct ClusterSlotTests {
    private struct Row: Decodable {
        let key: Data
        let crc16: String
        let slot: Int
    }

    @Test func `keys are in the slots that others compute`() throws {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        let path = folder.joined(separator: "/") + "/Fixtures/slots.json"
        let rows = try JSONDecoder().decode([Row].self, from: Data(contentsOf: URL(filePath: path)))
        #expect(rows.count == 58)
        for row in rows {
            #expect(ClusterSlot.crc16(row.key) == UInt16(row.crc16, radix: 16))
            #expect(ClusterSlot.of(row.key) == row.slot)
        }
    }

    @Test func `hash tags, as the specification has them`() {
        func slot(_ key: String) -> Int { ClusterSlot.of(Array(key.utf8)) }
        #expect(ClusterSlot.crc16(Array("123456789".utf8)) == 0x31C3)
        #expect(slot("{user1000}.following") == slot("{user1000}.followers"))
        #expect(slot("{user1000}.following") == slot("user1000"))
        #expect(slot("foo{}{bar}") == Int(ClusterSlot.crc16(Array("foo{}{bar}".utf8))) % 16384)
        #expect(slot("foo{{bar}}zap") == slot("{bar"))
        #expect(slot("foo{bar}{zap}") == slot("bar"))
        #expect(slot("foo{bar") == Int(ClusterSlot.crc16(Array("foo{bar".utf8))) % 16384)
    }

    @Test func `keys of one command share a slot`() throws {
        #expect(try RESPCluster.slot(of: RESPCommand("PING")) == nil)
        #expect(try RESPCluster.slot(of: RESPCommand("GET", "foo")) == 12182)
        #expect(try RESPCluster.slot(of: RESPCommand("MGET", "{a}1", "{a}2")) == 15495)
        let error = #expect(throws: RESPClientError.self) {
            try RESPCluster.slot(of: RESPCommand("MGET", "foo", "bar"))
        }
        #expect(error?.code == .keysApart)
        #expect(error?.detail.contains("MGET") == true)
    }

    @Test func `a map of slots is read, and what is none is not`() throws {
        func range(_ first: Int, _ last: Int, _ host: String, _ port: Int) -> RESPValue {
            .array([.integer(first), .integer(last), .array([.text(host), .integer(port), .text("id")])])
        }
        let asked = RESPNode.host("10.0.0.9", port: 7000)
        let map = try #require(
            ClusterMap(.array([range(0, 99, "a", 1), range(100, 16383, "", 2), range(50, 60, "a", 1)]), of: asked)
        )
        #expect(map.nodes == [.host("a", port: 1), .host("10.0.0.9", port: 2)])
        #expect(map.node(ofSlot: 99) == .host("a", port: 1))
        #expect(map.node(ofSlot: 100) == .host("10.0.0.9", port: 2))
        #expect(ClusterMap(.array([]), of: asked) == nil)
        #expect(ClusterMap(.simple("OK"), of: asked) == nil)
        #expect(ClusterMap(.array([range(5, 4, "a", 1)]), of: asked) == nil)
        #expect(ClusterMap(.array([range(0, 16384, "a", 1)]), of: asked) == nil)
        #expect(ClusterMap(.array([range(0, 1, "a", 0)]), of: asked) == nil)
    }

    @Test func `redirections are read`() {
        let asked = RESPNode.host("10.0.0.9", port: 7000)
        func redirect(_ text: String) -> ClusterRedirect? { ClusterRedirect(RESPFailure(text), from: asked) }
        #expect(redirect("MOVED 3999 127.0.0.1:6381") == .moved(slot: 3999, to: .host("127.0.0.1", port: 6381)))
        #expect(redirect("MOVED 3999 :6381") == .moved(slot: 3999, to: .host("10.0.0.9", port: 6381)))
        #expect(redirect("ASK 3999 127.0.0.1:6381") == .ask(.host("127.0.0.1", port: 6381)))
        #expect(redirect("TRYAGAIN Multiple keys request during rehashing of slot") == .later)
        #expect(redirect("CLUSTERDOWN Hash slot not served") == .later)
        #expect(redirect("LOADING Redis is loading the dataset in memory") == .later)
        for text in ["MOVED 16384 a:1", "MOVED x a:1", "MOVED 1 a", "MOVED 1 a:99999", "ERR no", "MOVED"] {
            #expect(redirect(text) == nil, "\(text)")
        }
    }
}
