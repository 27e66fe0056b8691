/// The flags of a meta command, read and checked.
///
/// - SeeAlso: memcached's doc/protocol.txt, "Meta Commands".
struct MetaFlags {
    /// Longest mark that is copied into the answer (`O`), in bytes, with its letter.
    static let opaqueBytesMax = 32

    /// The key is in base 64 (`b`).
    var isKeyBinary = false
    /// Nominal answers are left out (`q`).
    var isQuiet = false
    /// The value is wanted (`v`).
    var wantsValue = false
    /// What is there before counts, so it is noted later that it was asked for (`h`, `l`).
    var leavesNoMark = false
    /// Marked as old instead of deleted; an older version is stored as old (`I`).
    var invalidates = false
    /// The mode (`M`).
    var mode: UInt8?
    /// The version to compare with (`C`).
    var version: UInt64?
    /// The version to give (`E`).
    var newVersion: UInt64?
    var clientFlags: UInt32 = 0
    /// Seconds, as a client writes them, for a new life (`T`), for a made item (`N`), and below which it is loaded anew (`R`).
    var time: Int?
    var vivifyTime: Int?
    var recacheTime: Int?
    /// What is added or taken away (`D`), and what a made number is (`J`).
    var delta: UInt64 = 1
    var initial: UInt64 = 0

    /// The flags from a word on, or what they are refused with.
    static func read(_ call: MemcachedCall, from first: Int) -> Result<MetaFlags, Refused> {
        var flags = MetaFlags()
        var (seenLow, seenHigh): (UInt64, UInt64) = (0, 0)
        for index in first..<max(first, call.count) {
            let word = call[index]
            let letter = word[0]
            let bit: UInt64 = 1 << UInt64(letter & 63)
            guard letter < 127, (letter < 64 ? seenLow : seenHigh) & bit == 0 else {
                return .failure(Refused("CLIENT_ERROR duplicate flag\r\n"))
            }
            if letter < 64 { seenLow |= bit } else { seenHigh |= bit }
            if let refused = flags.take(letter, UnsafeRawBufferPointer(rebasing: word.dropFirst())) {
                return .failure(refused)
            }
        }
        return .success(flags)
    }

    struct Refused: Error {
        let text: StaticString
        init(_ text: StaticString) { self.text = text }
        static let badToken = Refused("CLIENT_ERROR bad token in command line format\r\n")
    }

    private mutating func take(_ letter: UInt8, _ token: UnsafeRawBufferPointer) -> Refused? {
        switch letter {
        case UInt8(ascii: "b"): isKeyBinary = true
        case UInt8(ascii: "q"): isQuiet = true
        case UInt8(ascii: "v"): wantsValue = true
        case UInt8(ascii: "u"): leavesNoMark = true
        case UInt8(ascii: "I"): invalidates = true
        case UInt8(ascii: "c"), UInt8(ascii: "f"), UInt8(ascii: "h"), UInt8(ascii: "k"), UInt8(ascii: "l"),
            UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "P"), UInt8(ascii: "L"):
            break  // They say what to answer, or nothing to us.
        case UInt8(ascii: "O"):
            if token.count >= Self.opaqueBytesMax { return Refused("CLIENT_ERROR opaque token too long\r\n") }
        case UInt8(ascii: "M"):
            guard token.count == 1 else { return Refused("CLIENT_ERROR incorrect length for M token\r\n") }
            mode = token[0]
        default: return takeNumber(letter, token)
        }
        return nil
    }

    private mutating func takeNumber(_ letter: UInt8, _ token: UnsafeRawBufferPointer) -> Refused? {
        switch letter {
        case UInt8(ascii: "N"), UInt8(ascii: "T"), UInt8(ascii: "R"):
            guard let seconds = token.signedNumber else { return .badToken }
            switch letter {
            case UInt8(ascii: "N"): vivifyTime = seconds
            case UInt8(ascii: "T"): time = seconds
            default: recacheTime = seconds
            }
        case UInt8(ascii: "F"):
            guard let number = token.number, number <= UInt64(UInt32.max) else {
                return Refused(MemcachedRefusal.badLine.text)
            }
            clientFlags = UInt32(number)
        case UInt8(ascii: "C"), UInt8(ascii: "E"):
            guard let number = token.number else { return .badToken }
            if letter == UInt8(ascii: "C") { version = number } else { newVersion = number }
        case UInt8(ascii: "J"):
            guard let number = token.number else { return Refused("CLIENT_ERROR invalid numeric initial value\r\n") }
            initial = number
        case UInt8(ascii: "D"):
            guard let number = token.number else { return Refused("CLIENT_ERROR invalid numeric delta value\r\n") }
            delta = number
        default: return Refused("CLIENT_ERROR invalid flag\r\n")
        }
        return nil
    }
}

/// Base 64 with padding, for keys that are not text.
///
/// - SeeAlso: RFC 4648, section 4.
enum Base64 {
    private static let letters: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// Decodes in place.
    ///
    /// - Returns: How many bytes that gave; `nil` for what is no base 64.
    static func decode(_ start: UnsafeMutableRawPointer, _ count: Int) -> Int? {
        guard count > 0, count % 4 == 0 else { return nil }
        var padding = 0
        while padding < 2, RESPNumber.byte(start, count - 1 - padding) == UInt8(ascii: "=") { padding += 1 }
        var written = 0
        for place in stride(from: 0, to: count, by: 4) {
            var block: UInt32 = 0
            for index in 0..<4 {
                let isPadding = place + index >= count - padding
                guard let value = isPadding ? 0 : value(RESPNumber.byte(start, place + index)) else { return nil }
                block = block << 6 | value
            }
            for shift in [UInt32(16), 8, 0] {
                start.storeBytes(of: UInt8(truncatingIfNeeded: block >> shift), toByteOffset: written, as: UInt8.self)
                written += 1
            }
        }
        return written - padding
    }

    private static func value(_ letter: UInt8) -> UInt32? {
        switch letter {
        case 0x41...0x5A: UInt32(letter) - 0x41
        case 0x61...0x7A: UInt32(letter) - 0x61 + 26
        case 0x30...0x39: UInt32(letter) - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to buffer: inout RESPBuffer) {
        for place in stride(from: 0, to: bytes.count, by: 3) {
            let have = min(3, bytes.count - place)
            var block: UInt32 = 0
            for index in 0..<3 { block = block << 8 | (index < have ? UInt32(bytes[place + index]) : 0) }
            for index in 0..<4 {
                let shift = UInt32(18 - 6 * index)
                buffer.append(index <= have ? letters.utf8Start[Int(block >> shift & 63)] : UInt8(ascii: "="))
            }
        }
    }
}
