import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

/// Commands at random, against the real Redis and the embedded server: their replies are equal.
@Suite(.needs(.redis), .ownThread, .timeLimit(.minutes(5)))
struct DifferentialTests {
    /// Commands with letters for what is drawn: K a key, M a member, V a value, I an integer, F a number, S the end of a range
    /// of scores, L of names, P a pattern, B a bit's place, T a life in seconds, X a word that is no number.
    static let templates = """
        set K V|set K V nx|set K V xx|set K V get|set K V ex T|set K V px 1T|set K V keepttl|set K V nx get|set K I
        set K V ex 0|set K V ex X|set K V nx xx|set K V bad|get K|getset K V|getdel K|getex K|getex K ex T|getex K persist
        setnx K V|setex K T V|setex K 0 V|psetex K 1T V|mget K K K|mset K V K V|mset K V K|msetnx K V K V
        append K V|strlen K|setrange K I V|setrange K 5 V|getrange K I I|substr K I I
        incr K|decr K|incrby K I|decrby K I|incrbyfloat K F|incrbyfloat K X|incrby K X|set K 9223372036854775807
        setbit K B 1|setbit K B 0|setbit K B 2|setbit K X 1|getbit K B|bitcount K|bitcount K I I|bitcount K I I bit
        bitpos K 0|bitpos K 1|bitpos K 1 I|bitpos K 0 I I|bitpos K 1 I I bit|bitop and K K K|bitop or K K K|bitop xor K K
        bitop not K K|bitop not K K K|bitfield K get u8 B|bitfield K set i8 B I incrby u4 B I|bitfield K get u64 0
        bitfield K overflow sat incrby u4 B 10 get u4 B|bitfield K overflow fail incrby i5 B 12|bitfield K set u3 #2 I
        bitfield K incrby i64 0 9223372036854775807|bitfield_ro K get i16 B|bitfield_ro K set i16 B 1
        del K|del K K K|unlink K|exists K K K|touch K K|type K|rename K K|renamenx K K|copy K K|copy K K replace|copy K K bad
        expire K T|expire K T nx|expire K T xx|expire K T gt|expire K T lt|expire K T nx xx|expire K -1|expire K X
        expire K 9223372036854775807|pexpire K 1T|expireat K 4102444800|pexpireat K 4102444800123|expiretime K|pexpiretime K
        ttl K|pttl K|persist K|dbsize|keys P|ping|ping V|echo V|select X|time V
        lpush K V|lpush K V V V|rpush K V V|lpushx K V|rpushx K V V|lpop K|rpop K|lpop K 2|rpop K 0|lpop K -1|llen K
        lindex K I|lrange K I I|lrange K 0 -1|lset K I V|lset K X V|linsert K before V V|linsert K after V V|linsert K bad V V
        lrem K 0 V|lrem K 1 V|lrem K -2 V|ltrim K I I|lpos K V|lpos K V rank -1|lpos K V count 0|lpos K V rank 2 count 2 maxlen 3
        lpos K V rank 0|lmove K K left right|lmove K K right left|rpoplpush K K|lmpop 2 K K left|lmpop 1 K right count 2
        lmpop 0 K left|lmpop 3 K K left|brpop K 0X|blpop K -1
        sadd K M|sadd K M M M|srem K M M|scard K|sismember K M|smismember K M M|smembers K|smove K K M|spop K 100
        srandmember K 0|srandmember K 1000|sinter K K|sinter K K K|sunion K K|sdiff K K|sdiff K K K|sinterstore K K K
        sunionstore K K K|sdiffstore K K K|sintercard 2 K K|sintercard 2 K K limit 1|sintercard 0 K|spop K -1|srandmember K X
        hset K M V|hset K M V M V|hset K M|hmset K M V|hsetnx K M V|hget K M|hmget K M M M|hgetall K|hkeys K|hvals K|hlen K
        hstrlen K M|hexists K M|hdel K M M|hincrby K M I|hincrby K M X|hincrbyfloat K M F|hrandfield K 0|hrandfield K 1000
        hset K M I|hincrby K M 9223372036854775807
        zadd K F M|zadd K F M F M F M|zadd K nx F M|zadd K xx F M|zadd K gt F M|zadd K lt F M|zadd K ch F M F M|zadd K xx ch F M
        zadd K incr F M|zadd K nx incr F M|zadd K nx xx F M|zadd K gt lt F M|zadd K X M|zadd K F M F|zadd K inf M|zincrby K F M
        zincrby K -inf M|zincrby K inf M|zrem K M M|zcard K|zscore K M|zmscore K M M|zrank K M|zrevrank K M|zcount K S S
        zlexcount Z L L|zadd Z 0 M|zadd Z 0 M 0 M|zrem Z M|zrange K I I|zrange K 0 -1 withscores|zrange K I I rev withscores|zrange K S S byscore
        zrange K S S byscore rev limit 0 2|zrange K S S byscore withscores limit I I|zrange Z L L bylex|zrange Z L L bylex rev
        zrange K 0 -1 limit 0 1|zrange Z L L bylex withscores|zrevrange K I I|zrevrange K 0 -1 withscores|zrangebyscore K S S
        zrangebyscore K S S withscores limit 1 2|zrevrangebyscore K S S|zrangebylex Z L L|zrevrangebylex Z L L limit 0 2
        zrangestore K K I I|zrangestore K K S S byscore|zremrangebyrank K I I|zremrangebyscore K S S|zremrangebylex Z L L
        zpopmin K|zpopmax K|zpopmin K 2|zpopmax K 0|zpopmin K -1|zmpop 2 K K min|zmpop 1 K max count 2|zrandmember K 0
        zrandmember K 1000|zunion 2 K K|zunion 2 K K withscores|zunion 2 K K weights 2 0.5 aggregate max withscores
        zinter 2 K K withscores|zinter 2 K K aggregate min withscores|zdiff 2 K K withscores|zunionstore K 2 K K weights 1 2
        zinterstore K 2 K K|zdiffstore K 2 K K|zintercard 2 K K|zintercard 2 K K limit 1|zunion 0 K|zinter 3 K K
        zadd K 1 M 1 M 1 M 1 M|zrangebyscore K 1x 1|zrangebylex Z a b|publish K V|wait 0 0|unwatch|exec|discard
        scan 0 count 1000|scan 0 match P count 1000|scan 0 type list count 1000|scan x|sscan K 0 count 1000|hscan K 0 count 1000
        zscan K 0 count 1000|hscan K 0 match P count 1000|sscan K 0 bad|nosuchcommand K|get|set K|lrange K 0
        """.split { $0 == "\n" || $0 == "|" }.map { $0.split(separator: " ").map(String.init) }

