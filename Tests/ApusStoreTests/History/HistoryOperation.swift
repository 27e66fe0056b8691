/// A call of one client on one key: what it asked, what it heard, and when, by a clock that all clients share.
///
/// Values are unique: nobody writes one that another wrote, so a value that is read says whose write it is from.
struct HistoryOperation: Sendable, Hashable {
    enum Call: Sendable, Hashable {
        case read
        case write(Int)
        /// Writes the second value where the first is there.
        case exchange(Int, Int)
    }

    enum Outcome: Sendable, Hashable {
        /// What a read has found.
        case value(Int)
        /// The write was done.
        case done
        /// Something else than the expected value was there, and nothing was changed.
        case refused
        /// The write may be done at any time after it began, or never.
        case unknown
    }

    /// What is read where the row is missing: nobody writes it.
    static let absent = -1

    let client: Int
    let key: Int
    let call: Call
    let outcome: Outcome
    /// Monotonic nanoseconds.
    let began: Int64
    /// Monotonic nanoseconds; `Int64.max` for an unknown outcome.
    let ended: Int64

    init(_ client: Int, key: Int = 0, _ call: Call, _ outcome: Outcome, began: Int64, ended: Int64) {
        self.client = client
        self.key = key
        self.call = call
        self.outcome = outcome
        self.began = began
        self.ended = outcome == .unknown ? .max : ended
    }

    /// What is there after it, where it was done at a moment when `value` was there; `nil` where it cannot have been.
    func next(after value: Int) -> Int? {
        switch (call, outcome) {
        case (.read, .value(let found)): found == value ? value : nil
        case (.write(let new), .done), (.write(let new), .unknown): new
        case (.exchange(let old, let new), .done): old == value ? new : nil
        case (.exchange(let old, _), .refused): old == value ? nil : value
        case (.exchange(let old, let new), .unknown): old == value ? new : value
        default: nil
        }
    }

    /// The value that it leaves behind, if it is a write.
    var written: Int? {
        switch call {
        case .read: nil
        case .write(let new), .exchange(_, let new): new
        }
    }

    /// The same as it looked at a moment when its caller did not have the answer yet.
    var underway: HistoryOperation { HistoryOperation(client, key: key, call, .unknown, began: began, ended: .max) }

    /// One line for people, with times from `origin` on.
    func line(since origin: Int64) -> String {
        let what =
            switch (call, outcome) {
            case (.read, .value(Self.absent)): "read nothing"
            case (.read, .value(let found)): "read \(found)"
            case (.read, _): "read"
            case (.write(let new), _): "write \(new)"
            case (.exchange(let old, let new), _): "exchange \(old) for \(new)"
            }
        let end = ended == .max ? "…" : "\((ended - origin) / 1000)"
        let outcome =
            switch outcome {
            case .value, .done: ""
            case .refused: ", refused"
            case .unknown: ", outcome unknown"
            }
        return "client \(client), \((began - origin) / 1000) to \(end) µs: \(what)\(outcome)"
    }
}
