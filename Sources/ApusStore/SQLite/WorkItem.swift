import CLinux

/// A request that waits for one of the store's threads.
//
// `@unchecked Sendable` is sound: `state` changes under the queue's lock only (`isCancelled` is a relaxed cell, read
// from the working thread); the rest belongs to the submitting task before it is queued, and to the working thread
// from when it is taken until it is finished. `continuation` belongs to whoever moved the state to `ended`.
final class WorkItem: @unchecked Sendable {
    enum State { case new, queued, running, ended }
    private enum Outcome { case none, done, failed(any Error) }

    var state = State.new
    /// Monotonic nanoseconds.
    let deadline: Int64
    var queuedAt: Int64 = 0
    var continuation: UnsafeContinuation<Void, any Error>?
    /// True for a single statement, which the engine undoes by itself when it fails.
    let isStatement: Bool
    /// True for a request that shares its transaction with no other one.
    let isAlone: Bool
    private let body: @Sendable (any SQLSession) throws -> Void
    private var outcome = Outcome.none
    private let cancelled: UnsafeMutablePointer<UInt64>

    init(
        deadline: Int64,
        isStatement: Bool,
        isAlone: Bool = false,
        body: @escaping @Sendable (any SQLSession) throws -> Void
    ) {
        self.deadline = deadline
        self.isStatement = isStatement
        self.isAlone = isAlone
        self.body = body
        cancelled = .allocate(capacity: 1)
        cancelled.initialize(to: 0)
    }

    deinit { cancelled.deallocate() }

    var isCancelled: Bool { apus_relaxed_load(cancelled) != 0 }
    func cancel() { apus_relaxed_store(cancelled, 1) }

    /// Does the work on `session`; false when it threw, and then the error is kept.
    func run(on session: any SQLSession) -> Bool {
        do {
            try body(session)
            outcome = .done
            return true
        } catch {
            outcome = .failed(error)
            return false
        }
    }

    /// Replaces whatever result there is.
    func fail(_ error: any Error) { outcome = .failed(error) }

    /// Tells the caller; called once, by whoever moved the state to `ended`.
    func resume() {
        let waiting = continuation
        continuation = nil
        switch outcome {
        case .done: waiting?.resume()
        case .failed(let error): waiting?.resume(throwing: error)
        case .none: waiting?.resume(throwing: StoreError(.closed, "the request was never run"))
        }
    }

    /// Hands an error to the caller while the working thread may still be at it; the result stays untouched.
    func resumeUnknown(_ error: StoreError) {
        let waiting = continuation
        continuation = nil
        waiting?.resume(throwing: error)
    }
}
