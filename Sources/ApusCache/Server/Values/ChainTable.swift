import CLinux
import Glibc

/// Where an entry of a ``ChainTable`` has its parts.
///
/// Every entry is one block of memory that begins with the next entry of its chain (8 bytes), the hash of its key (4) and
/// the key's length (4). What follows is the owner's, and the key is somewhere behind it.
protocol ChainLayout {
    /// The offset of the key's first byte.
    static var keyOffset: Int { get }
}

/// A hash table of blocks that hold key and value together: one look into the table, one into the block.
///
/// A chain holds the keys whose hashes begin alike, and chains stand in the order of the hashes. So a table that grows or
/// shrinks is filled from one end, a little with each insertion, and for each key one of the two tables has it; and a scan
/// is a walk along the hashes: it needs no memory, and whatever is there from its beginning to its end is seen exactly once,
/// though the table grows and shrinks meanwhile.
///
/// The table owns the array of chains; the blocks are the owner's to allocate and free.
//
// Raw memory, so that a look-up counts no references and checks no bounds: an index is a hash's leading bits, of which there
// are as many as chains. It has one owner, as the type is not copyable.
struct ChainTable<Layout: ChainLayout>: ~Copyable {
    typealias Block = UnsafeMutableRawPointer
    typealias Link = UnsafeMutablePointer<UnsafeMutableRawPointer?>

    /// Entries in the table.
    private(set) var count = 0
    private var chains: Link
    // A hash shifted by this is its chain's index.
    private var shift: UInt32
    // The array that is being filled, while `boundary` is above zero; hashes below it are there.
    private var target: Link
    private var targetShift: UInt32
    private var boundary: UInt64 = 0
    private static var bitsMin: UInt32 { 2 }

    init() {
        shift = 32 - Self.bitsMin
        chains = Self.array(shift)
        target = chains
        targetShift = shift
    }

    deinit {
        if isMoving { free(target) }
        free(chains)
    }

    private var isMoving: Bool { target != chains }

    private static func array(_ shift: UInt32) -> Link {
        // Zeroed lazily by the kernel where it is large.
        guard let memory = calloc(1 << Int(32 - shift), MemoryLayout<UnsafeMutableRawPointer?>.stride) else {
            preconditionFailure("out of memory for a table of 2^\(32 - shift) chains")
        }
        return memory.assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
    }

    /// The memory of the arrays, in bytes.
    var arrayBytes: Int { 8 << Int(32 - shift) + (isMoving ? 8 << Int(32 - targetShift) : 0) }

    // MARK: Blocks

