package import ApusCore

/// Names one timer of a ``TimerHeap``; stale names are harmless.
package struct TimerID: Sendable, Hashable {
    let slot: Int32
    let generation: UInt32
}

/// Timers in the order they are due: a binary heap whose entries can be cancelled by name.
///
/// A value apart from any clock: the owner asks what is due at a time it names.
/// Timers of the same instant fire in the order they were set.
package struct TimerHeap<Payload>: ~Copyable {
    private struct Entry {
        var deadline: Int64
        var sequence: UInt64
        var slot: Int32
    }
    private struct Slot {
        var payload: Payload?
        var generation: UInt32 = 0
        var position: Int32 = -1
    }
    private var heap: [Entry] = []
    private var slots: [Slot] = []
    private var free: [Int32] = []
    private var sequence: UInt64 = 0

    /// An empty heap.
    package init() {}

    /// How many timers are set.
    package var count: Int { heap.count }

    /// When the first timer is due.
    package var next: Instant? { heap.first.map { Instant(nanoseconds: $0.deadline) } }

    /// Sets a timer.
    ///
    /// O(log n).
    package mutating func insert(_ payload: Payload, at deadline: Instant) -> TimerID {
        let slot = free.popLast() ?? Int32(slots.count)
        if slot == slots.count { slots.append(Slot()) }
        slots[Int(slot)].payload = payload
        slots[Int(slot)].position = Int32(heap.count)
        heap.append(Entry(deadline: deadline.nanoseconds, sequence: sequence, slot: slot))
        sequence += 1
        siftUp(heap.count - 1)
        return TimerID(slot: slot, generation: slots[Int(slot)].generation)
    }

    /// Takes a timer back and returns what it held, or `nil` if it fired or was cancelled before.
    ///
    /// O(log n).
    package mutating func remove(_ id: TimerID) -> Payload? {
        guard id.slot < slots.count, slots[Int(id.slot)].generation == id.generation else { return nil }
        let position = Int(slots[Int(id.slot)].position)
        guard position >= 0 else { return nil }
        return take(at: position)
    }

    /// The first timer that is due at `now`, taken out.
    package mutating func popDue(at now: Instant) -> Payload? {
        guard let first = heap.first, first.deadline <= now.nanoseconds else { return nil }
        return take(at: 0)
    }

    private mutating func take(at position: Int) -> Payload? {
        let slot = Int(heap[position].slot)
        let payload = slots[slot].payload
        slots[slot].payload = nil
        slots[slot].position = -1
        slots[slot].generation &+= 1
        free.append(Int32(slot))
        let last = heap.removeLast()
        if position < heap.count {
            heap[position] = last
            slots[Int(last.slot)].position = Int32(position)
            siftDown(position)
            siftUp(position)
        }
        return payload
    }

    private func precedes(_ left: Entry, _ right: Entry) -> Bool {
        left.deadline != right.deadline ? left.deadline < right.deadline : left.sequence < right.sequence
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        heap.swapAt(left, right)
        slots[Int(heap[left].slot)].position = Int32(left)
        slots[Int(heap[right].slot)].position = Int32(right)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0, precedes(heap[index], heap[(index - 1) / 2]) {
            swap(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var smallest = index
            for child in [index * 2 + 1, index * 2 + 2]
            where child < heap.count && precedes(heap[child], heap[smallest]) {
                smallest = child
            }
            if smallest == index { return }
            swap(index, smallest)
            index = smallest
        }
    }
}
