import Apus

extension Shard {
    /// The first row of a query, as a span of its own, so that a trace shows the shard it came from.
    ///
    /// - Throws: What the query throws.
    func seek<T: Row & Sendable>(_ sql: SQL, as type: T.Type = T.self) async throws -> T? {
        try await Trace.span("store.read", kind: .client) { span in
            span.set(.dbNamespace, index)
            return try await first(sql, as: type)
        }
    }

    /// All rows of a query that has few, as a span of its own.
    ///
    /// - Throws: What the query throws.
    func list<T: Row & Sendable>(_ sql: SQL, as type: T.Type = T.self) async throws -> [T] {
        try await Trace.span("store.read", kind: .client) { span in
            span.set(.dbNamespace, index)
            return try await all(sql, as: type)
        }
    }
}
