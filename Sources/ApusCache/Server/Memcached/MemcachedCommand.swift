/// The commands of memcached that are served.
enum MemcachedCommand: UInt8, CaseIterable {
    case get, gets, gat, gats
    case set, add, replace, append, prepend, cas
    case delete, incr, decr, touch
    case stats, version, flushAll, verbosity, quit
    case metaGet, metaSet, metaDelete, metaArithmetic, metaDebug, metaNoOp

    /// The command of a name, which is in lower case; `nil` for one that is not served.
    init?(_ name: UnsafeRawBufferPointer) {
        for command in Self.candidates(name.count) where name.isWord(command.name) {
            self = command
            return
        }
        return nil
    }

    /// The commands whose names have so many letters.
    private static func candidates(_ letters: Int) -> [MemcachedCommand] {
        switch letters {
        case 2: twos
        case 3: threes
        case 4: fours
        default: others
        }
    }
    private static let twos = allCases.filter { $0.name.utf8CodeUnitCount == 2 }
    private static let threes = allCases.filter { $0.name.utf8CodeUnitCount == 3 }
    private static let fours = allCases.filter { $0.name.utf8CodeUnitCount == 4 }
    private static let others = allCases.filter { $0.name.utf8CodeUnitCount > 4 }

    /// What clients call it.
    var name: StaticString {
        switch self {
        case .get: "get"
        case .gets: "gets"
        case .gat: "gat"
        case .gats: "gats"
        case .set: "set"
        case .add: "add"
        case .replace: "replace"
        case .append: "append"
        case .prepend: "prepend"
        case .cas: "cas"
        case .delete: "delete"
        case .incr: "incr"
        case .decr: "decr"
        case .touch: "touch"
        case .stats: "stats"
        case .version: "version"
        case .flushAll: "flush_all"
        case .verbosity: "verbosity"
        case .quit: "quit"
        case .metaGet: "mg"
        case .metaSet: "ms"
        case .metaDelete: "md"
        case .metaArithmetic: "ma"
        case .metaDebug: "me"
        case .metaNoOp: "mn"
        }
    }

    /// It asks for any number of keys in one line.
    var retrieves: Bool { rawValue <= Self.gats.rawValue }

    /// Most words of a meta command, with its name and key.
    static let metaWordsMax = 19

    /// How many words it has, with its name.
    var wordCounts: ClosedRange<Int> {
        switch self {
        case .get, .gets: 2...Int.max
        case .gat, .gats: 2...Int.max
        case .set, .add, .replace, .append, .prepend: 5...6
        case .cas: 6...7
        case .delete: 2...4
        case .incr, .decr, .touch: 3...4
        case .flushAll: 1...3
        case .verbosity: 2...3
        case .stats, .version, .quit, .metaNoOp: 1...Int.max
        case .metaGet, .metaDelete, .metaArithmetic: 2...Self.metaWordsMax
        case .metaDebug: 2...Int.max
        case .metaSet: 3...Self.metaWordsMax
        }
    }

    /// What a line with so many words, which are too few or too many, is refused with.
    func refusal(ofWords count: Int) -> MemcachedRefusal {
        switch self {
        case .metaGet, .metaDelete, .metaArithmetic: count > Self.metaWordsMax ? .tooManyFlags : .unknownCommand
        case .metaSet: count > Self.metaWordsMax ? .tooManyFlags : count < 2 ? .unknownCommand : .badLine
        case .metaDebug: .badLine
        default: .unknownCommand
        }
    }

    /// Which word has the length of the data that follows the line.
    var lengthPlace: Int? {
        switch self {
        case .set, .add, .replace, .append, .prepend, .cas: 4
        case .metaSet: 2
        default: nil
        }
    }
}

/// What a request is refused with, as memcached says it.
enum MemcachedRefusal: Equatable {
    case unknownCommand, badLine, badData, tooLarge, tooManyFlags, lineTooLong, notMemcached, outOfMemory, otherKind
    case unauthenticated

    var text: StaticString {
        switch self {
        case .unknownCommand: "ERROR\r\n"
        case .badLine: "CLIENT_ERROR bad command line format\r\n"
        case .badData: "CLIENT_ERROR bad data chunk\r\n"
        case .tooLarge: "SERVER_ERROR object too large for cache\r\n"
        case .tooManyFlags: "CLIENT_ERROR options flags are too long\r\n"
        case .lineTooLong: "CLIENT_ERROR line too long\r\n"
        case .notMemcached: "CLIENT_ERROR this is no web server\r\n"
        case .outOfMemory: "SERVER_ERROR out of memory storing object\r\n"
        case .otherKind: "SERVER_ERROR the key holds another kind of value\r\n"
        case .unauthenticated: "CLIENT_ERROR unauthenticated\r\n"
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes are these letters.
    func isWord(_ word: StaticString) -> Bool { count == word.utf8CodeUnitCount && begins(with: word) }

    func begins(with word: StaticString) -> Bool {
        guard count >= word.utf8CodeUnitCount else { return false }
        for place in 0..<word.utf8CodeUnitCount where self[place] != word.utf8Start[place] { return false }
        return true
    }

    /// The number that the bytes name, all of them decimal digits; `nil` for none and for more than 64 bits.
    var number: UInt64? {
        guard !isEmpty, count <= 20 else { return nil }
        var number: UInt64 = 0
        for byte in self {
            let digit = byte &- 0x30
            guard digit < 10 else { return nil }
            let (product, carried) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt64(digit))
            if carried || overflow { return nil }
            number = sum
        }
        return number
    }

    /// The number of 32 bits that the bytes name, which may be below zero.
    var signedNumber: Int? {
        guard first == UInt8(ascii: "-") else { return number.flatMap { Int32(exactly: $0) }.map(Int.init) }
        let digits = UnsafeRawBufferPointer(rebasing: dropFirst())
        return digits.number.flatMap { $0 <= 1 << 31 ? -Int($0) : nil }
    }
}
