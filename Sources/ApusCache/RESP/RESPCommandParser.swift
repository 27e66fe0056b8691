import Glibc

/// A place in a buffer: offset and length, so that it stays right when the buffer moves.
struct RESPRange: Equatable {
    var start: UInt32
    var count: UInt32
}

/// Finds commands in what a client sends, without its socket and without a copy.
///
/// A command is an array of bulk strings, or a line of words, which people type. The parser is given the bytes from the
/// command's first on; while a command is incomplete it is given them again with more behind, and goes on where it was,
/// so each byte is looked at once. The arguments are ranges in the buffer.
///
/// - SeeAlso: "Redis serialization protocol specification", "Sending commands to a Redis server" and "Inline commands".
//
// Raw memory for the ranges, so that the hot path counts no references; it has one owner, as the type is not copyable.
struct RESPCommandParser: ~Copyable {
    enum Outcome: Equatable {
        /// A command of ``argumentCount`` arguments, in so many bytes.
        case command(bytes: Int)
        /// So many bytes that ask for nothing: an empty line or array.
        case nothing(bytes: Int)
        /// More is needed.
        case incomplete
        case malformed(RESPError)
    }

    /// What is believed; a client that is unknown yet is believed less.
    var limits: RESPLimits
    /// Set until the client has said who it is.
    var isUnauthenticated = false
    private(set) var arguments: UnsafeMutablePointer<RESPRange>
    /// Where the arguments of the command that is looked for begin; those before belong to commands that were kept.
    private(set) var firstArgument = 0
    /// How many arguments of it are found.
    private(set) var argumentCount = 0
    private var capacity = RESPCommandParser.usualCapacity
    // Arguments of the array that has begun; 0 between commands.
    private var expected = 0
    // Behind the last byte that is understood.
    private var cursor = 0
    // The length of the bulk string that has begun, or -1.
    private var bulk = -1
    // How far the end of a line has been looked for in vain.
    private var searched = 0
    private static let usualCapacity = 16

    init(_ limits: RESPLimits = RESPLimits()) {
        self.limits = limits
        arguments = .allocate(capacity: Self.usualCapacity)
    }

    deinit { arguments.deallocate() }

    /// How many bytes from the command's first on are known to be needed; 0 where that is not known.
    var bytesNeeded: Int { bulk >= 0 ? cursor + bulk + 2 : 0 }

    /// Looks for a command in the `count` bytes at `base`, which begin where a command does.
    ///
    /// An inline command with quotation marks is decoded in place.
    mutating func parse(_ base: UnsafeMutableRawPointer, _ count: Int) -> Outcome {
        if expected == 0 {
            argumentCount = 0
            guard count > 0 else { return .incomplete }
            if base.load(as: UInt8.self) != UInt8(ascii: "*") { return parseLine(base, count) }
            switch number(base, count, from: 1) {
            case .incomplete: return .incomplete
            case .malformed: return fail(.malformedCount)
            case .number(let number, let end):
                if number == 0 || number == -1 {
                    searched = 0
                    return .nothing(bytes: end)
                }
                guard number > 0, number <= limits.elementsMax else { return fail(.malformedCount) }
                if isUnauthenticated, number > 10 { return fail(.unauthenticated) }
                expected = number
                cursor = end
            }
        }
        while argumentCount < expected {
            if let outcome = parseArgument(base, count) { return outcome }
        }
        expected = 0
        return .command(bytes: cursor)
    }

    /// Takes one argument; `nil` where it did.
    @inline(__always)
    private mutating func parseArgument(_ base: UnsafeMutableRawPointer, _ count: Int) -> Outcome? {
        if bulk < 0 {
            guard cursor < count else { return .incomplete }
            let first = RESPNumber.byte(base, cursor)
            guard first == UInt8(ascii: "$") else { return fail(.expectedBulk(first)) }
            switch number(base, count, from: cursor &+ 1) {
            case .incomplete: return .incomplete
            case .malformed: return fail(.malformedBulkLength)
            case .number(let number, let end):
                guard number >= 0, number <= limits.bulkBytesMax else { return fail(.malformedBulkLength) }
                if isUnauthenticated, number > 16_384 { return fail(.unauthenticated) }
                bulk = number
                cursor = end
            }
        }
        let end = cursor &+ bulk
        guard end &+ 2 <= count else { return .incomplete }
        guard RESPNumber.byte(base, end) == 0x0D, RESPNumber.byte(base, end &+ 1) == 0x0A else {
            return fail(.missingTerminator)
        }
        append(RESPRange(start: UInt32(truncatingIfNeeded: cursor), count: UInt32(truncatingIfNeeded: bulk)))
        cursor = end &+ 2
        bulk = -1
        return nil
    }

    private enum Found {
        case number(Int, end: Int)
        case incomplete
        case malformed
    }

    /// The number on the line that begins at `start`, and where the next one does.
    @inline(__always)
    private mutating func number(_ base: UnsafeMutableRawPointer, _ count: Int, from start: Int) -> Found {
        // Most lengths have one digit or two.
        if start &+ 3 <= count {
            let first = RESPNumber.byte(base, start) &- 0x30
            let second = RESPNumber.byte(base, start &+ 1)
            if first <= 9, second == 0x0D, RESPNumber.byte(base, start &+ 2) == 0x0A {
                return .number(Int(first), end: start &+ 3)
            }
            let digit = second &- 0x30
            if start &+ 4 <= count, first <= 9, first > 0, digit <= 9, RESPNumber.byte(base, start &+ 2) == 0x0D,
                RESPNumber.byte(base, start &+ 3) == 0x0A
            {
                return .number(Int(first) &* 10 &+ Int(digit), end: start &+ 4)
            }
        }
        return longNumber(base, count, from: start)
    }

