/// Which words of a command are keys, so that a cluster's client knows where to send it.
///
/// Commands that are not named here have one key, their first word, as most do.
///
/// - SeeAlso: Redis, "Key specifications", and the first three figures of `COMMAND INFO`.
struct RESPCommandKeys {
    private enum Rule {
        case none
        case words(first: Int, last: Int, step: Int)
        /// The number of the keys stands before them; a destination may stand before that.
        case counted(at: Int, hasDestination: Bool)
        /// Behind this word come as many keys as other words.
        case streams
    }

    /// The places of all words within the command, the name first.
    private let words: [Range<Int>]
    private let wire: [UInt8]

    init(_ command: RESPCommand) {
        wire = command.wire
        var words: [Range<Int>] = []
        // It was written by this program, so that it is as it must be.
        var offset = Self.line(wire, 0)
        while offset < wire.count {
            let start = Self.line(wire, offset)
            var length = 0
            for byte in wire[offset + 1..<start - 2] { length = length * 10 + Int(byte - 0x30) }
            words.append(start..<start + length)
            offset = start + length + 2
        }
        self.words = words
    }

    private static func line(_ wire: [UInt8], _ from: Int) -> Int {
        var offset = from
        while wire[offset] != 0x0A { offset += 1 }
        return offset + 1
    }

    private func text(_ index: Int) -> String {
        words.indices.contains(index) ? String(decoding: wire[words[index]], as: UTF8.self).uppercased() : ""
    }

    /// The command's name in upper case.
    var name: String { text(0) }

    /// The places of the keys.
    var keys: [ArraySlice<UInt8>] { places.map { wire[words[$0]] } }

    private var places: [Int] {
        switch rule {
        case .none: return []
        case .words(let first, let last, let step):
            let end = last < 0 ? words.count + last : last
            guard first < words.count, end >= first else { return [] }
            return Array(stride(from: first, through: min(end, words.count - 1), by: step))
        case .counted(let at, let hasDestination):
            guard let count = Int(text(at)), count >= 0, count < words.count - at else { return [] }
            return (hasDestination ? [at - 1] : []) + Array(at + 1..<at + 1 + count)
        case .streams:
            guard let word = words.indices.first(where: { text($0) == "STREAMS" }) else { return [] }
            return Array(word + 1..<word + 1 + (words.count - word - 1) / 2)
        }
    }

    private var rule: Rule {
        switch name {
        case "PING", "ECHO", "INFO", "CLUSTER", "CONFIG", "COMMAND", "CLIENT", "DBSIZE", "FLUSHALL", "FLUSHDB", "TIME",
            "SCRIPT", "PUBLISH", "PUBSUB", "WAIT", "RANDOMKEY", "SCAN", "KEYS", "SLOWLOG", "LATENCY", "ROLE", "SAVE",
            "BGSAVE", "BGREWRITEAOF", "LASTSAVE", "DEBUG", "ACL", "FUNCTION", "MODULE", "SWAPDB", "LOLWUT", "MULTI",
            "EXEC", "DISCARD", "UNWATCH", "ASKING", "READONLY", "READWRITE", "SHUTDOWN", "REPLICAOF", "FAILOVER":
            return .none
        case "DEL", "UNLINK", "EXISTS", "TOUCH", "MGET", "SINTER", "SUNION", "SDIFF", "SINTERSTORE", "SUNIONSTORE",
            "SDIFFSTORE", "PFCOUNT", "PFMERGE", "WATCH":
            return .words(first: 1, last: -1, step: 1)
        case "MSET", "MSETNX": return .words(first: 1, last: -1, step: 2)
        case "RENAME", "RENAMENX", "COPY", "SMOVE", "LMOVE", "RPOPLPUSH", "BLMOVE", "BRPOPLPUSH", "LCS", "ZRANGESTORE",
            "GEOSEARCHSTORE":
            return .words(first: 1, last: 2, step: 1)
        case "BITOP": return .words(first: 2, last: -1, step: 1)
        case "BLPOP", "BRPOP", "BZPOPMIN", "BZPOPMAX": return .words(first: 1, last: -2, step: 1)
        case "OBJECT", "XINFO", "XGROUP": return .words(first: 2, last: 2, step: 1)
        case "MEMORY": return text(1) == "USAGE" ? .words(first: 2, last: 2, step: 1) : .none
        case "SINTERCARD", "LMPOP", "ZMPOP", "ZINTER", "ZUNION", "ZDIFF", "ZINTERCARD":
            return .counted(at: 1, hasDestination: false)
        case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO", "BLMPOP", "BZMPOP":
            return .counted(at: 2, hasDestination: false)
        case "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE": return .counted(at: 2, hasDestination: true)
        case "XREAD", "XREADGROUP": return .streams
        default: return .words(first: 1, last: 1, step: 1)
        }
    }
}
