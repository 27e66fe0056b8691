import ApusCore
import ApusTesting
import Testing

/// Whoever judges a store's answers is judged first.
@Suite(.timeLimit(.minutes(5)))
struct HistoryTests {
    /// A call with the times of its beginning and its end.
    private static func at(
        _ times: ClosedRange<Int64>,
        _ client: Int,
        _ call: HistoryOperation.Call,
        _ outcome: HistoryOperation.Outcome
    ) -> HistoryOperation {
        HistoryOperation(client, call, outcome, began: times.lowerBound, ended: times.upperBound)
    }

    private static let sound: [(String, [HistoryOperation])] = [
        ("nothing", []),
        ("one after the other", [at(0...1, 1, .write(1), .done), at(2...3, 2, .read, .value(1))]),
        (
            "a read meanwhile finds the old or the new",
            [
                at(0...9, 1, .write(1), .done), at(1...2, 2, .read, .value(0)), at(3...4, 2, .read, .value(1)),
                at(5...6, 3, .read, .value(1)),
            ]
        ),
        (
            "two writes meanwhile, in either order",
            [at(0...9, 1, .write(1), .done), at(0...9, 2, .write(2), .done), at(10...11, 3, .read, .value(1))]
        ),
        (
            "a write without an answer that was done late",
            [
                at(0...1, 1, .write(1), .unknown), at(2...3, 2, .read, .value(0)), at(4...5, 2, .write(2), .done),
                at(6...7, 2, .read, .value(2)), at(8...9, 2, .read, .value(1)),
            ]
        ),
        (
            "a write without an answer that was never done",
            [at(0...1, 1, .write(1), .unknown), at(2...3, 2, .read, .value(0)), at(4...5, 2, .read, .value(0))]
        ),
        (
            "one of two exchanges",
            [
                at(0...9, 1, .exchange(0, 1), .done), at(0...9, 2, .exchange(0, 2), .refused),
                at(10...11, 3, .read, .value(1)),
            ]
        ),
        (
            "an exchange refused by a write without an answer",
            [at(0...1, 1, .write(1), .unknown), at(2...3, 2, .exchange(0, 2), .refused)]
        ),
    ]

    @Test(arguments: sound)
    func `what can be explained is`(name: String, operations: [HistoryOperation]) {
        let history = RegisterHistory(operations)
        #expect(history.verdict() == .linearizable)
        #expect(history.smallestViolation().isEmpty)
        #expect(history.complaint() == nil)
        #expect(SessionGuarantees(operations).violations().isEmpty)
    }

    private static let broken: [(String, [HistoryOperation])] = [
        ("a stale read", [at(0...1, 1, .write(1), .done), at(2...3, 2, .read, .value(0))]),
        (
            "a lost write",
            [
                at(0...1, 1, .write(1), .done), at(2...3, 2, .write(2), .done), at(4...5, 1, .read, .value(1)),
            ]
        ),
        (
            "two exchanges of one value",
            [at(0...9, 1, .exchange(0, 1), .done), at(0...9, 2, .exchange(0, 2), .done)]
        ),
        (
            "an exchange refused without a reason",
            [at(0...1, 1, .write(1), .done), at(2...3, 2, .exchange(1, 2), .refused)]
        ),
        (
            "a write that comes to life after it was overwritten",
            [
                at(0...1, 1, .write(1), .done), at(2...3, 2, .write(2), .done), at(4...5, 3, .read, .value(2)),
                at(6...7, 3, .read, .value(1)),
            ]
        ),
        (
            "a write without an answer that is done twice",
            [
                at(0...1, 1, .write(1), .unknown), at(2...3, 2, .read, .value(1)), at(4...5, 2, .write(2), .done),
                at(6...7, 2, .read, .value(1)),
            ]
        ),
        (
            "a read of what is written later",
            [at(0...1, 1, .read, .value(1)), at(2...3, 2, .write(1), .done)]
        ),
        ("a row that is gone", [at(0...1, 1, .read, .value(HistoryOperation.absent))]),
        ("a write that found no row", [at(0...1, 1, .write(1), .refused)]),
        (
            "two readers who see two writes in two orders",
            [
                at(0...99, 1, .write(1), .done), at(0...99, 2, .write(2), .done), at(1...2, 3, .read, .value(1)),
                at(3...4, 4, .read, .value(2)), at(5...6, 3, .read, .value(1)),
            ]
        ),
    ]

    @Test(arguments: broken)
    func `what cannot be explained is found`(name: String, operations: [HistoryOperation]) {
        let history = RegisterHistory(operations)
        #expect(history.verdict() == .violated)
        #expect(history.complaint()?.contains("no order") == true)
        // What does not matter is not in the complaint.
        let before = (0..<20).map { Self.at(Int64($0 - 100)...Int64($0 - 100), 9, .read, .value(0)) }
        let smallest = RegisterHistory(before + operations).smallestViolation()
        #expect(!smallest.isEmpty && smallest.allSatisfy { $0.client != 9 })
    }