    /// Commands whose elements come in no order.
    static let unordered: Set = [
        "keys", "smembers", "sinter", "sunion", "sdiff", "hkeys", "hvals", "spop", "srandmember", "hrandfield",
        "zrandmember",
    ]
    /// Commands whose replies depend on the time, or end a transaction.
    static let timed: Set = ["hgetall", "exec", "discard", "ttl", "pttl", "time", "expiretime", "pexpiretime"]
    static let scans: Set = ["scan", "sscan", "hscan", "zscan"]

    struct Draw {
        var random: SeededRandom

        mutating func pick(_ choices: String...) -> String { choices.randomElement(using: &random) ?? "" }

        mutating func word(_ letter: String) -> String {
            switch letter {
            case "K": return "k\(Int.random(in: 0..<8, using: &random))"
            // Names have an order where scores are equal.
            case "Z": return pick("z0", "z1")
            case "M": return pick("a", "b", "c", "d", "e", "f", "0", "longer-member-name")
            case "V":
                return pick("a", "b", "xyz", "", "10", "-3", "2.5", "hello world", String(repeating: "v", count: 70))
            case "I": return pick("0", "1", "2", "-1", "-2", "3", "7", "-5", "100")
            case "F": return pick("0", "1", "-1", "2.5", "3", "10", "-0.25", "1e3")
            case "S": return pick("-inf", "+inf", "0", "1", "(1", "2.5", "(3", "10", "-1")
            case "L": return pick("-", "+", "[a", "(a", "[c", "(d", "[e", "[longer-member-name")
            case "P": return pick("*", "k?", "k[0-3]", "[^k]*", "a*", "*m*", "k\\1", "k[1")
            case "B": return pick("0", "1", "7", "8", "13", "40", "#1")
            case "T": return pick("1000", "2000", "5000")
            case "X": return pick("x", "1x", "", "nan", "1 2")
            default:
                if letter.hasPrefix("0"), letter.hasSuffix("X") { return "x" }
                return letter.hasPrefix("1T") ? "1\(pick("1000000", "2000000"))" : letter
            }
        }

        mutating func command() -> [String] {
            let template = templates.randomElement(using: &random) ?? []
            return template.map { word($0) }
        }
    }

    /// Whether an expiry was compared with one of the same moment, where each server's own clock decides.
    private func isDrawByClock(_ words: [String], _ redis: PlainConnection, _ ours: CoreClient) throws -> Bool {
        guard words[0].hasSuffix("expire"), ["gt", "lt"].contains(words.last) else { return false }
        let question = ["pttl", words[1]].map { Array($0.utf8) }
        guard case .integer(let theirs) = try redis.call(question), case .integer(let mine) = ours.call(question) else {
            return false
        }
        return theirs > 0 && mine > 0 && abs(theirs - mine) < 1500
    }

