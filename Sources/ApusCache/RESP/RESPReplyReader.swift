/// Decodes a reply that ``RESPReplyScanner`` has found complete.
struct RESPReplyReader {
    // The scanner has seen every length and every CR LF within the bytes, so nothing is checked a second time here; a
    // mistake there would be one here, which is why they are tested together, at the edge of forbidden memory.
    private let base: UnsafeRawPointer
    private(set) var offset = 0

    init(_ base: UnsafeRawPointer) { self.base = base }

    /// The next value; attributes before it are left out.
    mutating func value() -> RESPValue {
        let type = RESPNumber.byte(base, offset)
        let line = takeLine()
        switch type {
        case UInt8(ascii: "+"): return .simple(text(line))
        case UInt8(ascii: "-"): return .error(text(line))
        case UInt8(ascii: ":"): return .integer(RESPNumber.lenient(base, line.lowerBound, line.upperBound) ?? 0)
        case UInt8(ascii: "$"):
            let length = number(line)
            return length < 0 ? .null : .bulk(takeBulk(length))
        case UInt8(ascii: "!"): return .error(String(decoding: takeBulk(number(line)), as: UTF8.self))
        case UInt8(ascii: "="):
            let bytes = takeBulk(number(line))
            return .verbatim(format: String(decoding: bytes[..<3], as: UTF8.self), text: Array(bytes[4...]))
        case UInt8(ascii: "*"):
            let count = number(line)
            return count < 0 ? .null : .array(values(count))
        case UInt8(ascii: "~"): return .set(values(number(line)))
        case UInt8(ascii: ">"): return .push(values(number(line)))
        case UInt8(ascii: "%"): return .map(pairs(number(line)))
        case UInt8(ascii: "|"):
            _ = pairs(number(line))
            return value()
        case UInt8(ascii: "#"): return .boolean(RESPNumber.byte(base, line.lowerBound) == UInt8(ascii: "t"))
        case UInt8(ascii: ","): return .double(RESPNumber.double(base, line.lowerBound, line.upperBound) ?? .nan)
        case UInt8(ascii: "("): return .bigNumber(text(line))
        default: return .null
        }
    }

    private mutating func values(_ count: Int) -> [RESPValue] {
        var values: [RESPValue] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(value()) }
        return values
    }

    private mutating func pairs(_ count: Int) -> [RESPValue.Pair] {
        var pairs: [RESPValue.Pair] = []
        pairs.reserveCapacity(count)
        for _ in 0..<count {
            let key = value()
            pairs.append(RESPValue.Pair(key, value()))
        }
        return pairs
    }

    /// The line that begins here without its type and CR LF; goes behind it.
    private mutating func takeLine() -> Range<Int> {
        let start = offset + 1
        var end = start
        while RESPNumber.byte(base, end) != 0x0D { end &+= 1 }
        offset = end + 2
        return start..<end
    }

    private mutating func takeBulk(_ length: Int) -> [UInt8] {
        defer { offset += length + 2 }
        return [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
            if let start = bytes.baseAddress {
                UnsafeMutableRawPointer(start).copyMemory(from: base + offset, byteCount: length)
            }
            count = length
        }
    }

    private func number(_ line: Range<Int>) -> Int { RESPNumber.strict(base, line.lowerBound, line.upperBound) ?? 0 }

    private func text(_ line: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(start: base + line.lowerBound, count: line.count), as: UTF8.self)
    }
}
