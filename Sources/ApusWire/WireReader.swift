// Sound: made only inside a scope that keeps the bytes alive (it cannot be copied, and is passed `inout`), and
// every read checks against `limit`, which only ever moves inward or back to where it was.

/// Where values are read from: bytes with an end.
///
/// Nothing is believed: every length is checked against the bytes that are left before anything is allocated,
/// and values nest at most ``depthMax`` deep.
public struct WireReader: ~Copyable {
    /// Most values inside one another.
    public static var depthMax: Int { 64 }

    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline var offset: Int
    @usableFromInline var limit: Int
    @usableFromInline var depth: Int

    /// Reads `bytes`, which must outlive the reader.
    package init(unsafe bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; none is read then.
        self.base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
        self.offset = 0
        self.limit = bytes.count
        self.depth = 0
    }

    /// Bytes left in this structure.
    @inlinable public var remaining: Int { limit &- offset }
    /// True where this structure holds nothing more: a newer field was not sent.
    @inlinable public var isAtEnd: Bool { offset == limit }

    @usableFromInline @inline(never)
    func ended() -> WireError {
        WireError(depth > 0 && offset == limit ? .missingField : .truncated)
    }

    /// Reads one byte.
    @inlinable @inline(__always)
    public mutating func readByte() throws(WireError) -> UInt8 {
        guard offset < limit else { throw ended() }
        let byte = base.load(fromByteOffset: offset, as: UInt8.self)
        offset &+= 1
        return byte
    }

    /// Reads an unsigned number of at most 64 bits.
    @inlinable
    public mutating func readNumber() throws(WireError) -> UInt64 {
        let first = try readByte()
        if first < 0x80 { return UInt64(first) }
        return try readLongNumber(first)
    }

    @usableFromInline
    mutating func readLongNumber(_ first: UInt8) throws(WireError) -> UInt64 {
        var number = UInt64(first & 0x7F)
        var shift: UInt64 = 7
        while true {
            let byte = try readByte()
            guard shift < 63 || byte <= 1 else { throw WireError(.malformedNumber, detail: "more than 64 bits") }
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
    }

    /// Reads a signed number in zigzag order.
    @inlinable @inline(__always)
    public mutating func readSigned() throws(WireError) -> Int64 {
        let bits = try readNumber()
        return Int64(bitPattern: bits >> 1) ^ -Int64(bitPattern: bits & 1)
    }

    /// Reads eight bytes, little-endian.
    @inlinable
    public mutating func readFixed() throws(WireError) -> UInt64 {
        guard remaining >= 8 else { throw ended() }
        let bits = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset &+= 8
        return UInt64(littleEndian: bits)
    }

    /// Reads a length that does not exceed what is left.
    @inlinable @inline(__always)
    public mutating func readLength() throws(WireError) -> Int {
        let length = try readNumber()
        guard length <= UInt64(remaining) else { throw tooLong(length) }
        return Int(truncatingIfNeeded: length)
    }

    @usableFromInline @inline(never)
    func tooLong(_ length: UInt64) -> WireError {
        WireError(.malformedNumber, detail: "a length of \(length), \(remaining) bytes left")
    }

    /// Reads text.
    @inlinable
    public mutating func readText() throws(WireError) -> String {
        let length = try readLength()
        let bytes = UnsafeRawBufferPointer(start: base + offset, count: length)
        let text = bytes.withMemoryRebound(to: UInt8.self) { String(validating: $0, as: UTF8.self) }
        guard let text else { throw WireError(.malformedText, detail: "\(length) bytes") }
        offset &+= length
        return text
    }

    /// Reads bytes and their count.
    public mutating func readBytes() throws(WireError) -> [UInt8] {
        let length = try readLength()
        let bytes = [UInt8](UnsafeRawBufferPointer(start: base + offset, count: length))
        offset &+= length
        return bytes
    }

    /// Reads any value; `field` is what an error will call it.
    ///
    /// - Throws: ``WireError``, with `field` in front of its path.
    @inlinable
    public mutating func read<Value: Wire>(
        _ field: StaticString = "",
        as type: Value.Type = Value.self
    ) throws -> Value {
        do {
            guard depth < WireReader.depthMax else { throw WireError(.tooDeep) }
            depth &+= 1
            let value = try Value(from: &self)
            depth &-= 1
            return value
        } catch {
            throw WireReader.located(error, field)
        }
    }

    @usableFromInline @inline(never)
    static func located(_ error: any Error, _ field: StaticString) -> WireError {
        let error = WireError.of(error)
        return field.utf8CodeUnitCount == 0 ? error : error.under("\(field)")
    }

    /// Reads a structure that ``WireWriter/writeStructure(_:)`` wrote, and skips what `body` left of it.
    ///
    /// - Throws: ``WireError``, or what `body` throws.
    @inlinable
    public mutating func readStructure<Value>(_ body: (inout WireReader) throws -> Value) throws -> Value {
        let outer = try enter()
        let value = try body(&self)
        leave(to: outer)
        return value
    }

    /// Narrows the reader to the structure that starts here; returns the limit to restore.
    @inlinable @inline(__always)
    mutating func enter() throws(WireError) -> Int {
        let length = try readLength()
        guard depth < WireReader.depthMax else { throw WireError(.tooDeep) }
        depth &+= 1
        let outer = limit
        limit = offset &+ length
        return outer
    }

    @inlinable @inline(__always)
    mutating func leave(to outer: Int) {
        offset = limit
        limit = outer
        depth &-= 1
    }

    /// The bytes that are left, valid as long as the reader's own.
    package var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + offset, count: remaining) }
}
