import ApusCore

/// Whether a server could be reached the last time that somebody tried.
final class ServerHealth: Sendable {
    private let problemText = Lock<String?>(nil)

    /// Why it could not, with the fix; `nil` where it could.
    var problem: String? { problemText.withLock { $0 } }

    func failed(_ error: StoreError) { problemText.withLock { $0 = error.detail } }
    func succeeded() { problemText.withLock { $0 = nil } }
}

/// Pauses between attempts to connect to a server.
typealias ServerPause = ReconnectPause<StoreError>

extension ServerPause {
    /// From 50 ms to 2 s.
    init() { self.init(first: .milliseconds(50), longest: .seconds(2)) }
}

extension StoreError {
    /// What became of a write that a server has committed and no replica has confirmed.
    static func unconfirmed(_ name: String) -> StoreError {
        StoreError(
            .outcomeUnknown,
            "\(name): committed, and no replica has confirmed it in time; look at synchronous_standby_names and pg_stat_replication"
        )
    }

    /// What became of a request that nobody got to in time.
    static func expired(_ name: String) -> StoreError {
        StoreError(.deadlineExceeded, "\(name): waited until its deadline")
    }
}
