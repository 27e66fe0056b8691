import Glibc

/// A member of a sorted set: next, hash, length, score (8), the member before it (8), levels (4), room (4), the member,
/// and for each level the next member there (8) and how many members further that is (8).
struct SortedLayout: ChainLayout {
    static var keyOffset: Int { 40 }
}

/// A member's block, which is in a ``ChainTable`` by its bytes and in a skip list by its score.
//
// A bare pointer to a block of the layout above; good until the sorted set changes. A level below `levels` is always there.
struct SortedNode: Equatable {
    let base: UnsafeMutableRawPointer

    @inline(__always) var member: UnsafeRawBufferPointer { ChainTable<SortedLayout>.key(base) }
    @inline(__always) var score: Double {
        get { base.load(fromByteOffset: 16, as: Double.self) }
        nonmutating set { base.storeBytes(of: newValue, toByteOffset: 16, as: Double.self) }
    }
    /// The member before it, `nil` for the first.
    @inline(__always) var previous: SortedNode? {
        get { base.load(fromByteOffset: 24, as: UnsafeMutableRawPointer?.self).map { SortedNode(base: $0) } }
        nonmutating set { base.storeBytes(of: newValue?.base, toByteOffset: 24, as: UnsafeMutableRawPointer?.self) }
    }
    /// The member behind it, `nil` for the last.
    @inline(__always) var next: SortedNode? { next(0) }
    @inline(__always) var levels: Int { Int(base.load(fromByteOffset: 32, as: UInt32.self)) }

    @inline(__always)
    private var lanes: UnsafeMutableRawPointer {
        base + SortedLayout.keyOffset + (ChainTable<SortedLayout>.keyCount(base) &+ 7) & ~7
    }

    @inline(__always)
    func next(_ level: Int) -> SortedNode? {
        lanes.load(fromByteOffset: level &* 16, as: UnsafeMutableRawPointer?.self).map { SortedNode(base: $0) }
    }
    @inline(__always)
    func setNext(_ level: Int, _ node: SortedNode?) {
        lanes.storeBytes(of: node?.base, toByteOffset: level &* 16, as: UnsafeMutableRawPointer?.self)
    }
    /// How many members further ``next(_:)`` is; to the end where there is none.
    @inline(__always)
    func span(_ level: Int) -> Int { lanes.load(fromByteOffset: level &* 16 &+ 8, as: Int.self) }
    @inline(__always)
    func setSpan(_ level: Int, _ span: Int) { lanes.storeBytes(of: span, toByteOffset: level &* 16 &+ 8, as: Int.self) }

    @inline(__always)
    static func bytes(_ memberCount: Int, _ levels: Int) -> Int {
        SortedLayout.keyOffset &+ (memberCount &+ 7) & ~7 &+ levels &* 16
    }
    var weight: Int { BlockMemory.weight(Self.bytes(member.count, levels)) }

    /// A node that leads nowhere yet.
    static func make(_ member: UnsafeRawBufferPointer, _ hash: UInt32, _ score: Double, levels: Int) -> SortedNode {
        let node = SortedNode(base: BlockMemory.allocate(bytes(member.count, levels)))
        ChainTable<SortedLayout>.prepare(node.base, member.start, member.count, hash)
        node.base.storeBytes(of: UInt64(levels), toByteOffset: 32, as: UInt64.self)
        node.score = score
        node.previous = nil
        for level in 0..<levels {
            node.setNext(level, nil)
            node.setSpan(level, 0)
        }
        return node
    }

    /// Whether it stands before a member with a score: by score, then by bytes.
    @inline(__always)
    func isBefore(_ score: Double, _ member: UnsafeRawBufferPointer) -> Bool {
        let own = self.score
        if own != score { return own < score }
        return self.member.isBefore(member)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes come before others in the order of their values, shorter ones first.
    @inline(__always)
    func isBefore(_ other: UnsafeRawBufferPointer) -> Bool {
        let order = memcmp(start, other.start, Swift.min(count, other.count))
        return order != 0 ? order < 0 : count < other.count
    }
}
