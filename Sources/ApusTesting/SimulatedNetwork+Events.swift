import ApusCore

/// Something that a simulated network does to a socket at its time.
struct NetworkEvent {
    enum Kind: UInt8 {
        /// A connection request reaches its listener.
        case arrival = 2
        /// A connection is there for its client.
        case connected
        /// Bytes reach the socket.
        case data
        /// The other side has closed.
        case end
        /// The connection breaks.
        case reset
        /// The other side has room again.
        case room
        /// The loop is told what it could not hear before it had taken the socket.
        case report
    }
    var kind: Kind
    var socket: Int32
    var bytes: [UInt8] = []
}

/// What is to come, by time, then by the order in which it was said.
struct EventHeap {
    private struct Entry {
        let time: Instant
        let number: Int
        let event: NetworkEvent
        func isBefore(_ other: Entry) -> Bool {
            time == other.time ? number < other.number : time < other.time
        }
    }
    private var entries: [Entry] = []
    private var count = 0

    var next: Instant? { entries.first?.time }

    mutating func insert(_ event: NetworkEvent, at time: Instant) {
        count += 1
        entries.append(Entry(time: time, number: count, event: event))
        var child = entries.count - 1
        while child > 0, entries[child].isBefore(entries[(child - 1) / 2]) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popDue(at now: Instant) -> NetworkEvent? {
        guard let first = entries.first, first.time <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].isBefore(entries[least]) { least = child }
            }
            if least == parent { return first.event }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
