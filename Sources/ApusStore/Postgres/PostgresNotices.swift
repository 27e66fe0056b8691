#if PostgreSQL
import ApusCore
import ApusObserve
import CPostgres

/// What a server says besides its answers, such as RAISE WARNING in a function: lines of the log.
///
/// That something to be made is there already is no news. Of one connection's notices ``linesMax`` a second are written;
/// the next line says how many were left out.
//
// libpq gets a bare pointer to it, which is sound because its link keeps it until the connection is closed.
final class PostgresNotices {
    static let linesMax = 10
    private static let textMax = 500
    private static let log = Log("store")

    private let name: String
    private var second: Int64 = 0
    private var lines = 0
    private var left = 0
    private var warning: String?
    private var isUnconfirmed = false

    init(_ name: String) { self.name = name }

    /// Hears what libpq hears on a connection, from now on.
    func listen(to handle: OpaquePointer) {
        PQsetNoticeReceiver(
            handle,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<PostgresNotices>.fromOpaque(context).takeUnretainedValue().heard(result)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func heard(_ result: OpaquePointer) {
        func field(_ code: Character) -> String {
            guard let value = code.asciiValue, let text = PQresultErrorField(result, Int32(value)) else { return "" }
            return String(cString: text)
        }
        // A commit that waited for a replica, and was stopped: the server answers as if all were well. The text is in any language.
        if field("R") == "SyncRepWaitForLSN" { isUnconfirmed = true }
        let state = field("C")
        if field("V") == "WARNING" { warning = state }
        guard !state.hasPrefix("42P0"), mayWrite(at: SystemClock().now().nanoseconds / 1_000_000_000) else { return }
        let level: LogLevel = field("V") == "WARNING" ? .warning : .info
        Self.log.write(
            level,
            "a notice of the database",
            [
                "database": .string(name), "sqlstate": .string(state),
                "text": .string(String(field("M").prefix(Self.textMax))), "left_out": .int(left),
            ]
        )
        left = 0
    }

    /// The code of the last warning that came since this was asked last.
    func takeWarning() -> String? {
        defer { warning = nil }
        return warning
    }

    /// Whether a commit was answered that no replica has confirmed.
    func takeUnconfirmed() -> Bool {
        defer { isUnconfirmed = false }
        return isUnconfirmed
    }

    /// Whether another line may be written in this second.
    func mayWrite(at now: Int64) -> Bool {
        if now != second { (second, lines) = (now, 0) }
        lines += 1
        if lines > Self.linesMax { left += 1 }
        return lines <= Self.linesMax
    }
}
#endif
