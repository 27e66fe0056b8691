// Sound: the block belongs to this value alone (it cannot be copied), is freed once, and every write reserves first.

/// Where values are written: bytes that grow.
///
/// Numbers are little-endian base-128 (LEB128), signed ones in zigzag order, so that small ones take a byte.
public struct WireWriter: ~Copyable {
    @usableFromInline package var base: UnsafeMutableRawPointer
    @usableFromInline var capacity: Int
    @usableFromInline package var end: Int
    /// Bytes written so far.
    @inlinable public var count: Int { end }

    /// An empty writer with room for `capacity` bytes before it grows.
    public init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        self.base = .allocate(byteCount: self.capacity, alignment: 8)
        self.end = 0
    }

    deinit { base.deallocate() }

    /// Forgets what was written, keeps the room up to `bytesMax`.
    package mutating func reset(keeping bytesMax: Int = 64 << 10) {
        end = 0
        if capacity > bytesMax {
            base.deallocate()
            base = .allocate(byteCount: 256, alignment: 8)
            capacity = 256
        }
    }

    /// What was written, valid inside `body`.
    public borrowing func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: end))
    }

    @usableFromInline @inline(never)
    mutating func grow(by extra: Int) {
        let larger = max(capacity * 2, end + extra)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
        moved.copyMemory(from: base, byteCount: end)
        base.deallocate()
        base = moved
        capacity = larger
    }

    @inlinable @inline(__always)
    package mutating func reserve(_ extra: Int) {
        if capacity &- end < extra { grow(by: extra) }
    }

    /// Appends one byte.
    @inlinable @inline(__always)
    public mutating func writeByte(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end &+= 1
    }

    /// Appends an unsigned number in one to ten bytes.
    @inlinable
    public mutating func writeNumber(_ number: UInt64) {
        reserve(10)
        if number < 0x80 {
            base.storeBytes(of: UInt8(truncatingIfNeeded: number), toByteOffset: end, as: UInt8.self)
            end &+= 1
            return
        }
        var rest = number
        while rest >= 0x80 {
            base.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: end, as: UInt8.self)
            end &+= 1
            rest >>= 7
        }
        base.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: end, as: UInt8.self)
        end &+= 1
    }

    /// Appends a signed number in zigzag order.
    @inlinable @inline(__always)
    public mutating func writeSigned(_ number: Int64) {
        writeNumber(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
    }

    /// Appends eight bytes, little-endian.
    @inlinable
    public mutating func writeFixed(_ bits: UInt64) {
        reserve(8)
        base.storeBytes(of: bits.littleEndian, toByteOffset: end, as: UInt64.self)
        end &+= 8
    }

    /// Appends raw bytes without their count.
    @inlinable
    public mutating func writeRaw(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        (base + end).copyMemory(from: start, byteCount: bytes.count)
        end &+= bytes.count
    }

    /// Appends bytes and their count.
    public mutating func writeBytes(_ bytes: [UInt8]) {
        writeNumber(UInt64(bytes.count))
        bytes.withUnsafeBytes { writeRaw($0) }
    }

    /// Appends text: its count of UTF-8 bytes, then the bytes.
    @inlinable
    public mutating func writeText(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            writeNumber(UInt64(utf8.count))
            writeRaw(UnsafeRawBufferPointer(utf8))
        }
    }

    /// Appends any value.
    ///
    /// - Throws: What the value's ``Wire/write(into:)`` throws.
    @inlinable @inline(__always)
    public mutating func write<Value: Wire>(_ value: Value) throws {
        try value.write(into: &self)
    }

    /// Appends what `body` writes behind its length, so that a reader can skip what it does not know.
    ///
    /// - Throws: What `body` throws.
    @inlinable
    public mutating func writeStructure(_ body: (inout WireWriter) throws -> Void) throws {
        let mark = openLength()
        try body(&self)
        closeLength(mark)
    }

    /// Leaves a byte for a length; returns where the content starts.
    @inlinable @inline(__always)
    mutating func openLength() -> Int {
        writeByte(0)
        return end
    }

    /// Fills in the length of what was written since `mark`, moving it where one byte is not enough.
    @inlinable
    mutating func closeLength(_ mark: Int) {
        let length = end &- mark
        if length < 0x80 {
            base.storeBytes(of: UInt8(truncatingIfNeeded: length), toByteOffset: mark &- 1, as: UInt8.self)
        } else {
            widenLength(mark)
        }
    }

    @usableFromInline
    mutating func widenLength(_ mark: Int) {
        let length = end - mark
        var extra = 0
        var rest = length >> 7
        while rest > 0 {
            extra += 1
            rest >>= 7
        }
        reserve(extra)
        (base + mark + extra).copyMemory(from: base + mark, byteCount: length)
        end = mark - 1
        writeNumber(UInt64(length))
        end += length
    }
}