    @Test
    func `a client that reads less than it knew is found`() {
        let write = Self.at(0...1, 1, .write(1), .done)
        let next = Self.at(2...3, 2, .write(2), .done)
        let own = SessionGuarantees([write, next, Self.at(4...5, 2, .read, .value(1))])
        #expect(own.violations() == ["client 2, key 0: read 1 after it knew of 2"])
        let seen = [write, next, Self.at(4...5, 3, .read, .value(2)), Self.at(6...7, 3, .read, .value(0))]
        #expect(SessionGuarantees(seen).violations() == ["client 3, key 0: read 0 after it knew of 2"])
        // Another client knows of neither.
        let other = [write, next, Self.at(4...5, 3, .read, .value(2)), Self.at(6...7, 4, .read, .value(0))]
        #expect(SessionGuarantees(other).violations().isEmpty)
    }

    @Test
    func `the smallest beginning ends with the answer that nothing explains`() {
        var operations: [HistoryOperation] = []
        for round in 0..<50 {
            let time = Int64(round * 10)
            operations.append(Self.at(time...time + 1, 1, .write(round + 1), .done))
            // In round 30 what was there before is read once more.
            operations.append(Self.at(time + 2...time + 3, 2, .read, .value(round == 30 ? 30 : round + 1)))
        }
        let smallest = RegisterHistory(operations).smallestViolation()
        #expect(smallest.last == operations[61])
        #expect(smallest.count == 3)
        #expect(smallest.contains(operations[60]) && smallest.contains(operations[58]))
    }

    @Test
    func `who runs out of tries says so`() {
        let writes = (0..<12).map { Self.at(0...100, $0, .write($0 + 1), .done) }
        let history = RegisterHistory(writes + [Self.at(101...102, 99, .read, .value(0))])
        #expect(history.verdict(configurationsMax: 100) == .undecided)
        #expect(history.verdict() == .violated)
    }

    @Test
    func `a sound store is never suspected`() {
        for seed in TestRun.seed..<TestRun.seed + UInt64(min(TestRun.seeds, 1000)) {
            let history = SimulatedRegister.history(nil, clients: 5, calls: 120, seed: seed)
            #expect(history.complaint() == nil, "seed \(seed)")
            #expect(SessionGuarantees(history.operations).violations() == [], "seed \(seed)")
        }
    }

    @Test(arguments: SimulatedRegister.Mistake.allCases)
    func `a store with a mistake is found out by few seeds`(mistake: SimulatedRegister.Mistake) {
        let seeds = TestRun.seed..<TestRun.seed + 20
        let found = seeds.filter { seed in
            SimulatedRegister.history(mistake, clients: 5, calls: 150, seed: seed).verdict() == .violated
        }
        #expect(!found.isEmpty, "\(mistake.rawValue), seeds \(seeds)")
    }

    @Test
    func `reads that lag are found by the clients' own knowledge too`() {
        let seeds = TestRun.seed..<TestRun.seed + 20
        let found = seeds.filter { seed in
            let history = SimulatedRegister.history(.laggingReads, clients: 5, calls: 120, seed: seed)
            return !SessionGuarantees(history.operations).violations().isEmpty
        }
        #expect(!found.isEmpty, "seeds \(seeds)")
    }

    // MARK: Against a search without any idea

    /// Tries every order.
    private static func isExplained(_ left: [HistoryOperation], from value: Int) -> Bool {
        if left.allSatisfy({ $0.outcome == .unknown }) { return true }
        let firstEnd = left.map(\.ended).min() ?? .max
        for (index, operation) in left.enumerated() where operation.began <= firstEnd {
            guard let next = operation.next(after: value) else { continue }
            var rest = left
            rest.remove(at: index)
            if isExplained(rest, from: next) { return true }
        }
        return false
    }

    @Test
    func `the search says what trying every order says`() {
        var violated = 0
        for seed in TestRun.seed..<TestRun.seed + UInt64(min(TestRun.seeds, 2000)) {
            var random = SeededRandom(seed: seed)
            let operations = (0..<6).map { index -> HistoryOperation in
                let began = Int64.random(in: 0..<12, using: &random)
                let times = began...began + Int64.random(in: 0..<6, using: &random)
                let some = Int.random(in: 0..<4, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1: return Self.at(times, index, .read, .value(some))
                case 2: return Self.at(times, index, .write(index), .done)
                case 3: return Self.at(times, index, .write(index), .unknown)
                case 4: return Self.at(times, index, .exchange(some, index), .done)
                default: return Self.at(times, index, .exchange(some, index), .refused)
                }
            }
            let isExplained = Self.isExplained(operations, from: 0)
            if !isExplained { violated += 1 }
            #expect(
                RegisterHistory(operations).verdict() == (isExplained ? .linearizable : .violated),
                "seed \(seed)"
            )
        }
        // Both come up.
        #expect(violated > 0 && violated < min(TestRun.seeds, 2000))
    }
}
