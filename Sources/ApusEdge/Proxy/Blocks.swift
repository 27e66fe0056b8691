import Glibc

/// Memory that a connection holds only while it has something to keep: part of a head, a request that may have to
/// be sent again, an answer that its client does not take yet.
struct Block {
    /// Room for the largest head that is written and the largest read behind it.
    static let byteCount = EdgeWorker.headRoom + EdgeWorker.readBytes + (8 << 10)
    let base: UnsafeMutableRawPointer
    /// The first byte that is kept.
    var start = 0
    /// Behind the last byte that is kept.
    var end = 0

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + start, count: end - start) }
    var room: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base + end, count: Block.byteCount - end)
    }
    /// Room for bytes that are to be parsed: no more than one read in all, so that what is made of them fits too.
    var parseRoom: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: base + end, count: max(0, EdgeWorker.readBytes - end))
    }
    var isEmpty: Bool { start == end }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        precondition(bytes.count <= Block.byteCount - end, "a block's content has a bound")
        (base + end).copyMemory(from: source, byteCount: bytes.count)
        end += bytes.count
    }

    /// Moves what is kept to the beginning.
    mutating func compact() {
        if start == 0 { return }
        memmove(base, base + start, end - start)
        end -= start
        start = 0
    }
}

/// A loop's spare blocks, last in, first out; a bounded number.
struct BlockPool {
    private var spare: [UnsafeMutableRawPointer] = []
    private static let spareMax = 256

    mutating func take() -> Block {
        Block(base: spare.popLast() ?? .allocate(byteCount: Block.byteCount, alignment: 16))
    }

    mutating func give(_ block: inout Block?) {
        guard let base = block?.base else { return }
        block = nil
        if spare.count < Self.spareMax { spare.append(base) } else { base.deallocate() }
    }

    mutating func deallocate() {
        for base in spare { base.deallocate() }
        spare = []
    }
}
