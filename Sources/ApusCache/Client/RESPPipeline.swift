import Glibc

/// What was sent on a connection and not yet answered, and what each reply answers: the protocol without its socket.
///
/// Commands are written one behind the other and answered in that order. Whoever stops waiting leaves its place, so that the
/// reply, when it comes, is nobody's; a command that was not offered to the socket yet is taken out altogether.
//
// Raw memory with one owner, as the type is not copyable: a command and its reply count no references and allocate nothing
// beside the value.
struct RESPPipeline: ~Copyable {
    /// What came from the server.
    enum Event {
        /// More is needed.
        case incomplete
        /// So many bytes were a reply, which has been handed over.
        case answered(bytes: Int)
        /// So many bytes were what the server says by itself.
        case push(RESPValue, bytes: Int)
        /// A reply to nothing.
        case unasked
        case malformed(RESPError)
    }

    /// A place in the row.
    private struct Slot {
        var waiter = RESPWaiter.nobody
        /// Monotonic nanoseconds.
        var deadline = Int64.max
        /// Where its command begins and ends, counted over the life of the connection.
        var start: UInt64 = 0
        var end: UInt64 = 0
        /// By what name whoever waits can be taken out.
        var name: UInt64 = 0
        /// Replies that are to come; 0 of a command that was taken out.
        var replies: Int32 = 0
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity: UInt64 = 16
    private var lastName: UInt64 = 0
    // Places are numbered over the life of the connection; those awaited are `head ..< tail`.
    private var head: UInt64 = 0
    private var tail: UInt64 = 0
    private var scanner: RESPReplyScanner
    /// Commands that the socket has not taken.
    private var output: RESPBuffer
    private var queuedEnd: UInt64 = 0
    private var sentEnd: UInt64 = 0
    // Behind what the socket was offered: it may have taken that, or TLS holds it already.
    private var offeredEnd: UInt64 = 0

    /// Replies that are awaited, also those that are nobody's any more.
    private(set) var outstanding = 0
    /// Whether arrays are what the server says by itself: a RESP2 connection that subscribes.
    var isListening = false
    /// When the first command since anything was heard ran out of time; monotonic nanoseconds.
    private(set) var silentSince = Int64.max

    init(_ configuration: RESPClientConfiguration) {
        slots = .allocate(capacity: 16)
        slots.initialize(repeating: Slot(), count: 16)
        var limits = RESPLimits()
        limits.bulkBytesMax = configuration.replyBytesMax
        scanner = RESPReplyScanner(limits)
        output = RESPBuffer(capacity: 1024, bytesMax: configuration.unsentBytesMax)
    }

    deinit {
        slots.deinitialize(count: Int(capacity))
        slots.deallocate()
    }

    /// A name for somebody who is going to wait.
    @inline(__always)
    mutating func newName() -> UInt64 {
        lastName &+= 1
        return lastName
    }
    /// How many bytes the socket has not taken.
    @inline(__always) var unsentBytes: Int { output.count }
    /// How many bytes from the next reply's first on are known to be needed.
    @inline(__always) var bytesNeeded: Int { scanner.bytesNeeded }

    @inline(__always)
    private func slot(_ number: UInt64) -> UnsafeMutablePointer<Slot> {
        slots + Int(truncatingIfNeeded: number & (capacity &- 1))
    }

    // MARK: Sending

    /// Puts commands, whose bytes are these, at the end of the row.
    ///
    /// - Parameters:
    ///   - wire: What goes to the server.
    ///   - replies: How many replies it will give; without any, nobody waits.
    ///   - waiter: Who waits for them.
    ///   - name: By what name it can be taken out.
    ///   - deadline: Until when, in monotonic nanoseconds.
    /// - Returns: False where the bytes do not fit; nothing has changed then.
    @inline(__always)
    mutating func append(
        _ wire: [UInt8],
        replies: Int,
        _ waiter: RESPWaiter,
        name: UInt64 = 0,
        deadline: Int64
    ) -> Bool {
        let before = output.count
        output.append(wire)
        if output.isOver {
            output.forgetOverflow(from: before)
            return false
        }
        let start = queuedEnd
        queuedEnd &+= UInt64(truncatingIfNeeded: wire.count)
        if replies == 0 { return true }
        if tail &- head == capacity { grow() }
        let place = slot(tail)
        place.pointee.waiter = waiter
        place.pointee.name = name
        place.pointee.deadline = deadline
        place.pointee.start = start
        place.pointee.end = queuedEnd
        place.pointee.replies = Int32(truncatingIfNeeded: replies)
        tail &+= 1
        outstanding &+= replies
        return true
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<Slot>.allocate(capacity: Int(capacity) * 2)
        larger.initialize(repeating: Slot(), count: Int(capacity) * 2)
        for number in head..<tail { larger[Int(number & (capacity * 2 - 1))] = slot(number).pointee }
        slots.deinitialize(count: Int(capacity))
        slots.deallocate()
        slots = larger
        capacity *= 2
    }

