/// Why a store call failed.
///
/// Match on ``code``. The text holds names and sizes only: never SQL, never a value, never a key.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// A cause one can act on; more may be added, so callers keep a default branch.
    @nonexhaustive
    public enum Code: String, Sendable, Hashable {
        /// A row with the same unique key is there.
        case uniqueViolation
        /// A column that must have a value got none.
        case notNullViolation
        /// A row that is referred to is missing, or one that is still referred to would go.
        case foreignKeyViolation
        /// A CHECK constraint said no: stock below zero, say.
        case checkViolation
        /// The database is locked by another program for longer than we wait, or others kept changing what was read.
        case busy
        /// The database server does not answer, or ended the connection; nothing was changed.
        case unreachable
        /// The database server refuses the user, the password, the certificate or the name of the database.
        case accessRefused
        /// The shard's queue is full.
        case overloaded
        /// The deadline passed before the work began, or the work was stopped at it; nothing was changed.
        case deadlineExceeded
        /// The task was cancelled before the work began, or the work was stopped; nothing was changed.
        case cancelled
        /// The deadline passed, or the connection broke, while the commit was under way: it may or may not be there.
        case outcomeUnknown
        /// No room on the disk; nothing was changed, reads go on.
        case diskFull
        /// The file or its disk cannot be written; reads go on.
        case readOnly
        /// The file is damaged.
        case corrupt
        /// The disk failed in another way.
        case inputOutput
        /// A read on the loop took more steps than a point read may; `Shard.scan(_:as:deadline:)` is for such reads.
        case budgetExceeded
        /// The key's directory name has no slots.
        case notInMap
        /// The file or database belongs to another shard or another store, or does not keep text as this library does.
        case wrongShard
        /// The declared sharding is not the stored one.
        case mapMismatch
        /// A migration that was applied has been changed or taken away since.
        case migrationEdited
        /// A migration's SQL failed; it was undone.
        case migrationFailed
        /// The store is being restored from a backup, or its rows come from a folder's files, or that was cut off.
        case restoreUnfinished
        /// The file was written by a newer program.
        case newerSchema
        /// The SQL is wrong, or does what it may not do there: write in a read, end the transaction.
        case statementInvalid
        /// One row was asked for and there was none.
        case rowMissing
        /// A column does not hold what the row type expects.
        case rowMismatch
        /// A value or a row is larger than the engine takes, or an answer is larger than allowed.
        case tooLarge
        /// A value that the engine's column cannot hold, or that does not fit where it stands.
        case valueInvalid
        /// A cursor that no page of this query gave out.
        case cursorInvalid
        /// The store is not open.
        case closed
    }

    /// Who has to act.
    public enum Fault: Sendable, Hashable {
        /// The program that called.
        case caller
        /// The database, its disk or its load.
        case engine
        /// This library.
        case apus
    }

    /// What to match on, never the text.
    public let code: Code
    /// Whose mistake it was.
    public let fault: Fault
    /// True when the same call, unchanged, may succeed later and has changed nothing so far.
    public let isRetryable: Bool
    /// Names and sizes for the log, and the fix where there is one.
    public let detail: String
    /// The error underneath, if there was one.
    public let cause: (any Error)?

    /// An error of `code`; fault and retryability follow from it.
    init(_ code: Code, _ detail: String, cause: (any Error)? = nil) {
        self.code = code
        self.detail = detail
        self.cause = cause
        switch code {
        case .busy, .unreachable, .overloaded, .deadlineExceeded, .diskFull, .readOnly:
            fault = .engine
            isRetryable = true
        case .outcomeUnknown, .corrupt, .inputOutput, .wrongShard, .accessRefused:
            fault = .engine
            isRetryable = false
        default:
            fault = .caller
            isRetryable = false
        }
    }

    /// The code and the detail in one line.
    public var description: String { "\(code.rawValue): \(detail)" }
}
