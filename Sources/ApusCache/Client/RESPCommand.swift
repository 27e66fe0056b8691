import ApusCore

/// One word of a command: text, bytes or a number.
public enum RESPArgument: Sendable, Hashable, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    /// A text in UTF-8.
    case text(String)
    /// Bytes.
    case bytes([UInt8])
    /// A number in decimal.
    case number(Int)

    /// A text in UTF-8.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A number in decimal.
    public init(integerLiteral value: Int) { self = .number(value) }

    /// Its length in bytes.
    @inline(__always)
    var count: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        case .number(let number): RESPCommand.digits(number)
        }
    }

    /// Writes it; as many bytes as ``count`` says.
    @inline(__always)
    func write(to place: UnsafeMutableRawPointer) {
        switch self {
        case .text(var text):
            text.withUTF8 { bytes in
                if let start = bytes.baseAddress { place.copyMemory(from: start, byteCount: bytes.count) }
            }
        case .bytes(let bytes):
            bytes.withUnsafeBytes { bytes in
                if let start = bytes.baseAddress { place.copyMemory(from: start, byteCount: bytes.count) }
            }
        case .number(let number): _ = RESPBuffer.decimal(number, to: place)
        }
    }
}

/// A command as it goes over the wire, made once; sending it again costs nothing more.
///
///     RESPCommand("SET", .text(key), .bytes(value), "EX", 60)
public struct RESPCommand: Sendable, Hashable {
    /// An array of bulk strings.
    let wire: [UInt8]
    /// Who may send it where.
    let place: Place

    /// Which connections a command may go over.
    enum Place: UInt8, Sendable {
        /// One that others use too.
        case anywhere
        /// One of its own, since it changes the connection or keeps it waiting.
        case alone
        /// None: the client itself says it, or its replies have no end.
        case nowhere
    }

    /// A command of a name and words.
    ///
    /// - Parameters:
    ///   - name: Such as `GET`.
    ///   - words: What follows it.
    @_disfavoredOverload
    public init(_ name: StaticString, _ words: RESPArgument...) { self.init(name, words) }

    /// A command of a name alone.
    public init(_ name: StaticString) {
        wire = Self.wire(name, words: 0, bytes: 0) { _ in }
        place = Self.place(name, nil)
    }

    /// A command of a name and one word.
    public init(_ name: StaticString, _ word: RESPArgument) {
        let count = word.count
        wire = Self.wire(name, words: 1, bytes: Self.bulk(count)) { place in
            _ = Self.write(word, count, to: place)
        }
        place = Self.place(name, word)
    }

    /// A command of a name and two words.
    public init(_ name: StaticString, _ first: RESPArgument, _ second: RESPArgument) {
        let counts = (first.count, second.count)
        wire = Self.wire(name, words: 2, bytes: Self.bulk(counts.0) + Self.bulk(counts.1)) { place in
            let place = Self.write(first, counts.0, to: place)
            _ = Self.write(second, counts.1, to: place)
        }
        place = Self.place(name, first)
    }

    /// A command of a name and any number of words.
    public init(_ name: StaticString, _ words: [RESPArgument]) {
        let bytes = words.reduce(0) { $0 + Self.bulk($1.count) }
        wire = Self.wire(name, words: words.count, bytes: bytes) { place in
            var place = place
            for word in words { place = Self.write(word, word.count, to: place) }
        }
        place = Self.place(name, words.first)
    }

    /// A command whose name is known only when it is made.
    public init(name: String, _ words: [RESPArgument]) {
        let all = [RESPArgument.text(name)] + words
        let bytes = all.reduce(0) { $0 + Self.bulk($1.count) }
        wire = [UInt8](unsafeUninitializedCapacity: bytes + 1 + Self.digits(all.count) + 2) { buffer, filled in
            filled = bytes + 1 + Self.digits(all.count) + 2
            guard var place = buffer.baseAddress.map({ UnsafeMutableRawPointer($0) }) else { return }
            place = Self.header(UInt8(ascii: "*"), all.count, to: place)
            for word in all { place = Self.write(word, word.count, to: place) }
        }
        var copy = name
        let shape = copy.withUTF8 { Self.place($0, words.first) }
        place = shape
    }

    // MARK: Writing

    /// How many decimal digits a number has, its sign included.
    @inline(__always)
    static func digits(_ number: Int) -> Int {
        var (left, count) = (number.magnitude, number < 0 ? 2 : 1)
        while left >= 10 {
            left /= 10
            count &+= 1
        }
        return count
    }

    /// How many bytes a word of `count` bytes takes on the wire.
    @inline(__always)
    private static func bulk(_ count: Int) -> Int { 5 &+ digits(count) &+ count }

