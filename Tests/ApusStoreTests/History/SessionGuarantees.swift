/// What each client may expect of what it has written and read itself, found in one pass: read your writes, and
/// monotonic reads.
///
/// A linearizable history has both. This check knows nothing of orders, so it is no part of that search that could be
/// wrong there too, and it decides every history.
///
/// - SeeAlso: Terry and others, "Session guarantees for weakly consistent replicated data", PDIS 1994.
struct SessionGuarantees: Sendable {
    private let operations: [HistoryOperation]
    private let writes: [Int: HistoryOperation]

    /// Takes the calls on one key.
    init(_ operations: [HistoryOperation]) {
        self.operations = operations.sorted { $0.began < $1.began }
        writes = Dictionary(
            operations.compactMap { operation in operation.written.map { ($0, operation) } },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The reads that found what was over before something that their client knew of had begun.
    func violations() -> [String] {
        // By client: the latest beginning of a write that it has made or seen.
        var known: [Int: (began: Int64, value: Int)] = [:]
        var found: [String] = []
        for operation in operations {
            let seen: Int
            switch operation.outcome {
            case .value(let value):
                seen = value
                // What was there at first was over before everything.
                let ended = writes[value]?.ended ?? .min
                if let last = known[operation.client], ended < last.began {
                    found.append(
                        "client \(operation.client), key \(operation.key): read \(value) after it knew of \(last.value)"
                    )
                }
            case .done: seen = operation.written ?? HistoryOperation.absent
            case .refused, .unknown: continue
            }
            guard let write = writes[seen], write.began > known[operation.client]?.began ?? .min else { continue }
            known[operation.client] = (write.began, seen)
        }
        return found
    }
}
