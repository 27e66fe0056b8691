import ApusWire

/// A caller that waits for its answer.
///
/// The answer is read where it arrives, so that its bytes need not be kept for a task that runs later.
class PendingCall {
    func succeed(_ reader: inout WireReader) {}
    func fail(_ error: any Error) {}
}

/// A caller that waits for an answer of one type.
final class TypedCall<Result: Wire>: PendingCall {
    private let continuation: UnsafeContinuation<Result, any Error>

    init(_ continuation: UnsafeContinuation<Result, any Error>) { self.continuation = continuation }

    override func succeed(_ reader: inout WireReader) {
        do {
            let result = try reader.read(as: Result.self)
            continuation.resume(returning: result)
        } catch {
            continuation.resume(throwing: CallError(.unreadable, wasSent: true, detail: "the answer", cause: error))
        }
    }

    override func fail(_ error: any Error) { continuation.resume(throwing: error) }
}

/// The calls under way on one connection, by a number that names a slot and the slot's life.
struct CallSlab {
    private struct Slot {
        var call: PendingCall?
        var life: UInt64 = 0
        var deadline = Int64.max
        /// Where the call's frame begins in the connection's life.
        var start: UInt64 = 0
        var next = -1
    }
    /// One call that ended.
    struct Ended {
        let call: PendingCall
        let start: UInt64
        let number: UInt64
    }
    private static let slotBits: UInt64 = 16
    private var slots: [Slot] = []
    private var free = -1
    /// Calls under way.
    private(set) var count = 0

    /// Takes a call in; its number is how ``end(_:)`` and the wire name it.
    ///
    /// At most 65,536 at a time.
    mutating func begin(_ call: PendingCall, deadline: Int64, start: UInt64) -> UInt64 {
        let index: Int
        if free >= 0 {
            index = free
            free = slots[index].next
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].call = call
        slots[index].deadline = deadline
        slots[index].start = start
        count += 1
        return slots[index].life << Self.slotBits | UInt64(index)
    }

    /// Takes a call out; `nil` where it has ended before.
    mutating func end(_ number: UInt64) -> Ended? {
        let index = Int(number & (1 << Self.slotBits - 1))
        guard index < slots.count, slots[index].life == number >> Self.slotBits else { return nil }
        guard let call = slots[index].call else { return nil }
        slots[index].call = nil
        slots[index].life += 1
        slots[index].next = free
        free = index
        count -= 1
        return Ended(call: call, start: slots[index].start, number: number)
    }

    /// Takes out the calls whose deadline has come; `earliest` becomes the nearest deadline of the others.
    mutating func endDue(_ now: Int64, earliest: inout Int64) -> [Ended] {
        var due: [Ended] = []
        earliest = .max
        for index in slots.indices where slots[index].call != nil {
            if slots[index].deadline <= now {
                if let ended = end(slots[index].life << Self.slotBits | UInt64(index)) { due.append(ended) }
            } else {
                earliest = min(earliest, slots[index].deadline)
            }
        }
        return due
    }

    /// Takes all calls out.
    mutating func endAll() -> [Ended] {
        var unused = Int64.max
        return endDue(.max, earliest: &unused)
    }
}
