import ApusCore

/// Deadlines of channels, kept lazily: moving one later is a store, not a re-sort.
///
/// A channel sits in the slot of the deadline it was armed for. When that slot comes up the channel's real deadline
/// is looked at: due, it is reported; later, the channel moves on. So a kept-alive connection that serves
/// thousands of requests before its idle limit touches the wheel once every half minute.
///
/// - SeeAlso: Varghese and Lauck, "Hashed and hierarchical timing wheels", SOSP 1987, scheme 5.
struct DeadlineWheel: ~Copyable {
    static let slotCount = 512
    /// 64 ms: the grain of socket deadlines, which fire up to this much late.
    static let tick: Int64 = 1 << 26

    private let slots: UnsafeMutablePointer<UnsafeMutablePointer<ChannelState>?>
    private var occupied = InlineArray<8, UInt64>(repeating: 0)
    /// The last tick that was looked at.
    private var current: Int64

    init(now: Int64) {
        slots = .allocate(capacity: Self.slotCount)
        slots.initialize(repeating: nil, count: Self.slotCount)
        current = now / Self.tick
    }

    deinit { slots.deallocate() }

    /// Makes sure the channel is looked at no later than its deadline.
    @inline(__always)
    mutating func arm(_ state: UnsafeMutablePointer<ChannelState>) {
        if state.pointee.armedFor <= state.pointee.deadline { return }
        insert(state)
    }

    private mutating func insert(_ state: UnsafeMutablePointer<ChannelState>) {
        disarm(state)
        let deadline = state.pointee.deadline
        if deadline == .max { return }
        let wanted = deadline / Self.tick + 1
        let tick = min(max(wanted, current + 1), current + Int64(Self.slotCount) - 1)
        let slot = Int(tick) & (Self.slotCount - 1)
        state.pointee.armedFor = deadline
        state.pointee.wheelSlot = Int32(slot)
        state.pointee.previous = nil
        state.pointee.next = slots[slot]
        slots[slot]?.pointee.previous = state
        slots[slot] = state
        occupied[slot >> 6] |= 1 << UInt64(slot & 63)
    }

    mutating func disarm(_ state: UnsafeMutablePointer<ChannelState>) {
        let slot = Int(state.pointee.wheelSlot)
        guard slot >= 0 else { return }
        if let previous = state.pointee.previous {
            previous.pointee.next = state.pointee.next
        } else {
            slots[slot] = state.pointee.next
            if state.pointee.next == nil { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
        }
        state.pointee.next?.pointee.previous = state.pointee.previous
        state.pointee.previous = nil
        state.pointee.next = nil
        state.pointee.wheelSlot = -1
        state.pointee.armedFor = .max
    }

    /// When the wheel wants to be looked at next, or `.max` while nothing is armed.
    func nextLook() -> Int64 {
        // Whole words of the bitmap, starting with the slots after the current one and coming round to it.
        let start = Int(current + 1) & (Self.slotCount - 1)
        for step in 0...8 {
            let word = ((start >> 6) + step) & 7
            var bits = occupied[word]
            if step == 0 { bits &= ~0 << UInt64(start & 63) }
            if step == 8 { bits &= ~(~0 << UInt64(start & 63)) }
            if bits == 0 { continue }
            let slot = word << 6 + bits.trailingZeroBitCount
            return (current + 1 + Int64((slot - start) & (Self.slotCount - 1))) * Self.tick
        }
        return .max
    }

    /// True when a tick has passed since the last look.
    @inline(__always)
    func isDue(at now: Int64) -> Bool { now >= (current + 1) * Self.tick }

    /// Moves to `now` and collects each channel whose deadline has come; whoever is told may arm it again.
    mutating func advance(to now: Int64, due: inout [UnsafeMutablePointer<ChannelState>]) {
        let target = now / Self.tick
        if target <= current { return }
        let steps = min(target - current, Int64(Self.slotCount))
        let first = current + 1
        current = target
        for step in 0..<steps {
            let slot = Int(first + step) & (Self.slotCount - 1)
            var cursor = slots[slot]
            slots[slot] = nil
            occupied[slot >> 6] &= ~(1 << UInt64(slot & 63))
            while let state = cursor {
                cursor = state.pointee.next
                state.pointee.previous = nil
                state.pointee.next = nil
                state.pointee.wheelSlot = -1
                state.pointee.armedFor = .max
                if state.pointee.deadline <= now {
                    due.append(state)
                } else {
                    insert(state)
                }
            }
        }
    }
}
