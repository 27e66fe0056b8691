#if MySQL
import ApusCore
import CMariaDB
import Glibc

/// One connection of MariaDB Connector/C, non-blocking: every call that would wait for the server says so instead, and is
/// called again once the socket is ready.
///
/// - SeeAlso: mariadb.com/kb/en/using-the-non-blocking-library.
//
// `@unchecked Sendable` is sound because a link is made on one thread and then belongs to one thread or loop, to which it is
// handed through a lock.
final class MySQLLink: @unchecked Sendable {
    /// Waits until the socket is ready for what is asked, and says for what it is.
    typealias Wait = (_ asked: Int32) throws -> Int32

    let handle: UnsafeMutablePointer<MYSQL>
    let work: ServerWork
    let place: MySQLPlace
    let isMariaDB: Bool
    /// Runs prepared statements.
    let exchange: MySQLExchange
    /// What the server knows the connection by.
    let number: UInt
    private var isClosed = false

    private init(_ handle: UnsafeMutablePointer<MYSQL>, _ work: ServerWork, _ place: MySQLPlace) {
        self.handle = handle
        self.work = work
        self.place = place
        exchange = MySQLExchange(handle, name: place.name)
        isMariaDB = mariadb_connection(handle) != 0
        number = UInt(mysql_thread_id(handle))
    }

    deinit { close() }

    /// Lets go of the connection, whatever is under way; nothing but this and `deinit` may follow.
    func close() {
        if isClosed { return }
        isClosed = true
        Self.end(handle)
        exchange.close()
    }

    /// The library says good-bye to the server, which may be frozen: on a socket that is shut down it does not wait.
    ///
    /// A socket that it was still connecting is not its own yet, and it does not close it. Where there is none, it must
    /// not be asked for it: it would look at what it has freed.
    private static func end(_ handle: UnsafeMutablePointer<MYSQL>, isCutShort: Bool = false) {
        let isOwned = handle.pointee.net.pvio != nil
        let socket = isOwned || isCutShort ? mysql_get_socket(handle) : -1
        if socket >= 0 { shutdown(socket, Int32(SHUT_RDWR)) }
        mysql_close(handle)
        if !isOwned, socket >= 0 { Glibc.close(socket) }
    }

    /// Connects, proves who we are and sets the session up; blocks, for the look-up of the name also beyond `deadline`.
    ///
    /// - Parameters:
    ///   - place: The database; none where its name is left out.
    ///   - work: What the session is for.
    ///   - bytesMax: The largest message that is taken from the server.
    ///   - deadline: Monotonic nanoseconds.
    /// - Returns: A connection that the caller hands to whom it belongs.
    /// - Throws: ``StoreError``: `unreachable`, `accessRefused`, `overloaded`.
    static func connect(to place: MySQLPlace, work: ServerWork, bytesMax: Int, by deadline: Int64) throws -> MySQLLink {
        _ = libraryIsReady
        guard let handle = mysql_init(nil) else { throw StoreError(.tooLarge, "\(place.name): no memory to connect") }
        var isCutShort = false
        let wait: Wait = { asked in
            guard isReady(handle, asked, by: deadline) else {
                isCutShort = true
                throw StoreError(
                    .unreachable,
                    "\(place.name) did not answer in time; is it frozen, or behind a firewall?"
                )
            }
            return asked
        }
        do {
            try start(handle, place, bytesMax, wait)
        } catch {
            end(handle, isCutShort: isCutShort)
            throw error
        }
        let link = MySQLLink(handle, work, place)
        try link.setUp(wait)
        return link
    }

    /// The library's own start is not for several threads at a time.
    private static let libraryIsReady: Bool = mysql_server_init(0, nil, nil) == 0

    private func setUp(_ wait: Wait) throws {
        do {
            let version = Int(mysql_get_server_version(handle))
            let smallest = isMariaDB ? MySQLDialect.smallest.mariaDB : MySQLDialect.smallest.mySQL
            guard version >= smallest else {
                throw StoreError(
                    .accessRefused,
                    "\(place.name) is \(isMariaDB ? "MariaDB" : "MySQL") \(version / 10_000).\(version / 100 % 100); "
                        + "MariaDB 10.6 or MySQL 8.0.29 is needed"
                )
            }
            for command in MySQLDialect.settings(work, isMariaDB: isMariaDB) { try run(command, wait) }
            exchange.messageMax = try run("SELECT @@max_allowed_packet", wait).flatMap { Int($0) } ?? .max
        } catch let error as MySQLError {
            throw place.refusal(error, message: String(cString: mysql_error(handle)))
        }
    }

