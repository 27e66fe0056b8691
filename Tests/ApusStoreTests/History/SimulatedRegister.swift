import ApusCore

/// A row in memory that clients ask at the same time, in an order that a seed decides; sound, or with a mistake.
struct SimulatedRegister {
    /// What a store can do wrong.
    enum Mistake: String, Sendable, CaseIterable {
        /// Reads are answered by a copy that lags.
        case laggingReads
        /// Some writes are acknowledged and forgotten.
        case lostWrites
        /// An exchange looks at a copy that lags before it writes.
        case laggingExchanges
        /// A write whose connection was lost is done a second time, later.
        case doubledWrites
        /// Now and then what was acknowledged last is not there after a restart.
        case forgetfulRestarts
    }

    /// A call that is under way.
    private struct Pending {
        let call: HistoryOperation.Call
        let began: Int64
        var outcome: HistoryOperation.Outcome?
    }

    private let mistake: Mistake?
    private var random: SeededRandom
    private var value = 0
    /// What was there before the last write: where a copy that lags is.
    private var before = 0
    private var pending: [Pending?]
    /// Writes that nobody waits for any more.
    private var orphans: [HistoryOperation.Call] = []
    private var time: Int64 = 0
    private var written = 0
    private(set) var operations: [HistoryOperation] = []

    /// The history of some clients.
    static func history(_ mistake: Mistake?, clients: Int, calls: Int, seed: UInt64) -> RegisterHistory {
        var register = SimulatedRegister(mistake, clients: clients, seed: seed)
        while register.operations.count < calls { register.step() }
        // What is under way at the end may have been done.
        for (client, call) in register.pending.enumerated() {
            if let call, call.call != .read { register.add(client, call, .unknown) }
        }
        return RegisterHistory(register.operations)
    }

    private init(_ mistake: Mistake?, clients: Int, seed: UInt64) {
        self.mistake = mistake
        random = SeededRandom(seed: seed)
        pending = Array(repeating: nil, count: clients)
    }

    /// One of the clients does something: asks, has its call done, or hears the answer.
    private mutating func step() {
        time += 1000
        let client = Int.random(in: 0..<pending.count, using: &random)
        if !orphans.isEmpty, oneOf(12) {
            _ = perform(orphans.removeFirst())
        }
        if mistake == .forgetfulRestarts, oneOf(60) { value = before }
        guard var call = pending[client] else {
            pending[client] = Pending(call: next(), began: time)
            return
        }
        if let outcome = call.outcome {
            add(client, call, outcome)
            pending[client] = nil
        } else if call.call != .read, oneOf(10) {
            // The connection is lost: before it was done, after it, or while it still may be.
            switch Int.random(in: 0..<3, using: &random) {
            case 0: break
            case 1:
                _ = perform(call.call)
                if mistake == .doubledWrites { orphans.append(call.call) }
            default: orphans.append(call.call)
            }
            add(client, call, .unknown)
            pending[client] = nil
        } else {
            call.outcome = perform(call.call)
            pending[client] = call
        }
    }

    private mutating func oneOf(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    private mutating func next() -> HistoryOperation.Call {
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1: return .read
        case 2:
            written += 1
            return .write(written)
        default:
            written += 1
            return .exchange(value, written)
        }
    }

    private mutating func perform(_ call: HistoryOperation.Call) -> HistoryOperation.Outcome {
        switch call {
        case .read: return .value(mistake == .laggingReads && oneOf(4) ? before : value)
        case .write(let new):
            if mistake != .lostWrites || !oneOf(8) { set(new) }
            return .done
        case .exchange(let old, let new):
            let found = mistake == .laggingExchanges && oneOf(2) ? before : value
            guard found == old else { return .refused }
            set(new)
            return .done
        }
    }

    private mutating func set(_ new: Int) {
        before = value
        value = new
    }

    private mutating func add(_ client: Int, _ call: Pending, _ outcome: HistoryOperation.Outcome) {
        operations.append(HistoryOperation(client, call.call, outcome, began: call.began, ended: time))
    }
}
