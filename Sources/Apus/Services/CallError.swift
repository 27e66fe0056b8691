public import ApusWire

/// Why a call to a service did not come to an answer.
///
/// An error the service itself throws arrives as that error if it is a ``WireFailure``, else as ``RemoteFailure``.
/// Cancellation is a `CancellationError`.
public struct CallError: Error, Sendable, CustomStringConvertible {
    /// A cause one can act on; more may be added, so callers keep a default branch.
    @nonexhaustive
    public enum Code: UInt8, Sendable, Hashable {
        /// The deadline came first. Whether the callee did the work is not known.
        case deadlineExceeded = 1
        /// Caller or callee has as many calls under way as it takes. The call was not run.
        case overloaded = 2
        /// The callee has no such service or target: it is older, or newer, than the caller. The call was not run.
        case notOffered = 3
        /// No instance of the service can be reached. The call was not sent.
        case unreachable = 4
        /// The connection ended before the answer; ``CallError/wasSent`` says whether the call had gone out.
        case peerLost = 5
        /// The callee is about to end and takes no more calls. The call was not run.
        case draining = 6
        /// The arguments or the answer exceed the frame limit.
        case tooLarge = 7
        /// The callee could not read the arguments, or the caller could not read the answer.
        case unreadable = 8
        /// The other side does not follow the protocol, or refused this one as a stranger.
        case refused = 9
    }
    /// Who has to act.
    public enum Fault: Sendable, Hashable {
        /// The code that made the call.
        case caller
        /// The service that was called, or what lies between.
        case callee
        /// Two versions that do not fit each other.
        case versions
    }
    /// What to match on, never the text.
    public let code: Code
    /// True where the callee may have done the work.
    public let wasSent: Bool
    /// Names and sizes for the log, such as "orders.place".
    public let detail: String
    /// The error underneath, if there was one.
    public let cause: (any Error)?

    /// An error of the caller's side.
    public init(_ code: Code, wasSent: Bool = false, detail: String = "", cause: (any Error)? = nil) {
        self.code = code
        self.wasSent = wasSent
        self.detail = detail
        self.cause = cause
    }

    /// Whose mistake it was.
    public var fault: Fault {
        switch code {
        case .tooLarge: .caller
        case .notOffered, .unreadable: .versions
        default: .callee
        }
    }

    /// True when the same call may succeed later; where ``wasSent`` is true only if doing it twice is harmless.
    public var isRetryable: Bool {
        switch code {
        case .deadlineExceeded, .overloaded, .unreachable, .peerLost, .draining: true
        default: false
        }
    }

    /// True when the call was not run, for certain, and another instance may do better.
    var wasNotRun: Bool {
        switch code {
        case .draining, .overloaded: true
        case .peerLost: !wasSent
        default: false
        }
    }

    /// True when nobody has spent anything on the call: it was not sent, or sent back unread by one about to end.
    var isFree: Bool { code == .draining || (code == .peerLost && !wasSent) }

    /// One line: detail, code, and whether the call had gone out.
    public var description: String {
        let text = detail.isEmpty ? "\(code)" : "\(detail): \(code)"
        return code == .peerLost ? "\(text), \(wasSent ? "sent" : "not sent")" : text
    }
}

/// An error that keeps its type on its way to the caller.
///
/// ```swift
/// struct OutOfStock: WireFailure {
///     static let wireName = "OutOfStock"
///     let sku: String
/// }
/// ```
///
/// List it in the service's contract with ``Failure``, so that callers know its name.
public protocol WireFailure: Error, Wire {
    /// The error's name on the wire, its own within the service; it stays when the type is renamed.
    static var wireName: String { get }
}

/// An error of the callee that has no name on the wire: that there was one, and of which type, not what it says.
public struct RemoteFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The service that failed.
    public let service: String
    /// The error's type at the callee, for the log.
    public let type: String

    /// A failure of `service`.
    public init(service: String, type: String) {
        self.service = service
        self.type = type
    }

    /// One line.
    public var description: String { "\(service) failed: \(type)" }
}
