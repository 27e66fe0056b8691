/// Writes numbers and texts into bytes: the form in which pulses travel and history lies on disk.
///
/// Whole numbers take as few bytes as they need, seven bits each, the lowest first; texts carry their length.
public struct PackedWriter: Sendable {
    /// What was written.
    public private(set) var bytes: [UInt8] = []

    /// An empty writer.
    public init() {}

    /// A whole number, 0 or more.
    public mutating func write(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// A count or an index, 0 or more.
    public mutating func write(count: Int) { write(UInt64(count)) }

    /// A whole number that may be below zero; near zero is short.
    public mutating func write(signed number: Int64) {
        write(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
    }

    /// Eight bytes as they are, for numbers that use all of them.
    public mutating func write(fixed number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    /// A number; whole ones are short.
    public mutating func write(_ number: Double) {
        if let whole = Int64(exactly: number), abs(whole) < 1 << 53 {
            write(UInt64(bitPattern: (whole << 1) ^ (whole >> 63)) << 1)
        } else {
            write(UInt64(1))
            write(fixed: number.bitPattern)
        }
    }

    /// A text.
    public mutating func write(_ text: String) {
        write(count: text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    /// Bytes as they are, behind their number.
    public mutating func write(_ part: [UInt8]) {
        write(count: part.count)
        bytes.append(contentsOf: part)
    }

    /// Yes or no.
    public mutating func write(_ flag: Bool) { bytes.append(flag ? 1 : 0) }
}

/// Bytes that are not what a ``PackedWriter`` wrote.
public struct PackedDamage: Error, Sendable, Hashable {
    /// Where reading stopped, in bytes from the start.
    public let offset: Int

    /// Damage found at `offset`.
    public init(offset: Int) { self.offset = offset }
}

/// Reads what a ``PackedWriter`` wrote, and believes none of it: counts are checked against what is left.
public struct PackedReader: Sendable {
    private let bytes: [UInt8]
    private var offset: Int
    private let end: Int

    /// A reader of all of `bytes`.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        offset = 0
        end = bytes.count
    }

    /// True once everything was read.
    public var isAtEnd: Bool { offset == end }

    private var damage: PackedDamage { PackedDamage(offset: offset) }

    /// A whole number, 0 or more.
    public mutating func number() throws(PackedDamage) -> UInt64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard offset < end, shift < 70 else { throw damage }
            let byte = bytes[offset]
            offset += 1
            if shift == 63, byte > 1 { throw damage }
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
    }

    /// A count of things of which each takes at least `bytesEach` bytes.
    public mutating func count(bytesEach: Int = 1) throws(PackedDamage) -> Int {
        let count = try number()
        guard count <= UInt64((end - offset) / max(1, bytesEach)) else { throw damage }
        return Int(count)
    }

    /// An index or another number below `limit`.
    public mutating func index(below limit: Int = 1 << 31) throws(PackedDamage) -> Int {
        let index = try number()
        guard index < UInt64(limit) else { throw damage }
        return Int(index)
    }

    /// A whole number that may be below zero.
    public mutating func signed() throws(PackedDamage) -> Int64 { Self.unfold(try number()) }

    private static func unfold(_ folded: UInt64) -> Int64 { Int64(bitPattern: folded >> 1) ^ -Int64(folded & 1) }

    /// Eight bytes as they are.
    public mutating func fixed() throws(PackedDamage) -> UInt64 {
        guard end - offset >= 8 else { throw damage }
        var number: UInt64 = 0
        for index in 0..<8 { number |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        offset += 8
        return number
    }

    /// A number.
    public mutating func double() throws(PackedDamage) -> Double {
        let head = try number()
        if head == 1 { return Double(bitPattern: try fixed()) }
        guard head & 1 == 0 else { throw damage }
        return Double(Self.unfold(head >> 1))
    }

    /// A text.
    public mutating func text() throws(PackedDamage) -> String {
        let count = try count()
        defer { offset += count }
        return String(decoding: bytes[offset..<offset + count], as: UTF8.self)
    }

    /// Bytes that stand behind their number.
    public mutating func part() throws(PackedDamage) -> [UInt8] {
        let count = try count()
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// Yes or no.
    public mutating func flag() throws(PackedDamage) -> Bool {
        guard offset < end, bytes[offset] < 2 else { throw damage }
        defer { offset += 1 }
        return bytes[offset] == 1
    }
}
