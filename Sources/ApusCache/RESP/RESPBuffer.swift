import ApusCore

/// Bytes on their way out, with a bound.
///
/// What would go beyond the bound is not written and ``isOver`` says so: the owner ends the connection then.
//
// Raw memory with one owner, as the type is not copyable: an append counts no references, and after a few messages the
// memory has the size it needs. Every write makes its room first.
struct RESPBuffer: ~Copyable {
    private var memory: UnsafeMutableRawPointer
    /// Bytes of its memory.
    private(set) var capacity: Int
    private var start = 0
    private var end = 0
    /// Most bytes it will hold.
    var bytesMax: Int
    /// More was to be written than fits; what is here is no whole message.
    private(set) var isOver = false

    /// An empty one; it takes little memory until something is written unless `capacity` is given.
    init(capacity: Int = 0, bytesMax: Int) {
        memory = .allocate(byteCount: max(capacity, 64), alignment: 16)
        self.capacity = max(capacity, 64)
        self.bytesMax = bytesMax
    }

    deinit { memory.deallocate() }

    /// How many bytes are held.
    @inline(__always) var count: Int { end &- start }
    /// Where the first byte is; good until the next change.
    @inline(__always) var base: UnsafeMutableRawPointer { memory + start }
    /// What is held; good until the next change.
    @inline(__always) var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
    /// Room behind the last byte, for a reader that then calls ``advance(_:)``; good until the next change.
    var room: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: memory + end, count: capacity - end)
    }

    /// Forgets everything, and gives the memory of an unusually long message back.
    @inline(__always)
    mutating func removeAll(keeping kept: Int = 64 << 10) {
        start = 0
        end = 0
        isOver = false
        if capacity > kept { resize(to: max(64, kept)) }
    }

    /// Forgets the first `sent` bytes.
    mutating func removeFirst(_ sent: Int) { start &+= sent }

    /// Forgets everything behind the first `count` bytes.
    mutating func truncate(to count: Int) { end = start &+ count }

    /// Forgets the message that did not fit, which began at `position`.
    mutating func forgetOverflow(from position: Int) {
        truncate(to: position)
        isOver = false
    }

    /// Makes room for `more` bytes; false where the bound forbids it.
    @inline(__always)
    mutating func reserve(_ more: Int) -> Bool { end &+ more <= capacity || grow(more) }

    @inline(never)
    private mutating func grow(_ more: Int) -> Bool {
        guard !isOver, count + more <= bytesMax else {
            isOver = true
            return false
        }
        if count + more <= capacity / 2 {
            // What was forgotten in front makes room enough.
            memory.copyMemory(from: base, byteCount: count)
            end = count
            start = 0
        } else {
            resize(to: max(capacity * 2, count + more))
        }
        return true
    }

    private mutating func resize(to room: Int) {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        memory.deallocate()
        memory = larger
        end = count
        start = 0
        capacity = room
    }

    // MARK: Bytes

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        guard reserve(1) else { return }
        memory.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end &+= 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawPointer, _ length: Int) {
        guard reserve(length) else { return }
        (memory + end).copyMemory(from: bytes, byteCount: length)
        end &+= length
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if let first = bytes.baseAddress { append(first, bytes.count) }
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
        end &+= body(memory + end)
    }

    /// Appends a number in decimal.
    @inline(__always)
    mutating func append(_ number: Int) {
        append(most: Decimal.digitsMax + 1) { Self.decimal(number, to: $0) }
    }

    /// Counts bytes that were written behind the end, into room that ``reserve(_:)`` made.
    @inline(__always)
    mutating func advance(_ written: Int) { end &+= written }

    @inline(__always)
    mutating func appendLineEnd() {
        guard reserve(2) else { return }
        (memory + end).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
        end &+= 2
    }

    /// Moves what was written from `position` on behind a header that was not known before.
    mutating func insert(_ header: borrowing RESPBuffer, at position: Int) {
        let length = header.count
        guard reserve(length) else { return }
        (base + position + length).copyMemory(from: base + position, byteCount: count - position)
        (base + position).copyMemory(from: header.base, byteCount: length)
        end += length
    }
}
