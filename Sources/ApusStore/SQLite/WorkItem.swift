import CLinux

/// A request that waits for one of the store's threads.
//
// `@unchecked Sendable` is sound: `state` and `isWanted` change under the queue's lock only (`isCancelled` is a
// relaxed cell, read from the working thread); the rest belongs to the submitting task before it is queued, and to the
// working thread from when it is taken until it is finished.
class WorkItem: @unchecked Sendable {
    enum State { case new, queued, running, ended }

    var state = State.new
    /// Monotonic nanoseconds.
    let deadline: Int64
    var queuedAt: Int64 = 0
    private let cancelled: UnsafeMutablePointer<UInt64>

    init(deadline: Int64) {
        self.deadline = deadline
        cancelled = .allocate(capacity: 1)
        cancelled.initialize(to: 0)
    }

    deinit { cancelled.deallocate() }

    var isCancelled: Bool { apus_relaxed_load(cancelled) != 0 }
    func cancel() { apus_relaxed_store(cancelled, 1) }

    /// Does the work on `session` and keeps the result; false when it threw.
    func run(on session: any SQLSession) -> Bool { true }
    /// Replaces whatever result there is.
    func fail(_ error: any Error) {}
    /// Hands the result to the caller; called once, by whoever moved the state to `ended`.
    func resume() {}
    /// Hands an error to the caller while the working thread may still be at it; the result stays untouched.
    func resumeUnknown(_ error: StoreError) {}
}

/// A request with a result.
final class TypedItem<Value: Sendable>: WorkItem, @unchecked Sendable {
    private let body: @Sendable (any SQLSession) throws -> Value
    private var result: Result<Value, any Error>?
    var continuation: UnsafeContinuation<Value, any Error>?

    init(deadline: Int64, body: @escaping @Sendable (any SQLSession) throws -> Value) {
        self.body = body
        super.init(deadline: deadline)
    }

    override func run(on session: any SQLSession) -> Bool {
        do {
            result = .success(try body(session))
            return true
        } catch {
            result = .failure(error)
            return false
        }
    }

    override func fail(_ error: any Error) { result = .failure(error) }

    override func resume() {
        let waiting = continuation
        continuation = nil
        waiting?.resume(with: result ?? .failure(StoreError(.closed, "the request was never run")))
    }

    override func resumeUnknown(_ error: StoreError) {
        let waiting = continuation
        continuation = nil
        waiting?.resume(throwing: error)
    }
}