    @inline(never)
    private mutating func longNumber(_ base: UnsafeMutableRawPointer, _ count: Int, from start: Int) -> Found {
        // No number that is taken has more than twenty bytes.
        let end = min(count, start + 22)
        var offset = start
        while offset < end, RESPNumber.byte(base, offset) != 0x0D {
            guard RESPNumber.byte(base, offset) != 0x0A else { return .malformed }
            offset += 1
        }
        if offset == end { return end == start + 22 ? .malformed : .incomplete }
        guard let number = RESPNumber.strict(base, start, offset) else { return .malformed }
        guard offset + 1 < count else { return .incomplete }
        return RESPNumber.byte(base, offset + 1) == 0x0A ? .number(number, end: offset + 2) : .malformed
    }

    @inline(__always)
    private mutating func append(_ range: RESPRange) {
        if firstArgument &+ argumentCount == capacity { grow() }
        arguments[firstArgument &+ argumentCount] = range
        argumentCount &+= 1
    }

    @inline(never)
    private mutating func grow() {
        // What was announced is only believed as it comes.
        let larger = UnsafeMutablePointer<RESPRange>.allocate(capacity: capacity * 2)
        larger.update(from: arguments, count: firstArgument + argumentCount)
        arguments.deallocate()
        arguments = larger
        capacity *= 2
    }

    /// Keeps the arguments of the command that was found while the next one is looked for.
    @inline(__always)
    mutating func keep() {
        firstArgument &+= argumentCount
        argumentCount = 0
    }

    /// Forgets the commands that were kept; the one that has begun goes on.
    @inline(__always)
    mutating func forgetKept() {
        if firstArgument == 0 { return }
        if expected > 0, argumentCount > 0 {
            arguments.update(from: arguments + firstArgument, count: argumentCount)
        }
        firstArgument = 0
    }

    /// Forgets everything: what follows begins with a command.
    mutating func reset() {
        expected = 0
        cursor = 0
        bulk = -1
        searched = 0
        firstArgument = 0
        argumentCount = 0
    }

    /// Gives the memory of an unusually long command back, once nothing of one is left.
    mutating func shrink() {
        guard capacity > 64, expected == 0 else { return }
        arguments.deallocate()
        arguments = .allocate(capacity: Self.usualCapacity)
        capacity = Self.usualCapacity
        reset()
    }

    @inline(never)
    private mutating func fail(_ error: RESPError) -> Outcome {
        reset()
        return .malformed(error)
    }

    // MARK: Inline commands

    @inline(never)
    private mutating func parseLine(_ base: UnsafeMutableRawPointer, _ count: Int) -> Outcome {
        guard let found = memchr(base + searched, 0x0A, count - searched) else {
            if count > limits.lineBytesMax { return fail(.lineTooLong) }
            searched = count
            return .incomplete
        }
        let newline = UnsafeMutableRawPointer(found) - base
        searched = 0
        guard newline <= limits.lineBytesMax else { return fail(.lineTooLong) }
        let end = newline > 0 && RESPNumber.byte(base, newline - 1) == 0x0D ? newline - 1 : newline
        guard splitWords(base, end) else { return fail(.unbalancedQuotes) }
        return argumentCount == 0 ? .nothing(bytes: newline + 1) : .command(bytes: newline + 1)
    }

    /// Takes the words of a line; false where quotation marks do not close.
    private mutating func splitWords(_ base: UnsafeMutableRawPointer, _ end: Int) -> Bool {
        var offset = 0
        while true {
            while offset < end, Self.isSpace(RESPNumber.byte(base, offset)) { offset += 1 }
            if offset == end { return true }
            let start = offset
            var written = offset
            while offset < end, !Self.isSpace(RESPNumber.byte(base, offset)) {
                let byte = RESPNumber.byte(base, offset)
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                    guard let next = unquote(base, offset, end, &written) else { return false }
                    offset = next
                    // A closing mark ends the word.
                    guard offset == end || Self.isSpace(RESPNumber.byte(base, offset)) else { return false }
                } else {
                    base.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
                    written += 1
                    offset += 1
                }
            }
            append(RESPRange(start: UInt32(start), count: UInt32(written - start)))
        }
    }

    /// Decodes what stands between quotation marks to `written`; returns where the closing one ends.
    private func unquote(_ base: UnsafeMutableRawPointer, _ start: Int, _ end: Int, _ written: inout Int) -> Int? {
        let mark = RESPNumber.byte(base, start)
        let isDouble = mark == UInt8(ascii: "\"")
        var offset = start + 1
        while offset < end {
            var byte = RESPNumber.byte(base, offset)
            offset += 1
            if byte == mark { return offset }
            if byte == UInt8(ascii: "\\"), offset < end {
                let next = RESPNumber.byte(base, offset)
                if isDouble {
                    offset += 1
                    byte = Self.escaped(next)
                    if next == UInt8(ascii: "x"), offset + 2 <= end,
                        let high = Self.hex(RESPNumber.byte(base, offset)),
                        let low = Self.hex(RESPNumber.byte(base, offset + 1))
                    {
                        byte = high << 4 | low
                        offset += 2
                    }
                } else if next == mark {
                    offset += 1
                    byte = next
                }
            }
            base.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
            written += 1
        }
        return nil
    }

    private static func escaped(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "a"): 0x07
        default: byte
        }
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
