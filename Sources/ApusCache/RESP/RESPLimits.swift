/// How much of a message is believed.
struct RESPLimits: Sendable, Hashable {
    /// Longest line, in bytes: an inline command, a count, a simple string; 64 KiB, as in Redis.
    var lineBytesMax = 64 << 10
    /// Longest bulk string, in bytes; 512 MiB, as in Redis.
    var bulkBytesMax = 512 << 20
    /// Most elements of one array, map, set or push, and most arguments of a command; 1,048,576, as in Redis.
    var elementsMax = 1 << 20
    /// Most arrays within each other; 32, far more than any reply of Redis has.
    var depthMax = 32
}

/// Numbers as the protocol writes them.
enum RESPNumber {
    /// The integer that the digits of `base[start ..< end]` name; `nil` for none, for more than 64 bits, and for what Redis
    /// does not take as a length: leading zeros, `+`, `-0`.
    @inline(__always)
    static func strict(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int? {
        var offset = start
        guard offset < end else { return nil }
        let isNegative = byte(base, offset) == UInt8(ascii: "-")
        if isNegative { offset &+= 1 }
        guard offset < end, end &- offset <= 19 else { return nil }
        let first = byte(base, offset) &- 0x30
        if first == 0 { return isNegative || end &- offset > 1 ? nil : 0 }
        return digits(base, offset, end, isNegative: isNegative)
    }

    /// The integer of a reply, which may have `+` before it and zeros in front.
    static func lenient(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int? {
        guard start < end else { return nil }
        let sign = byte(base, start)
        let isSigned = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
        return digits(base, isSigned ? start + 1 : start, end, isNegative: sign == UInt8(ascii: "-"))
    }

    // Nineteen digits fit a UInt64, so that only the last step can say that the number does not fit an Int.
    @inline(__always)
    private static func digits(_ base: UnsafeRawPointer, _ start: Int, _ end: Int, isNegative: Bool) -> Int? {
        var offset = start
        while offset < end &- 1, byte(base, offset) == 0x30 { offset &+= 1 }
        guard offset < end, end &- offset <= 19 else { return nil }
        var value: UInt64 = 0
        while offset < end {
            let digit = byte(base, offset) &- 0x30
            guard digit <= 9 else { return nil }
            value = value &* 10 &+ UInt64(digit)
            offset &+= 1
        }
        if isNegative { return value <= 1 << 63 ? Int(truncatingIfNeeded: 0 &- value) : nil }
        return value < 1 << 63 ? Int(truncatingIfNeeded: value) : nil
    }

    /// The double of a reply: a decimal number, `inf`, `-inf` or `nan`.
    static func double(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Double? {
        let text = String(decoding: UnsafeRawBufferPointer(start: base + start, count: end - start), as: UTF8.self)
        switch text.lowercased() {
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        case "nan", "-nan": return .nan
        default:
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else { return nil }
            return Double(text)
        }
    }

    @inline(__always)
    static func byte(_ base: UnsafeRawPointer, _ offset: Int) -> UInt8 {
        base.load(fromByteOffset: offset, as: UInt8.self)
    }
}
