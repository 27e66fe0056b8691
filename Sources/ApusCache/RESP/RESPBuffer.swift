import ApusCore

/// Bytes on their way out, with a bound.
///
/// What would go beyond the bound is not written and ``isOver`` says so: the owner ends the connection then.
//
// Raw memory with one owner, as the type is not copyable: an append counts no references, and after a few messages the
// memory has the size it needs. Every write makes its room first.
struct RESPBuffer: ~Copyable {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    /// How many bytes are written.
    private(set) var count = 0
    /// Most bytes it will hold.
    var bytesMax: Int
    /// More was to be written than fits; what is here is no whole message.
    private(set) var isOver = false

    /// An empty one; it takes memory with the first byte unless `capacity` is given.
    init(capacity: Int = 0, bytesMax: Int) {
        base = .allocate(byteCount: max(capacity, 64), alignment: 16)
        self.capacity = max(capacity, 64)
        self.bytesMax = bytesMax
    }

    deinit { base.deallocate() }

    /// What is written; good until the next change.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Forgets everything, and gives the memory of an unusually long message back.
    mutating func removeAll(keeping kept: Int = 64 << 10) {
        count = 0
        isOver = false
        if capacity > kept { resize(to: max(64, kept)) }
    }

    /// Forgets the first `sent` bytes.
    mutating func removeFirst(_ sent: Int) {
        count &-= sent
        if count > 0 { base.copyMemory(from: base + sent, byteCount: count) }
    }

    /// Forgets everything from `position` on.
    mutating func truncate(to position: Int) { count = position }

    /// Makes room for `more` bytes; false where the bound forbids it.
    @inline(__always)
    mutating func reserve(_ more: Int) -> Bool { count &+ more <= capacity || grow(more) }

    @inline(never)
    private mutating func grow(_ more: Int) -> Bool {
        guard !isOver, count + more <= bytesMax else {
            isOver = true
            return false
        }
        resize(to: max(capacity * 2, count + more))
        return true
    }

    private mutating func resize(to room: Int) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 16)
        memory.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = memory
        capacity = room
    }

    // MARK: Bytes

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        guard reserve(1) else { return }
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ start: UnsafeRawPointer, _ length: Int) {
        guard reserve(length) else { return }
        (base + count).copyMemory(from: start, byteCount: length)
        count &+= length
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if let start = bytes.baseAddress { append(start, bytes.count) }
    }

    mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    mutating func append(_ text: StaticString) { append(UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount) }

    /// Lets `body` write up to `most` bytes and say how many it wrote.
    @inline(__always)
    mutating func append(most: Int, _ body: (UnsafeMutableRawPointer) -> Int) {
        guard reserve(most) else { return }
        count &+= body(base + count)
    }

    /// Appends a number in decimal.
    @inline(__always)
    mutating func append(_ number: Int) {
        append(most: Decimal.digitsMax + 1) { Self.decimal(number, to: $0) }
    }

    /// Counts bytes that were written behind the end, into room that ``reserve(_:)`` made.
    @inline(__always)
    mutating func advance(_ written: Int) { count &+= written }

    @inline(__always)
    mutating func appendLineEnd() {
        guard reserve(2) else { return }
        (base + count).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
        count &+= 2
    }

    /// Moves what was written from `position` on behind a header that was not known before.
    mutating func insert(_ header: borrowing RESPBuffer, at position: Int) {
        let length = header.count
        guard reserve(length) else { return }
        (base + position + length).copyMemory(from: base + position, byteCount: count - position)
        (base + position).copyMemory(from: header.base, byteCount: length)
        count += length
    }
}