    private static func start(
        _ handle: UnsafeMutablePointer<MYSQL>,
        _ place: MySQLPlace,
        _ bytesMax: Int,
        _ wait: Wait
    ) throws {
        place.setOptions(of: handle, bytesMax: bytesMax)
        let isLocal = place.host.hasPrefix("/")
        // Kept until the end: the library looks at them again each time it goes on.
        let words: [String] = [
            isLocal ? "localhost" : place.host, place.user, place.password?.reveal() ?? "", place.database,
            isLocal ? place.host : "",
        ]
        let texts = words.map { strdup($0) }
        defer { for text in texts { free(text) } }
        let database = place.database.isEmpty ? nil : texts[3]
        let flags = UInt(CLIENT_FOUND_ROWS)
        var made: UnsafeMutablePointer<MYSQL>?
        var status = mysql_real_connect_start(
            &made,
            handle,
            texts[0],
            texts[1],
            texts[2],
            database,
            UInt32(place.port),
            isLocal ? texts[4] : nil,
            flags
        )
        while status != 0 { status = mysql_real_connect_cont(&made, handle, try wait(status)) }
        guard made != nil else { throw place.refusal(error(of: handle), message: String(cString: mysql_error(handle))) }
        // Where nothing of the certificate is to be checked, the library goes on without TLS by itself.
        if place.mode != .disable, mysql_get_ssl_cipher(handle) == nil {
            let message = "TLS is asked for, but the server does not support it"
            throw place.refusal(MySQLError(2026, state: "08004", message: message), message: message)
        }
    }

    // MARK: Asking

    /// Runs a command of ours.
    ///
    /// - Returns: The last value of the first row that it gives.
    /// - Throws: ``MySQLError``; what `wait` throws.
    @discardableResult
    func run(_ text: String, _ wait: Wait) throws -> String? {
        var text = text
        let failed = try text.withUTF8 { bytes in
            try bytes.withMemoryRebound(to: CChar.self) { bytes in
                var failed: Int32 = 0
                var status = mysql_real_query_start(&failed, handle, bytes.baseAddress, UInt(bytes.count))
                while status != 0 { status = mysql_real_query_cont(&failed, handle, try wait(status)) }
                return failed
            }
        }
        guard failed == 0 else { throw Self.error(of: handle) }
        var result: UnsafeMutablePointer<MYSQL_RES>?
        var status = mysql_store_result_start(&result, handle)
        while status != 0 { status = mysql_store_result_cont(&result, handle, try wait(status)) }
        guard let result else {
            guard mysql_errno(handle) == 0 else { throw Self.error(of: handle) }
            return nil
        }
        defer { mysql_free_result(result) }
        let columns = Int(mysql_num_fields(result))
        guard let row = mysql_fetch_row(result), columns > 0, let value = row[columns - 1] else { return nil }
        return String(cString: value)
    }

    /// Waits for the socket; false once the deadline is over.
    static func isReady(_ handle: UnsafeMutablePointer<MYSQL>, _ asked: Int32, by deadline: Int64) -> Bool {
        let events =
            (asked & MYSQL_WAIT_READ != 0 ? POLLIN : 0) | (asked & MYSQL_WAIT_WRITE != 0 ? POLLOUT : 0)
            | (asked & MYSQL_WAIT_EXCEPT != 0 ? POLLPRI : 0)
        return ServerSocket.wait(mysql_get_socket(handle), for: events, by: deadline)
    }

    /// What went wrong last.
    static func error(of handle: UnsafeMutablePointer<MYSQL>) -> MySQLError {
        MySQLError(
            mysql_errno(handle),
            state: String(cString: mysql_sqlstate(handle)),
            message: String(cString: mysql_error(handle))
        )
    }

    /// Why the connection is of no use any more.
    func lost() -> StoreError { StoreError(.unreachable, "\(place.name): the connection was lost") }
}
#endif