    /// What the socket is to be given now; it counts as offered.
    ///
    /// Good until the next change.
    @inline(__always)
    mutating func offer() -> UnsafeRawBufferPointer {
        offeredEnd = queuedEnd
        return output.bytes
    }

    /// The socket has taken so many bytes.
    @inline(__always)
    mutating func sent(_ bytes: Int) {
        sentEnd &+= UInt64(truncatingIfNeeded: bytes)
        if bytes == output.count { output.removeAll() } else { output.removeFirst(bytes) }
    }

    // MARK: Receiving

    /// Something came: the server lives.
    @inline(__always)
    mutating func heard() { silentSince = .max }

    /// Looks for a reply at `base`, in the `count` bytes that are there, and hands it over.
    @inline(__always)
    mutating func received(_ base: UnsafeRawPointer, _ count: Int) -> Event {
        switch scanner.scan(base, count) {
        case .incomplete: return .incomplete
        case .malformed(let error): return .malformed(error)
        case .complete(let bytes):
            let type = base.load(as: UInt8.self)
            if type == UInt8(ascii: ">") || (isListening && type == UInt8(ascii: "*")) {
                var reader = RESPReplyReader(base)
                return .push(reader.value(), bytes: bytes)
            }
            while head != tail, slot(head).pointee.replies == 0 { head &+= 1 }
            guard head != tail else { return .unasked }
            let place = slot(head)
            place.pointee.replies &-= 1
            outstanding &-= 1
            let isLast = place.pointee.replies == 0
            if isLast { head &+= 1 }
            switch place.pointee.waiter {
            case .nobody: break
            case let waiter:
                var reader = RESPReplyReader(base)
                let value = reader.value()
                if isLast { place.pointee.waiter = .nobody }
                waiter.answer(value)
            }
            return .answered(bytes: bytes)
        }
    }

    // MARK: Giving up

    /// The earliest deadline of those who wait; `Int64.max` without one.
    var deadline: Int64 {
        var earliest = Int64.max
        for number in head..<tail {
            if case .nobody = slot(number).pointee.waiter { continue }
            earliest = min(earliest, slot(number).pointee.deadline)
        }
        return earliest
    }

    /// Takes out whoever waited until now.
    ///
    /// - Returns: They, and whether their commands may have reached the server.
    mutating func expire(at now: Int64) -> [(waiter: RESPWaiter, wasSent: Bool)] {
        var expired: [(RESPWaiter, Bool)] = []
        for number in head..<tail where slot(number).pointee.deadline <= now {
            guard let left = leave(number) else { continue }
            expired.append(left)
            if left.1 { silentSince = min(silentSince, now) }
        }
        compact()
        return expired
    }

    /// Takes out whoever waits under a name, if it still does.
    mutating func cancel(_ name: UInt64) -> (waiter: RESPWaiter, wasSent: Bool)? {
        guard let number = (head..<tail).first(where: { slot($0).pointee.name == name }), let left = leave(number)
        else {
            return nil
        }
        compact()
        return left
    }

    private mutating func leave(_ number: UInt64) -> (RESPWaiter, Bool)? {
        let place = slot(number)
        if case .nobody = place.pointee.waiter { return nil }
        let wasSent = place.pointee.start < offeredEnd
        defer {
            place.pointee.waiter = .nobody
            if !wasSent {
                outstanding -= Int(place.pointee.replies)
                place.pointee.replies = 0
            }
        }
        return (place.pointee.waiter, wasSent)
    }

    /// Takes the bytes of commands that were taken out from between those of the others.
    private mutating func compact() {
        var removed: UInt64 = 0
        let offered = offeredEnd
        for number in head..<tail {
            let place = slot(number)
            let (start, end) = (place.pointee.start, place.pointee.end)
            place.pointee.start = start - removed
            place.pointee.end = end - removed
            guard place.pointee.replies == 0, end > start, start >= offered else { continue }
            place.pointee.end = start - removed
            // What follows moves to where this begins now, behind all that was removed before it.
            let to = Int(start - removed - sentEnd)
            let from = Int(end - removed - sentEnd)
            memmove(output.base + to, output.base + from, output.count - from)
            output.truncate(to: output.count - (from - to))
            removed += end - start
        }
        queuedEnd -= removed
    }

    /// Everybody who waits, in order; the connection is gone, and the next one begins with nothing.
    ///
    /// - Returns: They, and whether their commands may have reached the server.
    mutating func removeAll() -> [(waiter: RESPWaiter, wasSent: Bool)] {
        var left: [(RESPWaiter, Bool)] = []
        for number in head..<tail {
            let place = slot(number)
            if case .nobody = place.pointee.waiter {
            } else {
                left.append((place.pointee.waiter, place.pointee.start < offeredEnd))
            }
            place.pointee.waiter = .nobody
        }
        head = tail
        outstanding = 0
        output.removeAll()
        scanner.reset()
        (sentEnd, offeredEnd) = (queuedEnd, queuedEnd)
        silentSince = .max
        isListening = false
        return left
    }
}
