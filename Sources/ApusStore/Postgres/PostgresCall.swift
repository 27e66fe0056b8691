#if PostgreSQL
import ApusCore

/// A statement that stands alone, from when it is asked until its caller has the answer.
//
// `@unchecked Sendable` is sound because it belongs to the asking task until it is submitted, and from then on to the
// loop of the pool alone.
final class PostgresCall: @unchecked Sendable {
    enum Kind {
        /// Changes nothing, so that it may be asked again.
        case read
        /// A transaction of its own.
        case write
        /// A transaction that may be shared with others of this kind.
        case sharedWrite
    }

    let sql: SQL
    let kind: Kind
    /// Monotonic nanoseconds.
    let deadline: Int64
    let queuedAt: Int64
    var continuation: UnsafeContinuation<PostgresAnswer, any Error>?
    /// How often it was sent.
    var attempts = 0
    /// It must not share its transaction, because somebody in a shared one failed.
    var isAlone = false
    /// The server was asked to stop it.
    var isStopped = false

    init(_ sql: SQL, _ kind: Kind, deadline: Int64, queuedAt: Int64) {
        self.sql = sql
        self.kind = kind
        self.deadline = deadline
        self.queuedAt = queuedAt
    }

    /// Its caller has been answered; whatever else comes is for nobody.
    var isDone: Bool { continuation == nil }
    var shares: Bool { kind == .sharedWrite && !isAlone }

    func succeed(_ answer: PostgresAnswer) {
        let waiting = continuation
        continuation = nil
        waiting?.resume(returning: answer)
    }

    func fail(_ error: StoreError) {
        let waiting = continuation
        continuation = nil
        waiting?.resume(throwing: error)
    }
}
#endif
