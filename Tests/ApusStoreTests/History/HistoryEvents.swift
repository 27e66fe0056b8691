/// The beginnings and ends of a history's calls in the order of time, as a list that calls are taken out of and put back.
struct HistoryEvents {
    /// Which call begins at an event; `nil` for an end.
    private var beginnings: [Int?] = []
    /// By call: the event at which it begins, and ends.
    private var begins: [Int]
    private var ends: [Int?]
    // The list's head is behind the events.
    private var following: [Int]
    private var preceding: [Int]

    init(_ operations: [HistoryOperation]) {
        var marks: [(time: Int64, isEnd: Bool, operation: Int)] = []
        for (index, operation) in operations.enumerated() {
            marks.append((operation.began, false, index))
            if operation.outcome != .unknown { marks.append((operation.ended, true, index)) }
        }
        // Of two at one time nobody knows which was first: a beginning counts as earlier, which forbids less.
        marks.sort { ($0.time, $0.isEnd ? 1 : 0) < ($1.time, $1.isEnd ? 1 : 0) }
        begins = Array(repeating: 0, count: operations.count)
        ends = Array(repeating: nil, count: operations.count)
        for (event, mark) in marks.enumerated() {
            beginnings.append(mark.isEnd ? nil : mark.operation)
            if mark.isEnd { ends[mark.operation] = event } else { begins[mark.operation] = event }
        }
        let count = marks.count
        following = (0...count).map { $0 == count ? 0 : $0 + 1 }
        preceding = (0...count).map { $0 == 0 ? count : $0 - 1 }
    }

    var first: Int { following[beginnings.count] }

    func next(_ event: Int) -> Int { following[event] }

    /// The call that begins at an event; `nil` for an end, and behind the last event.
    func beginning(_ event: Int) -> Int? { event == beginnings.count ? nil : beginnings[event] }

    func beginning(of operation: Int) -> Int { begins[operation] }

    mutating func take(_ operation: Int) {
        for event in [begins[operation], ends[operation]].compactMap({ $0 }) {
            following[preceding[event]] = following[event]
            preceding[following[event]] = preceding[event]
        }
    }

    /// Undoes the last ``take(_:)`` that is not undone yet.
    mutating func putBack(_ operation: Int) {
        for event in [ends[operation], begins[operation]].compactMap({ $0 }) {
            following[preceding[event]] = event
            preceding[following[event]] = event
        }
    }
}