    @Test(arguments: 0..<8)
    func `random commands are answered as Redis answers them`(number: Int) async throws {
        // A server of its own: a database that is emptied is news for everybody who listens to changes.
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            try await servers.start(port: port)
            try compare(number, try PlainConnection(port: port))
        }
    }

    private func compare(_ number: Int, _ redis: PlainConnection) throws {
        let seed = TestRun.seed &+ UInt64(number)
        let core = CacheCore(CacheServerConfiguration(), seed: seed)
        let ours = CoreClient(CoreBench(core, SystemClock()), core.connect(from: "test"))
        if number % 2 == 1 {
            try redis.call("hello", "3")
            ours.line("hello 3")
        }
        var draw = Draw(random: SeededRandom(seed: seed))
        var transaction = 0
        // Since the last reply that was compared by itself.
        var queued: [[String]] = []
        for step in 0..<TestRun.seeds * 20 {
            let words = next(&draw, &transaction)
            queued.append(words)
            let bytes = words.map { Array($0.utf8) }
            // Redis has a bit of time of its own; what is told of it is compared by and by.
            let (theirs, mine) = (try redis.call(bytes), ours.call(bytes))
            let isSame = try same(words, mine, theirs) || isDrawByClock(words, redis, ours)
            #expect(
                isSame,
                "seed \(TestRun.seed), number \(number), step \(step): \(queued): ours \(mine), Redis \(theirs)"
            )
            if !isSame { return }
            // What a command left behind shows at once, not when it is asked for by chance; a transaction queues questions.
            guard transaction == 0 else { continue }
            queued = []
            for key in Set(words.dropFirst().filter { $0.hasPrefix("k") && $0.count == 2 }) {
                let question = ["type", key].map { Array($0.utf8) }
                let (theirs, mine) = (try redis.call(question), ours.call(question))
                #expect(mine == theirs, "seed \(TestRun.seed), number \(number), step \(step): \(words) left \(key)")
                if mine != theirs { return }
            }
        }
    }

    /// The next command; now and then a transaction around some.
    private func next(_ draw: inout Draw, _ transaction: inout Int) -> [String] {
        if transaction > 1 {
            transaction -= 1
            let command = draw.command()
            // What has an order in Redis alone is compared one by one, outside of transactions.
            let isOpen = Self.unordered.contains(command[0]) || Self.scans.contains(command[0])
            // So is what compares lives, where each server's clock may decide.
            let isTimed = Self.timed.contains(command[0]) || ["gt", "lt"].contains(command.last)
            return isOpen || isTimed ? ["ping"] : command
        }
        if transaction == 1 {
            transaction = 0
            return [draw.pick("exec", "exec", "exec", "discard")]
        }
        if Int.random(in: 0..<60, using: &draw.random) == 0 {
            transaction = Int.random(in: 2...6, using: &draw.random)
            return ["multi"]
        }
        if Int.random(in: 0..<80, using: &draw.random) == 0 { return ["watch", draw.word("K")] }
        return draw.command()
    }

    private func same(_ words: [String], _ mine: RESPValue, _ theirs: RESPValue) -> Bool {
        if mine == theirs { return true }
        switch words[0] {
        case "ttl", "pttl", "expiretime", "pexpiretime":
            // The two are asked one after the other.
            guard let mine = mine.integer, let theirs = theirs.integer, mine > 0, theirs > 0 else { return false }
            return abs(mine - theirs) <= (words[0].hasPrefix("p") ? 5000 : 5)
        case "hgetall":
            return pairs(mine) == pairs(theirs)
        case let name where Self.scans.contains(name):
            guard let mine = mine.elements, let theirs = theirs.elements, mine.count == 2, theirs.count == 2 else {
                return false
            }
            if name == "hscan" || name == "zscan" { return pairs(mine[1]) == pairs(theirs[1]) }
            return Self.sorted(mine[1]) == Self.sorted(theirs[1])
        case let name where Self.unordered.contains(name):
            return Self.sorted(mine) == Self.sorted(theirs) && mine.elements != nil
        default: return false
        }
    }

    private func pairs(_ value: RESPValue) -> [RESPValue: RESPValue] {
        let all = value.elements ?? []
        return Dictionary(
            uniqueKeysWithValues: stride(from: 0, to: all.count - 1, by: 2).map { (all[$0], all[$0 + 1]) }
        )
    }

    private static func sorted(_ value: RESPValue) -> [String] { (value.elements ?? []).map { "\($0)" }.sorted() }
}
