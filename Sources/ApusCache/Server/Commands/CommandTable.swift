/// The commands that are served, each with what calls it.
enum CommandCode: UInt8, CaseIterable {
    case append, auth, bitcount, bitfield, bitfield_ro, bitop, bitpos, blmove, blmpop, blpop, brpop, brpoplpush, bzmpop
    case bzpopmax, bzpopmin, client, command, config, copy, dbsize, decr, decrby, del, discard, echo, exec, exists
    case expire, expireat, expiretime, flushall, flushdb, get, getbit, getdel, getex, getrange, getset, hdel, hello
    case hexists, hget, hgetall, hincrby, hincrbyfloat, hkeys, hlen, hmget, hmset, hrandfield, hscan, hset, hsetnx
    case hstrlen, hvals, incr, incrby, incrbyfloat, info, keys, lindex, linsert, llen, lmove, lmpop, lpop, lpos, lpush
    case lpushx, lrange, lrem, lset, ltrim, memory, mget, mset, msetnx, multi, object, persist, pexpire, pexpireat
    case pexpiretime, ping, psetex, psubscribe, pttl, publish, pubsub, punsubscribe, quit, randomkey, rename, renamenx
    case reset, role, rpop, rpoplpush, rpush, rpushx, sadd, scan, scard, sdiff, sdiffstore, select, set, setbit, setex
    case setnx, setrange, sinter, sintercard, sinterstore, sismember, slowlog, smembers, smismember, smove, spop
    case srandmember, srem, sscan, strlen, subscribe, substr, sunion, sunionstore, time, touch, ttl, type, unlink
    case unsubscribe, unwatch, wait, watch, zadd, zcard, zcount, zdiff, zdiffstore, zincrby, zinter, zintercard
    case zinterstore, zlexcount, zmpop, zmscore, zpopmax, zpopmin, zrandmember, zrange, zrangebylex, zrangebyscore
    case zrangestore, zrank, zrem, zremrangebylex, zremrangebyrank, zremrangebyscore, zrevrange, zrevrangebylex
    case zrevrangebyscore, zrevrank, zscan, zscore, zunion, zunionstore
}

/// What is known of a command.
//
// Trivial, as it lies in raw memory.
struct Command {
    struct Flags: OptionSet {
        let rawValue: UInt16
        static let writes = Flags(rawValue: 1)
        static let reads = Flags(rawValue: 2)
        static let needsMemory = Flags(rawValue: 4)
        static let isFast = Flags(rawValue: 8)
        static let forUnknown = Flags(rawValue: 16)
        static let forSubscribers = Flags(rawValue: 32)
        static let isNeverQueued = Flags(rawValue: 64)
        static let mayWait = Flags(rawValue: 128)
        static let isAdministration = Flags(rawValue: 256)
        static let isAboutChannels = Flags(rawValue: 512)
        static let countsKeys = Flags(rawValue: 1024)
    }

    let code: CommandCode
    let flags: Flags
    /// How many arguments, with the name; negative for that many or more.
    let arity: Int16
    let firstKey: Int8
    let lastKey: Int8
    let step: Int8
    /// Its place in ``CommandTable/descriptions``.
    let index: Int16
    /// How often it was called.
    var calls = 0

    @inline(__always)
    func accepts(_ count: Int) -> Bool { arity >= 0 ? count == Int(arity) : count >= -Int(arity) }
}

/// Finds commands by their names.
//
// Raw memory with one owner, as the type is not copyable: a look-up counts no references.
struct CommandTable: ~Copyable {
    /// A command's words, for those who ask.
    struct Description {
        let name: String
        let group: String
        let since: String
        let summary: String
    }

    private struct Cell {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var length = 0
        var command: UnsafeMutablePointer<Command>?
    }

    let descriptions: [Description]
    let commands: UnsafeMutablePointer<Command>
    let count: Int
    private let cells: UnsafeMutablePointer<Cell>
    private let reasons: [String: String]
    private static let cellBits: UInt64 = 9

