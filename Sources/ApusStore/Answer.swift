/// Where a request leaves its value for the caller.
///
/// So what queues, runs and finishes requests need not know the type: asking for a generic type's layout at run time,
/// a dozen times a request, would cost as much as its savepoint.
//
// `@unchecked Sendable` is sound because the request writes before it is finished, and the caller looks after it was
// told of that. A caller that is answered earlier, with an error, never looks.
final class Answer<Value: Sendable>: @unchecked Sendable {
    private var value: Value?

    private func get() throws -> Value {
        guard let value else { throw StoreError(.closed, "the request was never run") }
        return value
    }

    /// Leaves the value; by the request, before it is finished.
    func set(_ value: Value) { self.value = value }

    /// What a request left that `body` queued and waited for.
    static func of(_ body: (Answer) async throws -> Void) async throws -> Value {
        let answer = Answer()
        try await body(answer)
        return try answer.get()
    }

    /// What `body` makes of one shard, in a transaction that is on disk when this returns.
    static func write(
        _ engine: any ShardEngine,
        deadline: Duration?,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
    ) async throws -> Value {
        try await of { answer in
            try await engine.write(deadline: deadline ?? engine.configuration.writeDeadline) {
                answer.value = try body($0)
            }
        }
    }

    /// What `body` reads from one shard, off the loop.
    static func read(
        _ engine: any ShardEngine,
        deadline: Duration?,
        _ body: @escaping @Sendable (any SQLSession) throws -> Value
    ) async throws -> Value {
        try await of { answer in
            try await engine.read(deadline: deadline ?? engine.configuration.scanDeadline) {
                answer.value = try body($0)
            }
        }
    }
}
