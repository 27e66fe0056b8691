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
        /// The same for a question of the library's own, which is not counted.
        case look
        /// A transaction of its own.
        case write
        /// A transaction that may be shared with others of this kind.
        case sharedWrite
    }

    /// What lets a call be sent.
    enum Before {
        case nothing
        /// It is sent while this stands.
        case lease(ServerLease, ServerLease.Token)
        /// It is sent behind this, in the same transaction, and is not run where that fails.
        case gate(SQL)
    }

    let sql: SQL
    let kind: Kind
    let before: Before
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

    init(_ sql: SQL, _ kind: Kind, _ before: Before = .nothing, deadline: Int64, queuedAt: Int64) {
        self.sql = sql
        self.kind = kind
        self.before = before
        self.deadline = deadline
        self.queuedAt = queuedAt
    }

    /// Its caller has been answered; whatever else comes is for nobody.
    var isDone: Bool { continuation == nil }
    /// Whether it goes behind a gate.
    var isGated: Bool { if case .gate = before { true } else { false } }
    /// Whether it changes nothing.
    var isRead: Bool { kind == .read || kind == .look }
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
