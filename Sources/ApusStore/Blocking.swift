import ApusCore

/// Waits for a task on a thread that may wait: one of the store's own.
enum Blocking {
    /// What `body` returns.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let done = Monitor<Result<Value, any Error>?>(nil)
        Task.detached {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            done.withLock { $0 = result }
            done.broadcast()
        }
        return try done.wait { $0 }.get()
    }
}
