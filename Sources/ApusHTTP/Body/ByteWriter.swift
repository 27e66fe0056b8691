import ApusCore

/// A growing run of bytes that is written front to back: heads, JSON, HTML.
///
/// Not copyable, so its memory has one owner and an append counts no references; after a few messages it has the size it
/// needs and allocates no more. Empty it with ``removeAll()`` and use it again.
public struct ByteWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer
    @usableFromInline var filled = 0
    /// How many bytes are written.
    @inlinable
    public var count: Int { filled }
    @usableFromInline var room: Int
    /// How many bytes fit before it grows.
    @inlinable
    public var capacity: Int { room }

    /// An empty writer with room for `capacity` bytes.
    public init(capacity: Int = 4096) {
        room = max(capacity, 64)
        base = .allocate(byteCount: room, alignment: 16)
    }

    deinit { base.deallocate() }

    /// What is written; good until the next change.
    @inlinable
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// A copy of what is written, as text; invalid UTF-8 replaced.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Forgets what is written and keeps the memory.
    @inlinable
    public mutating func removeAll() { filled = 0 }

    /// Forgets everything from `count` on; `count` is at most ``count``.
    @inlinable
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= filled, "a writer cannot be cut beyond its end")
        filled = count
    }

    /// Makes room for `more` bytes.
    @inlinable
    @inline(__always)
    public mutating func reserve(_ more: Int) {
        if room &- filled < more { grow(more) }
    }

    @usableFromInline
    @inline(never)
    mutating func grow(_ more: Int) {
        let wanted = max(room * 2, count + more)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        memory.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = memory
        room = wanted
    }

    /// Lets `body` write up to `most` bytes at the end and say how many it wrote.
    @inlinable
    @inline(__always)
    public mutating func append<Failure: Error>(
        most: Int,
        _ body: (UnsafeMutableRawPointer) throws(Failure) -> Int
    ) throws(Failure) {
        reserve(most)
        let written = try body(base + count)
        precondition(written >= 0 && written <= most, "more bytes were written than asked for")
        filled &+= written
    }

    /// Appends one byte.
    @inlinable
    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        filled &+= 1
    }

    /// Appends text known when the program was built.
    @inlinable
    @inline(__always)
    public mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a copy of `bytes`.
    @inlinable
    @inline(__always)
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        filled &+= bytes.count
    }

    /// Appends a copy of `bytes`.
    @inlinable
    public mutating func append(bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends the UTF-8 of `string`; allocates nothing.
    public mutating func append(string: String) {
        let done: Void? = string.utf8.withContiguousStorageIfAvailable { append(UnsafeRawBufferPointer($0)) }
        if done == nil { for byte in string.utf8 { append(byte) } }
    }

    /// Appends `number` in decimal.
    public mutating func append(decimal number: Int) {
        if number < 0 { append(UInt8(ascii: "-")) }
        append(decimal: UInt64(number.magnitude))
    }

    /// Appends `number` in decimal.
    public mutating func append(decimal number: UInt64) {
        reserve(Decimal.digitsMax)
        filled &+= Decimal.write(number, to: base + filled)
    }

    /// Appends `number` in decimal with at least two digits.
    mutating func append(twoDigits number: Int) {
        append(UInt8(truncatingIfNeeded: 0x30 &+ number / 10 % 10))
        append(UInt8(truncatingIfNeeded: 0x30 &+ number % 10))
    }

    /// Appends a field line: name, colon, space, value, CR LF.
    ///
    /// The value must be free of control characters.
    @inlinable
    @inline(__always)
    public mutating func append(field name: HeaderName, _ value: StaticString) {
        append(name.spelling)
        append(": ")
        append(value)
        append("\r\n")
    }
}
