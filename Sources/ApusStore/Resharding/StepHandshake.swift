import ApusCore

/// Where the two transactions of a step meet: the target's, which has brought the rows, and the source's, which says what
/// has become of them meanwhile.
///
/// The target waits for the source with its transaction open. On an engine with one writer it keeps that writer, so it waits
/// for a bounded time until the source begins; from then on the source has its turn, and answers.
//
// Threads wait in a monitor, as both transactions run on threads; the task that starts them waits by a continuation.
final class StepHandshake: Sendable {
    private enum Source { case awaited, begun, left(RowChanges), gone }
    private enum Target {
        case coming(UnsafeContinuation<Void, Never>?)
        case arrived
        case ended((any Error)?)
    }
    private struct State {
        var source = Source.awaited
        var target = Target.coming(nil)
    }
    private let state = Monitor(State())
    /// How long the target waits for the source to begin, and for what it says then.
    private let patience: (begin: Duration, answer: Duration)

    /// - Parameters:
    ///   - begin: How long the target waits until the source begins.
    ///   - answer: How long it waits then.
    init(begin: Duration, answer: Duration) { patience = (begin, answer) }

    // MARK: On the target

    /// Says that the rows are there, and waits for the source.
    ///
    /// - Returns: What has become of them.
    /// - Throws: ``StepNotMet`` where the source has not begun in time, or is not to come.
    func arrive() throws -> RowChanges {
        tell(.arrived)
        let hasBegun: Bool? = state.wait(nanoseconds: Int(patience.begin.nanoseconds)) { state in
            switch state.source {
            case .awaited: nil
            case .begun, .left: true
            case .gone: false
            }
        }
        guard hasBegun == true else {
            // It may have begun at this very moment.
            let isLate = state.withLock { state in
                guard case .awaited = state.source else { return false }
                state.source = .gone
                return true
            }
            if isLate || hasBegun == false { throw StepNotMet() }
            return try answer()
        }
        return try answer()
    }

    private func answer() throws -> RowChanges {
        let changes: RowChanges?? = state.wait(nanoseconds: Int(patience.answer.nanoseconds)) { state in
            switch state.source {
            case .awaited, .begun: nil
            case .left(let changes): .some(changes)
            case .gone: .some(nil)
            }
        }
        guard let changes = changes ?? nil else { throw StepNotMet() }
        return changes
    }

    /// The target's transaction is committed, or is not for `error`.
    func end(_ error: (any Error)?) { tell(.ended(error)) }

    private func tell(_ word: Target) {
        let waiter = state.withLock { state in
            defer { state.target = word }
            if case .coming(let waiter) = state.target { return waiter }
            return nil
        }
        state.broadcast()
        waiter?.resume()
    }

    // MARK: Between them

    /// Waits until the rows are on the target, in its open transaction.
    ///
    /// - Throws: What the target threw.
    func awaitArrival() async throws {
        await withUnsafeContinuation { (waiter: UnsafeContinuation<Void, Never>) in
            let isThere = state.withLock { state in
                guard case .coming = state.target else { return true }
                state.target = .coming(waiter)
                return false
            }
            if isThere { waiter.resume() }
        }
        if case .ended(let error?) = state.withLock({ $0.target }) { throw error }
    }

    // MARK: On the source

    /// The source has its turn.
    ///
    /// - Throws: ``StepNotMet`` where the target has stopped waiting.
    func begin() throws {
        let isMet = state.withLock { state in
            guard case .awaited = state.source, case .arrived = state.target else { return false }
            state.source = .begun
            return true
        }
        guard isMet else { throw StepNotMet() }
        state.broadcast()
    }

    /// Says what has become of the rows, and waits until the target has committed them.
    ///
    /// - Throws: What the target threw; nothing has arrived then.
    func leave(_ changes: RowChanges) throws {
        state.withLock { $0.source = .left(changes) }
        state.broadcast()
        let error: (any Error)? = state.wait { state in
            guard case .ended(let error) = state.target else { return nil }
            return .some(error)
        }
        if let error { throw error }
    }

    /// The source is not to come: the target lets go.
    func abandon() {
        state.withLock { state in
            if case .left = state.source { return }
            state.source = .gone
        }
        state.broadcast()
    }
}

/// Source and target of a step did not come together, or the step was no longer the next one: it is done anew.
struct StepNotMet: Error {}