    @inline(__always)
    private static func wire(
        _ name: StaticString,
        words: Int,
        bytes: Int,
        _ write: (UnsafeMutableRawPointer) -> Void
    ) -> [UInt8] {
        let length = name.utf8CodeUnitCount
        let total = 3 &+ digits(words &+ 1) &+ bulk(length) &+ bytes
        return [UInt8](unsafeUninitializedCapacity: total) { buffer, filled in
            filled = total
            guard var place = buffer.baseAddress.map({ UnsafeMutableRawPointer($0) }) else { return }
            place = header(UInt8(ascii: "*"), words &+ 1, to: place)
            place = header(UInt8(ascii: "$"), length, to: place)
            place.copyMemory(from: name.utf8Start, byteCount: length)
            place = lineEnd(place + length)
            write(place)
        }
    }

    @inline(__always)
    private static func header(_ type: UInt8, _ number: Int, to place: UnsafeMutableRawPointer)
        -> UnsafeMutableRawPointer
    {
        place.storeBytes(of: type, as: UInt8.self)
        return lineEnd(place + 1 + RESPBuffer.decimal(number, to: place + 1))
    }

    @inline(__always)
    private static func lineEnd(_ place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        place.storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
        return place + 2
    }

    @inline(__always)
    private static func write(_ word: RESPArgument, _ count: Int, to place: UnsafeMutableRawPointer)
        -> UnsafeMutableRawPointer
    {
        let start = header(UInt8(ascii: "$"), count, to: place)
        word.write(to: start)
        return lineEnd(start + count)
    }
}

/// Which commands cannot share a connection.
extension RESPCommand {
    @inline(__always)
    private static func place(_ name: StaticString, _ first: RESPArgument?) -> Place {
        place(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), first)
    }

    /// A name's first eight letters in one number, in upper case.
    @inline(__always)
    static func packed(_ name: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<min(8, name.count) { word = word << 8 | UInt64(name[index] & 0xDF) }
        return word
    }

    private static func packed(_ name: StaticString) -> UInt64 {
        packed(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    private static let neverNames: [StaticString] = [
        "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR", "SYNC",
        "PSYNC",
        "QUIT", "RESET", "HELLO", "AUTH", "SELECT",
    ]
    private static let aloneNames: [StaticString] = [
        "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH", "BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN",
        "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF", "ASKING", "READONLY", "READWRITE",
    ]
    private static let never = Set(neverNames.map { packed($0) })
    private static let alone = Set(aloneNames.map { packed($0) })

    private static func place(_ name: UnsafeBufferPointer<UInt8>, _ first: RESPArgument?) -> Place {
        // Few names begin like one that is special, and those of most commands are told from it by their first letter.
        guard let letter = name.first.map({ $0 & 0xDF }) else { return .nowhere }
        switch letter {
        case UInt8(ascii: "G"), UInt8(ascii: "I"), UInt8(ascii: "Z"), UInt8(ascii: "L"), UInt8(ascii: "T"):
            return .anywhere
        case UInt8(ascii: "H") where name.count != 5, UInt8(ascii: "S") where name.count < 4,
            UInt8(ascii: "D") where name.count < 7, UInt8(ascii: "M") where name.count == 4,
            UInt8(ascii: "P") where name.count == 4, UInt8(ascii: "E") where name.count > 4:
            return .anywhere
        case UInt8(ascii: "C"): return client(name, first)
        case UInt8(ascii: "X"): return reading(name, first)
        default: break
        }
        let word = packed(name)
        if never.contains(word) { return .nowhere }
        return alone.contains(word) ? .alone : .anywhere
    }

    /// `CLIENT` says much about the connection it comes on.
    private static func client(_ name: UnsafeBufferPointer<UInt8>, _ first: RESPArgument?) -> Place {
        guard packed(name) == packed("CLIENT"), case .text(let action)? = first else { return .anywhere }
        switch action.uppercased() {
        case "REPLY": return .nowhere
        case "TRACKING", "CACHING", "SETNAME", "NO-EVICT", "NO-TOUCH", "ID", "GETREDIR", "TRACKINGINFO": return .alone
        default: return .anywhere
        }
    }

    /// `XREAD` may wait, but only where it is told so, which stands among its first words.
    private static func reading(_ name: UnsafeBufferPointer<UInt8>, _ first: RESPArgument?) -> Place {
        guard packed(name) == packed("XREAD") else { return .anywhere }
        if case .text(let word)? = first, word.uppercased() == "BLOCK" { return .alone }
        return .anywhere
    }
}