    @inline(__always)
    static func hash(_ block: Block) -> UInt32 { block.load(fromByteOffset: 8, as: UInt32.self) }
    @inline(__always)
    static func keyCount(_ block: Block) -> Int { Int(block.load(fromByteOffset: 12, as: UInt32.self)) }
    @inline(__always)
    static func key(_ block: Block) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: block + Layout.keyOffset, count: keyCount(block))
    }

    @inline(__always)
    private static func next(_ block: Block) -> Link { block.assumingMemoryBound(to: UnsafeMutableRawPointer?.self) }

    /// Writes what every block begins with, and its key.
    @inline(__always)
    static func prepare(_ block: Block, _ key: UnsafeRawPointer, _ keyCount: Int, _ hash: UInt32) {
        block.storeBytes(of: hash, toByteOffset: 8, as: UInt32.self)
        block.storeBytes(of: UInt32(truncatingIfNeeded: keyCount), toByteOffset: 12, as: UInt32.self)
        (block + Layout.keyOffset).copyMemory(from: key, byteCount: keyCount)
    }

    // MARK: Looking up

    @inline(__always)
    private func chain(_ hash: UInt32) -> Link {
        UInt64(hash) < boundary ? target + Int(hash &>> targetShift) : chains + Int(hash &>> shift)
    }

    /// The link to the block of a key; its pointee is `nil` where there is none.
    @inline(__always)
    func find(_ key: UnsafeRawPointer, _ keyCount: Int, _ hash: UInt32) -> Link {
        var link = chain(hash)
        while let block = link.pointee {
            if Self.hash(block) == hash, Self.keyCount(block) == keyCount,
                memcmp(block + Layout.keyOffset, key, keyCount) == 0
            {
                return link
            }
            link = Self.next(block)
        }
        return link
    }

    /// Has the processor fetch where a hash's chain begins.
    @inline(__always)
    func fetchChain(_ hash: UInt32) { apus_prefetch(chain(hash)) }

    /// Has the processor fetch the first block of a hash's chain, of which the beginning is there.
    @inline(__always)
    func fetchBlock(_ hash: UInt32) {
        guard let block = chain(hash).pointee else { return }
        apus_prefetch(block)
        apus_prefetch(block + 64)
    }

    /// The link to a block that is in the table.
    func link(to block: Block) -> Link {
        var link = chain(Self.hash(block))
        while let other = link.pointee, other != block { link = Self.next(other) }
        return link
    }

    // MARK: Changing

    /// Puts a block in whose key is not there.
    @inline(__always)
    mutating func insert(_ block: Block) {
        let link = chain(Self.hash(block))
        Self.next(block).pointee = link.pointee
        link.pointee = block
        count &+= 1
        if isMoving {
            move(chains: 2)
        } else if count > 1 &<< Int(32 &- shift) {
            beginMoving(to: shift - 1)
        }
    }

    /// Takes the block out that `link` leads to.
    mutating func remove(_ link: Link) {
        guard let block = link.pointee else { return }
        link.pointee = Self.next(block).pointee
        count &-= 1
        if isMoving {
            move(chains: 2)
        } else if shift < 32 - Self.bitsMin, count < (1 << Int(32 - shift)) / 8 {
            beginMoving(to: shift + 1)
        }
    }

    /// Puts another block with the same key in the place of the one that `link` leads to.
    @inline(__always)
    mutating func replace(_ link: Link, with block: Block) {
        guard let old = link.pointee else { return }
        Self.next(block).pointee = Self.next(old).pointee
        link.pointee = block
    }

    /// Says that a block has moved in memory, its content unchanged.
    @inline(__always)
    mutating func relink(_ link: Link, to block: Block) { link.pointee = block }

    // MARK: Growing and shrinking

    private mutating func beginMoving(to wanted: UInt32) {
        guard wanted > 0 else { return }
        target = Self.array(wanted)
        targetShift = wanted
        boundary = 0
        move(chains: 2)
    }

    /// Moves the next chains over; ends the move with the last one.
    private mutating func move(chains wanted: Int) {
        var left = wanted
        while left > 0, isMoving {
            let source = chains + Int(boundary >> UInt64(shift))
            boundary += 1 << UInt64(shift)
            var rest = source.pointee
            source.pointee = nil
            while let block = rest {
                rest = Self.next(block).pointee
                let link = target + Int(Self.hash(block) >> targetShift)
                Self.next(block).pointee = link.pointee
                link.pointee = block
            }
            left -= 1
            if boundary == 1 << 32 {
                free(chains)
                chains = target
                shift = targetShift
                boundary = 0
            }
        }
    }

    // MARK: Walking

    /// Where a chain lies: its first block and the first hash behind it.
    private func chain(at position: UInt64) -> (link: Link, end: UInt64) {
        if position < boundary {
            let index = position >> UInt64(targetShift)
            return (target + Int(index), min((index + 1) << UInt64(targetShift), boundary))
        }
        let index = position >> UInt64(shift)
        return (chains + Int(index), (index + 1) << UInt64(shift))
    }

    /// Calls `body` with the blocks of at least `wanted` entries from `position` on, or of as many as a hundred times as
    /// many chains hold.
    ///
    /// - Returns: Where to go on; 0 at the end.
    func scan(from position: UInt64, wanted: Int, _ body: (Block) -> Void) -> UInt64 {
        var position = position
        var (seen, chainsLeft) = (0, max(1, min(wanted, 1 << 20)) * 10)
        while position < 1 << 32, seen < wanted, chainsLeft > 0 {
            let (link, end) = chain(at: position)
            var next = link.pointee
            while let block = next {
                next = Self.next(block).pointee
                // A shrunken table's chain has what was seen already.
                if UInt64(Self.hash(block)) >= position, UInt64(Self.hash(block)) < end {
                    body(block)
                    seen += 1
                }
            }
            position = end
            chainsLeft -= 1
        }
        return position < 1 << 32 ? position : 0
    }

    /// Calls `body` with every block, in the order of their hashes; `body` may free it.
    func forEach(_ body: (Block) -> Void) {
        var position: UInt64 = 0
        while position < 1 << 32 {
            let (link, end) = chain(at: position)
            var next = link.pointee
            while let block = next {
                next = Self.next(block).pointee
                if UInt64(Self.hash(block)) >= position, UInt64(Self.hash(block)) < end { body(block) }
            }
            position = end
        }
    }

    /// Any block, each about as likely as any other; `nil` where there is none.
    func random(_ random: inout some RandomNumberGenerator) -> Block? {
        guard count > 0 else { return nil }
        // A place of a chain is drawn as if all chains were that long, and drawn again where there is none. In a chain that
        // is longer, which is rare, all have a chance, if a smaller one.
        let usual = 8
        while true {
            let (link, _) = chain(at: UInt64(UInt32(truncatingIfNeeded: random.next())))
            var length = 0
            var next = link.pointee
            while let block = next {
                length += 1
                next = Self.next(block).pointee
            }
            var place = Int(random.next() % UInt64(max(length, usual)))
            next = link.pointee
            while let block = next {
                if place == 0 { return block }
                place -= 1
                next = Self.next(block).pointee
            }
        }
    }

    /// Forgets all blocks, which the owner has freed.
    mutating func removeAll() {
        if isMoving { free(target) }
        free(chains)
        shift = 32 - Self.bitsMin
        chains = Self.array(shift)
        target = chains
        targetShift = shift
        boundary = 0
        count = 0
    }
}
