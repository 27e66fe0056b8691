import ApusCore

/// Looks at a shard for all who ask at about the same time.
///
/// While keys leave a shard, each read is looked at behind. Whoever asks while a look is under way waits for the next one, which
/// begins after it asked, and has that together with all others who wait: so there is one look at a time, however many reads.
final class SharedLook: Sendable {
    private enum Turn: Sendable {
        /// Somebody else has looked.
        case done
        /// Look, for these too.
        case lead([UnsafeContinuation<Turn, any Error>])
    }
    private struct State: Sendable {
        var isUnderWay = false
        /// Whoever asked while a look was under way.
        var waiting: [UnsafeContinuation<Turn, any Error>] = []
    }
    private let state = Lock(State())

    /// How many wait for the next look.
    var waiting: Int { state.withLock { $0.waiting.count } }

    /// Has `look` run once after this was called, by this task or by another.
    ///
    /// - Throws: What the look threw.
    func run(_ look: () async throws -> Void) async throws {
        var turn: Turn = .lead([])
        let mayLead = state.withLock { state in
            defer { state.isUnderWay = true }
            return !state.isUnderWay
        }
        if !mayLead {
            turn = try await withUnsafeThrowingContinuation { continuation in
                let leads = state.withLock { state in
                    // It may have ended meanwhile.
                    guard state.isUnderWay else {
                        state.isUnderWay = true
                        return true
                    }
                    state.waiting.append(continuation)
                    return false
                }
                if leads { continuation.resume(returning: .lead([])) }
            }
        }
        guard case .lead(let others) = turn else { return }
        do {
            try await look()
            handOver()
            for other in others { other.resume(returning: .done) }
        } catch {
            handOver()
            for other in others { other.resume(throwing: error) }
            throw error
        }
    }

    /// Has one of those who came meanwhile look next.
    private func handOver() {
        let next = state.withLock { state in
            defer { state.waiting = [] }
            state.isUnderWay = !state.waiting.isEmpty
            return state.waiting
        }
        next.first?.resume(returning: .lead(Array(next.dropFirst())))
    }
}
