/// What a thread of its own has made for a task that waits for it.
///
/// A continuation could carry the value too. Going through a lock as well costs nothing beside a change of threads, and it
/// shows the thread sanitizer the order that the concurrency runtime, which is built without it, keeps to itself.
public struct Handover<Value: Sendable>: Sendable {
    private let outcome = Lock<Result<Value, any Error>?>(nil)

    /// An empty one.
    public init() {}

    /// Runs `body` and keeps what it returns or throws; on the thread that works.
    public func fill(_ body: () throws -> Value) {
        let result = Result { try body() }
        outcome.withLock { $0 = result }
    }

    /// Keeps an error in place of a value.
    public func fail(_ error: any Error) { outcome.withLock { $0 = .failure(error) } }

    /// Takes what was made; by the task that waited, after the thread has said that it is there.
    ///
    /// - Throws: What the body threw; `CancellationError` if nothing was made.
    public func take() throws -> Value {
        guard let result = outcome.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }
}
