import Glibc

/// A part of a list: elements packed one behind the other, with free room before, behind, or on both sides.
///
/// The block begins with previous (8), next (8), room (4), where the elements start (4) and end (4), and how many there are
/// (4). An element has its length before it and behind it, so that one can walk both ways: a byte below 254, or 254 and four.
//
// A bare pointer to a block of this layout that its list owns; offsets come from what was written there, never from outside.
struct ListPart: Equatable {
    static let headBytes = 32
    let base: UnsafeMutableRawPointer

    @inline(__always) var previous: ListPart? {
        get { base.load(as: UnsafeMutableRawPointer?.self).map { ListPart(base: $0) } }
        nonmutating set { base.storeBytes(of: newValue?.base, as: UnsafeMutableRawPointer?.self) }
    }
    @inline(__always) var next: ListPart? {
        get { base.load(fromByteOffset: 8, as: UnsafeMutableRawPointer?.self).map { ListPart(base: $0) } }
        nonmutating set { base.storeBytes(of: newValue?.base, toByteOffset: 8, as: UnsafeMutableRawPointer?.self) }
    }
    @inline(__always) var room: Int {
        get { number(16) }
        nonmutating set { set(16, newValue) }
    }
    @inline(__always) var start: Int {
        get { number(20) }
        nonmutating set { set(20, newValue) }
    }
    @inline(__always) var end: Int {
        get { number(24) }
        nonmutating set { set(24, newValue) }
    }
    @inline(__always) var count: Int {
        get { number(28) }
        nonmutating set { set(28, newValue) }
    }
    @inline(__always) var data: UnsafeMutableRawPointer { base + Self.headBytes }
    @inline(__always) var used: Int { end &- start }
    var weight: Int { BlockMemory.weight(Self.headBytes + room) }

    @inline(__always)
    private func number(_ offset: Int) -> Int { Int(base.load(fromByteOffset: offset, as: UInt32.self)) }
    @inline(__always)
    private func set(_ offset: Int, _ value: Int) {
        base.storeBytes(of: UInt32(truncatingIfNeeded: value), toByteOffset: offset, as: UInt32.self)
    }

    /// An empty part whose elements will begin at `start`.
    init(room: Int, start: Int) {
        base = BlockMemory.allocate(Self.headBytes + room)
        previous = nil
        next = nil
        self.room = room
        self.start = start
        end = start
        count = 0
    }

    init(base: UnsafeMutableRawPointer) { self.base = base }

    // MARK: Elements

    /// What an element of `length` bytes takes.
    @inline(__always)
    static func bytes(_ length: Int) -> Int { length &+ (length < 254 ? 2 : 10) }

    /// Writes an element at `offset`.
    @inline(__always)
    func write(_ element: UnsafeRawBufferPointer, at offset: Int) {
        let place = data + offset
        let length = element.count
        if length < 254 {
            place.storeBytes(of: UInt8(truncatingIfNeeded: length), as: UInt8.self)
            memcpy(place + 1, element.start, length)
            place.storeBytes(of: UInt8(truncatingIfNeeded: length), toByteOffset: length &+ 1, as: UInt8.self)
        } else {
            place.storeBytes(of: 254, as: UInt8.self)
            place.storeBytes(of: UInt32(truncatingIfNeeded: length), toByteOffset: 1, as: UInt32.self)
            memcpy(place + 5, element.start, length)
            place.storeBytes(of: UInt32(truncatingIfNeeded: length), toByteOffset: length + 5, as: UInt32.self)
            place.storeBytes(of: 254, toByteOffset: length + 9, as: UInt8.self)
        }
    }

    /// The element that begins at `offset`.
    @inline(__always)
    func element(at offset: Int) -> UnsafeRawBufferPointer {
        let first = data.load(fromByteOffset: offset, as: UInt8.self)
        if first < 254 { return UnsafeRawBufferPointer(start: data + offset + 1, count: Int(first)) }
        let length = data.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self)
        return UnsafeRawBufferPointer(start: data + offset + 5, count: Int(length))
    }

    /// Where the element ends that begins at `offset`.
    @inline(__always)
    func after(_ offset: Int) -> Int { offset &+ Self.bytes(element(at: offset).count) }

    /// Where the element begins that ends at `offset`.
    @inline(__always)
    func before(_ offset: Int) -> Int {
        let last = data.load(fromByteOffset: offset - 1, as: UInt8.self)
        if last < 254 { return offset &- Self.bytes(Int(last)) }
        return offset - Self.bytes(Int(data.loadUnaligned(fromByteOffset: offset - 5, as: UInt32.self)))
    }

    /// Where the element number `index` begins.
    func offset(of index: Int) -> Int {
        if index * 2 <= count {
            var offset = start
            for _ in 0..<index { offset = after(offset) }
            return offset
        }
        var offset = end
        for _ in 0..<count - index { offset = before(offset) }
        return offset
    }
}
