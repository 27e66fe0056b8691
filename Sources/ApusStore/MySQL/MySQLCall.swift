#if MySQL
/// A statement that stands alone, from when it is asked until its caller has the answer.
//
// `@unchecked Sendable` is sound because what is mutable is touched by the loop of the pool alone.
final class MySQLCall: @unchecked Sendable {
    enum Kind {
        /// Changes nothing, so that it may be asked again.
        case read
        /// The same for a question of the library's own, which is not counted.
        case look
        /// A transaction of its own.
        case write
    }

    typealias Continuation = UnsafeContinuation<MySQLAnswer, any Error>

    /// It is sent while this stands.
    struct Condition {
        let lease: ServerLease
        let token: ServerLease.Token
    }

    /// Of a call that was not sent: its condition did not stand any more when its turn came.
    struct NotSent: Error {}

    let sql: SQL
    let kind: Kind
    let condition: Condition?
    /// Monotonic nanoseconds.
    let deadline: Int64
    let queuedAt: Int64
    /// When it was sent last, in monotonic nanoseconds.
    var sentAt: Int64 = 0
    var continuation: Continuation?
    /// How often it was sent.
    var attempts = 0
    /// Why the server was asked to stop it, or why it is not sent.
    var stopping: StoreError?

    init(_ sql: SQL, _ kind: Kind, _ condition: Condition?, deadline: Int64, queuedAt: Int64) {
        self.sql = sql
        self.kind = kind
        self.condition = condition
        self.deadline = deadline
        self.queuedAt = queuedAt
    }

    /// Its caller has been answered; whatever else comes is for nobody.
    var isDone: Bool { continuation == nil }
    /// Whether it changes nothing.
    var isRead: Bool { kind != .write }

    /// The caller, who is answered by whoever takes it.
    func take() -> Continuation? {
        defer { continuation = nil }
        return continuation
    }

    func fail(_ error: any Error) { take()?.resume(throwing: error) }
}
#endif