    init() {
        let rows = Self.rows.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 8) }
        count = rows.count
        commands = .allocate(capacity: count)
        cells = .allocate(capacity: 1 << Int(Self.cellBits))
        cells.initialize(repeating: Cell(), count: 1 << Int(Self.cellBits))
        var codes: [String: CommandCode] = [:]
        for code in CommandCode.allCases { codes["\(code)"] = code }
        var descriptions: [Description] = []
        for (index, row) in rows.enumerated() {
            let name = String(row[0])
            guard let code = codes[name] else { preconditionFailure("\(name) has a row and no code") }
            descriptions.append(
                Description(name: name, group: String(row[6]), since: String(row[7]), summary: String(row[8]))
            )
            (commands + index).initialize(
                to: Command(
                    code: code,
                    flags: Self.flags(row[2]),
                    arity: Int16(row[1]) ?? 0,
                    firstKey: Int8(row[3]) ?? 0,
                    lastKey: Int8(row[4]) ?? 0,
                    step: Int8(row[5]) ?? 0,
                    index: Int16(index)
                )
            )
        }
        self.descriptions = descriptions
        var reasons: [String: String] = [:]
        for refusal in Self.refusals {
            for name in refusal.names.split(whereSeparator: \.isWhitespace) { reasons[String(name)] = refusal.reason }
        }
        self.reasons = reasons
        for index in 0..<count { enter(commands + index, named: descriptions[index].name) }
    }

    deinit {
        commands.deallocate()
        cells.deallocate()
    }

    private static func flags(_ letters: Substring) -> Command.Flags {
        let meanings: [(Character, Command.Flags)] = [
            ("w", .writes), ("r", .reads), ("m", .needsMemory), ("F", .isFast), ("n", .forUnknown),
            ("s", .forSubscribers), ("x", .isNeverQueued), ("b", .mayWait), ("a", .isAdministration),
            ("p", .isAboutChannels), ("v", .countsKeys),
        ]
        return meanings.reduce(into: Command.Flags()) { flags, meaning in
            if letters.contains(meaning.0) { flags.insert(meaning.1) }
        }
    }

    private func enter(_ command: UnsafeMutablePointer<Command>, named name: String) {
        var name = name
        name.withUTF8 { bytes in
            guard let word = Self.words(UnsafeRawBufferPointer(bytes)) else {
                preconditionFailure("a command has 1 to 16 letters")
            }
            var place = Self.home(word.low, word.high)
            while cells[place].command != nil { place = (place + 1) & (1 << Int(Self.cellBits) - 1) }
            cells[place] = Cell(low: word.low, high: word.high, length: bytes.count, command: command)
        }
    }

    @inline(__always)
    private static func home(_ low: UInt64, _ high: UInt64) -> Int {
        let mixed = (low ^ high &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: mixed &>> (64 &- cellBits))
    }

    /// A name as two words, which with its length are the name, upper and lower case alike.
    @inline(__always)
    private static func words(_ name: UnsafeRawBufferPointer) -> (low: UInt64, high: UInt64)? {
        let count = name.count
        let start = name.start
        // Clears the bit in which an upper-case letter differs from its lower case.
        let fold: UInt64 = 0xDFDF_DFDF_DFDF_DFDF
        if count >= 4, count <= 8 {
            let low = UInt64(start.loadUnaligned(as: UInt32.self))
            let high = UInt64(start.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
            return ((low | high &<< 32) & fold, 0)
        }
        if count > 8, count <= 16 {
            let high = start.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self) & fold
            return (start.loadUnaligned(as: UInt64.self) & fold, high)
        }
        guard count > 0, count < 4 else { return nil }
        var low: UInt64 = 0
        for index in 0..<count { low = low &<< 8 | UInt64(start.load(fromByteOffset: index, as: UInt8.self)) }
        return (low & fold, 0)
    }

    /// The command of a name, in any case; `nil` where there is none.
    @inline(__always)
    func find(_ name: UnsafeRawBufferPointer) -> UnsafeMutablePointer<Command>? {
        guard let word = Self.words(name) else { return nil }
        var place = Self.home(word.low, word.high)
        while let command = cells[place].command {
            if cells[place].low == word.low, cells[place].high == word.high, cells[place].length == name.count {
                return command
            }
            place = (place &+ 1) & (1 &<< Int(Self.cellBits) &- 1)
        }
        return nil
    }

    /// Why a command that Redis has is refused; `nil` for one that nobody knows.
    func refusal(_ name: String) -> String? { reasons[name.lowercased()] }
}
