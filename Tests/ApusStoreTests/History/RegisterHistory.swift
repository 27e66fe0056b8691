/// All that was asked of one key, and whether one order of it explains every answer.
///
/// A history is linearizable where each call can be given one moment between its beginning and its end, such that each
/// answer is right for the calls in the order of their moments. Found by the search of Wing and Gong, which tries one
/// call after the other among those that may come next and goes back where none fits; by Lowe's memory of what was
/// tried, a set of calls that leads to a value which it has led to before is not tried again.
///
/// - SeeAlso: Wing, Gong, "Testing and verifying concurrent objects", Journal of Parallel and Distributed Computing 17,
///   1993; Lowe, "Testing for linearizability", Concurrency and Computation: Practice and Experience 29(4), 2017.
struct RegisterHistory: Sendable {
    enum Verdict: Sendable, Equatable {
        case linearizable
        /// Too many ways to try them all; says nothing.
        case undecided
        case violated
    }

    /// Sets of calls with the value they lead to that are remembered, at most.
    static let configurationsMax = 500_000

    /// By when they began.
    let operations: [HistoryOperation]
    /// What was there before anybody asked.
    let initial: Int

    init(_ operations: [HistoryOperation], initial: Int = 0) {
        // A read without an answer has said nothing.
        self.operations = operations.filter { $0.call != .read || $0.outcome != .unknown }.sorted {
            $0.began < $1.began
        }
        self.initial = initial
    }

    /// A set of calls that have been given their moments, and what is there after them.
    private struct Configuration: Hashable {
        var done: [UInt64]
        var value: Int

        mutating func set(_ index: Int, _ isDone: Bool) {
            let bit = UInt64(1) << (index & 63)
            if isDone { done[index >> 6] |= bit } else { done[index >> 6] &= ~bit }
        }
    }

    func verdict(configurationsMax: Int = Self.configurationsMax) -> Verdict {
        var events = HistoryEvents(operations)
        var now = Configuration(done: Array(repeating: 0, count: operations.count / 64 + 1), value: initial)
        var known: Set<Configuration> = []
        var chosen: [(operation: Int, before: Int)] = []
        var answersLeft = operations.count { $0.outcome != .unknown }
        var event = events.first
        // What nobody has an answer to need not have been done.
        while answersLeft > 0 {
            guard let operation = events.beginning(event) else {
                // This answer comes before the end of all that is left: what was chosen last was wrong.
                guard let last = chosen.popLast() else { return .violated }
                now.set(last.operation, false)
                now.value = last.before
                events.putBack(last.operation)
                if operations[last.operation].outcome != .unknown { answersLeft += 1 }
                event = events.next(events.beginning(of: last.operation))
                continue
            }
            let isUnknown = operations[operation].outcome == .unknown
            let value = operations[operation].next(after: now.value)
            // One that changes nothing and has no answer explains nothing either.
            if let value, !isUnknown || value != now.value {
                var then = now
                then.set(operation, true)
                then.value = value
                if known.insert(then).inserted {
                    if known.count > configurationsMax { return .undecided }
                    chosen.append((operation, now.value))
                    now = then
                    events.take(operation)
                    if !isUnknown { answersLeft -= 1 }
                    event = events.first
                    continue
                }
            }
            event = events.next(event)
        }
        return .linearizable
    }

    // MARK: What is wrong

    /// The shortest beginning of the history that no order explains, without what it can do without; empty where there
    /// is none.
    func smallestViolation() -> [HistoryOperation] {
        guard verdict() == .violated else { return [] }
        let answers = operations.filter { $0.outcome != .unknown }.map(\.ended).sorted()
        // Every beginning of a history that can be explained can be explained too.
        var (low, high) = (0, answers.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if RegisterHistory(beginning(until: answers[middle]), initial: initial).verdict() == .violated {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return withoutBystanders(beginning(until: answers[low]))
    }

    /// The history as it looked at a moment.
    private func beginning(until moment: Int64) -> [HistoryOperation] {
        operations.compactMap { operation in
            guard operation.began <= moment else { return nil }
            if operation.ended <= moment { return operation }
            return operation.call == .read ? nil : operation.underway
        }
    }

    /// Leaves out, one by one, what asks only, and writes that nobody saw: what is left must be explained all the same.
    private func withoutBystanders(_ operations: [HistoryOperation]) -> [HistoryOperation] {
        var left = operations
        for operation in operations.reversed() where Self.isBystander(operation, among: left) {
            let fewer = left.filter { $0 != operation }
            if RegisterHistory(fewer, initial: initial).verdict() == .violated { left = fewer }
        }
        return left
    }

    private static func isBystander(_ operation: HistoryOperation, among others: [HistoryOperation]) -> Bool {
        guard let written = operation.written, operation.outcome != .refused else { return true }
        return others.allSatisfy { other in
            if other.outcome == .refused || other.outcome == .value(written) { return false }
            if case .exchange(written, _) = other.call { return false }
            return true
        }
    }

    /// What is wrong, line by line; `nil` where nothing is.
    func complaint() -> String? {
        switch verdict() {
        case .linearizable: return nil
        case .undecided:
            return
                "key \(operations[0].key): no order found in \(Self.configurationsMax) tries; ask fewer calls of a key"
        case .violated:
            let smallest = smallestViolation()
            let origin = smallest.first?.began ?? 0
            let lines = smallest.map { $0.line(since: origin) }.joined(separator: "\n  ")
            return
                "key \(operations[0].key), \(initial) at first: no order of these calls explains their answers\n  \(lines)"
        }
    }
}
