public import CLinux
import ApusCore
import Glibc

/// Memory for counters: every cell exists once a ``ThreadSlot``, a fixed distance apart.
///
/// The memory is reserved from the kernel, never given back, and costs only the pages that are touched. So an instrument
/// may be a bare pointer that stays good for as long as the process lives.
//
// `@unchecked Sendable` is sound because `base` never changes; who may write a cell is said at `Cell`.
final class CellArena: @unchecked Sendable {
    /// Bytes between a cell of one slot and the same cell of the next.
    let stride: Int
    let cellsMax: Int
    private let base: UnsafeMutableRawPointer
    private let used = Lock(0)

    /// Room for `1 << cellsLog2` cells.
    init(cellsLog2: Int) {
        cellsMax = 1 << cellsLog2
        stride = cellsMax * 8
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE)
        let memory = mmap(nil, stride * ThreadSlot.count, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            preconditionFailure("no address space for metrics: errno \(apus_errno())")
        }
        base = memory
    }

    /// `count` cells that lie together, all zero, or `nil` where the arena is full.
    func allocate(_ count: Int) -> Cell? {
        let first: Int? = used.withLock { used in
            guard used + count <= cellsMax else { return nil }
            defer { used += count }
            return used
        }
        return first.map { Cell(base + $0 * 8, stride: stride) }
    }
}

/// A 64-bit number that every thread adds to and anyone reads, without a lock.
///
/// In slots of their own threads add without an atomic operation; in the shared slot with one.
//
// `@unchecked Sendable` is sound because a slot's memory has one writer (or atomic writers, in slot 0), all accesses are
// relaxed atomics in C, and the memory is never freed.
@usableFromInline
struct Cell: @unchecked Sendable {
    @usableFromInline let address: UnsafeMutableRawPointer
    @usableFromInline let stride: Int

    @usableFromInline
    init(_ address: UnsafeMutableRawPointer, stride: Int) {
        self.address = address
        self.stride = stride
    }

    @inlinable
    func pointer(slot: Int, offset: Int = 0) -> UnsafeMutablePointer<UInt64> {
        (address + (slot &* stride &+ offset &* 8)).assumingMemoryBound(to: UInt64.self)
    }

    /// Adds to the cell `offset` places on, modulo 2^64.
    @inlinable
    func add(_ delta: UInt64, offset: Int = 0) {
        let slot = ThreadSlot.current()
        add(delta, offset: offset, slot: slot)
    }

    @inlinable
    func add(_ delta: UInt64, offset: Int, slot: Int) {
        if slot != 0 {
            apus_relaxed_add(pointer(slot: slot, offset: offset), delta)
        } else {
            apus_atomic_add(pointer(slot: 0, offset: offset), delta)
        }
    }

    /// The sum over all slots, modulo 2^64.
    func sum(offset: Int = 0) -> UInt64 {
        var total: UInt64 = 0
        for slot in 0...ThreadSlot.highest {
            total &+= apus_relaxed_load(pointer(slot: slot, offset: offset))
        }
        return total
    }
}
