import ApusCore

/// Tells threads that copy that nobody wants it any more.
final class StopSign: Sendable {
    private let reason = Lock<(any Error)?>(nil)

    func stop(_ error: any Error) { reason.withLock { $0 = $0 ?? error } }
    /// Throws what it was stopped for.
    func check() throws { if let error = reason.withLock({ $0 }) { throw error } }
}
