#if PostgreSQL
import CPostgres

/// What it takes to have the server stop whatever a connection runs.
//
// `@unchecked Sendable` is sound because libpq's structure is never written after it was made, and PQcancel may be
// called by any thread (postgresql.org/docs/15/libpq-cancel.html).
final class PostgresStop: @unchecked Sendable {
    private let handle: OpaquePointer
    init(_ handle: OpaquePointer) { self.handle = handle }
    deinit { PQfreeCancel(handle) }

    /// Asks the server; blocks until it has taken the request.
    func ask() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            _ = PQcancel(handle, text.baseAddress, Int32(text.count))
        }
    }
}

extension ServerStopper {
    /// Has the server asked soon to stop what a connection runs.
    func stop(_ link: PostgresLink) {
        let stop = link.stop
        ask { stop.ask() }
    }
}
#endif
