#if PostgreSQL
import ApusCore
import ApusObserve
import CPostgres
import Glibc

/// One connection of libpq, non-blocking and in pipeline mode.
//
// `@unchecked Sendable` is sound because a link is made on one thread and then belongs to one loop or one thread, to
// which it is handed through a lock.
final class PostgresLink: @unchecked Sendable {
    /// What a link is for: reads that stand alone, any statement, or transactions that write.
    enum Role: Sendable { case reader, writer, transactions }

    let handle: OpaquePointer
    let role: Role
    /// The database, for errors.
    let name: String
    let statements = PostgresStatements()
    let parameters = PostgresParameters()
    /// What another thread needs to stop a statement of this link.
    let stop: PostgresStop
    private let notices: PostgresNotices
    private var isClosed = false
    /// Whose primary it leads to, and the how manyth of theirs that is.
    private(set) var members: PostgresMembers?
    private(set) var seat: PostgresMembers.Seat?

    private init(handle: OpaquePointer, role: Role, name: String, stop: PostgresStop) {
        self.handle = handle
        self.role = role
        self.name = name
        self.stop = stop
        notices = PostgresNotices(name)
        notices.listen(to: handle)
    }

    deinit { close() }

    /// Lets go of the connection; nothing but this and `deinit` may follow.
    func close() {
        if isClosed { return }
        isClosed = true
        PQfinish(handle)
    }

    /// Connects, proves who we are and sets the session up; blocks, for the look-up of the name also beyond `deadline`.
    ///
    /// - Parameters:
    ///   - place: The database.
    ///   - schema: Where its tables are.
    ///   - role: What the session may do.
    ///   - deadline: Monotonic nanoseconds.
    ///   - isWanted: Asked meanwhile whether it is still worth while.
    /// - Returns: A connection that the caller hands to whom it belongs.
    /// - Throws: ``StoreError``: `unreachable`, `accessRefused`, `overloaded`.
    static func connect(
        to place: PostgresPlace,
        schema: String,
        role: Role,
        by deadline: Int64,
        while isWanted: () -> Bool = { true }
    ) throws -> PostgresLink {
        // Who looks at the server's activity sees which shard a connection is for.
        var words = place.keywords.map { ($0.0, $0.0 == "application_name" ? "\($0.1) \(schema)" : $0.1) }
        words.append(("options", options(schema: schema, role: role)))
        guard let handle = start(words) else { throw StoreError(.tooLarge, "\(place.name): no memory to connect") }
        do {
            // The text of a refusal has the error's code in no other way.
            PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            PQsetNoticeProcessor(handle, { _, _ in }, nil)
            try finish(handle, place, by: deadline, while: isWanted)
            guard PQserverVersion(handle) >= 140_000 else {
                throw StoreError(
                    .accessRefused,
                    "\(place.name) is PostgreSQL \(PQserverVersion(handle) / 10_000); 14 or newer is needed"
                )
            }
            guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1, let stop = PQgetCancel(handle)
            else {
                throw StoreError(.unreachable, "\(place.name): the connection broke as it was made")
            }
            return PostgresLink(handle: handle, role: role, name: place.name, stop: PostgresStop(stop))
        } catch {
            PQfinish(handle)
            throw error
        }
    }

    /// The session's settings, set as it begins.
    private static func options(schema: String, role: Role) -> String {
        var settings = [
            "search_path": schema, "client_min_messages": "notice", "standard_conforming_strings": "on",
            // A server that works for somebody who is gone notices after a while.
            "client_connection_check_interval": "5s", "idle_in_transaction_session_timeout": "60s",
        ]
        switch role {
        case .reader: settings["default_transaction_read_only"] = "on"
        case .writer: settings["synchronous_commit"] = "on"
        case .transactions:
            settings["synchronous_commit"] = "on"
            // Reading a whole table, which the planner prefers while it is small, makes a serializable transaction lose
            // against everyone who writes to it (postgresql.org/docs/15/transaction-iso.html, 13.2.3).
            settings["enable_seqscan"] = "off"
        }
        settings["default_transaction_isolation"] = "read\\ committed"
        return settings.map { "-c \($0.key)=\($0.value)" }.joined(separator: " ")
    }

    private static func start(_ words: [(String, String)]) -> OpaquePointer? {
        var keys = words.map { strdup($0.0) }
        var values = words.map { strdup($0.1) }
        defer { for text in keys + values { free(text) } }
        keys.append(nil)
        values.append(nil)
        return keys.map { UnsafePointer<CChar>($0) }.withUnsafeBufferPointer { keys in
            values.map { UnsafePointer<CChar>($0) }.withUnsafeBufferPointer { values in
                PQconnectStartParams(keys.baseAddress, values.baseAddress, 0)
            }
        }
    }

    private static func finish(
        _ handle: OpaquePointer,
        _ place: PostgresPlace,
        by deadline: Int64,
        while isWanted: () -> Bool
    ) throws {
        var wanted = PGRES_POLLING_WRITING
        while PQstatus(handle) != CONNECTION_BAD {
            let now = SystemClock().now().nanoseconds
            guard
                ServerSocket.wait(
                    PQsocket(handle),
                    for: wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                    by: min(deadline, now + PostgresSession.lookNanoseconds)
                )
            else {
                guard isWanted() else {
                    throw StoreError(.unreachable, "\(place.name): another server has become the primary meanwhile")
                }
                if now < deadline { continue }
                throw StoreError(
                    .unreachable,
                    "\(place.name) did not answer in time; is it frozen, or behind a firewall?"
                )
            }
            wanted = PQconnectPoll(handle)
            if wanted == PGRES_POLLING_OK { return }
            if wanted == PGRES_POLLING_FAILED { break }
        }
        throw place.refusal(PQerrorMessage(handle).map { String(cString: $0) } ?? "")
    }

    /// The code of the last warning that came since this was asked last.
    func takeWarning() -> String? { notices.takeWarning() }

    /// Says where it leads; by whoever has made it, before anybody else has it.
    func tie(to members: PostgresMembers, _ seat: PostgresMembers.Seat) {
        self.members = members
        self.seat = seat
    }

    /// False once another server is known to be the primary: what this one says counts no more.
    @inline(__always)
    var isCurrent: Bool { members.map { $0.generation == seat?.generation } ?? true }

    /// Whether the server has given up waiting for a replica to confirm a commit, since this was asked last.
    func takeUnconfirmed() -> Bool { notices.takeUnconfirmed() }

    /// Why the connection is of no use any more.
    func lost() -> StoreError { StoreError(.unreachable, "\(name): the connection was lost") }
}
#endif
