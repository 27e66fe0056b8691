#if PostgreSQL
import CPostgres

/// What the server said was wrong: its five-letter code, and the names it gave.
///
/// The server's own message is kept out: it can quote SQL and values.
struct PostgresError: Error, Sendable, Equatable {
    /// - SeeAlso: postgresql.org/docs/15/errcodes-appendix.html.
    let state: String
    /// The constraint, table, column or type that it names.
    let names: String

    init(state: String, names: String = "") {
        self.state = state
        self.names = names
    }

    /// The error of an answer.
    init(_ result: OpaquePointer?) {
        func field(_ code: Character) -> String? {
            guard let result, let value = code.asciiValue, let text = PQresultErrorField(result, Int32(value)) else {
                return nil
            }
            return String(cString: text)
        }
        state = field("C") ?? ""
        names = [
            field("n").map { "constraint \($0)" }, field("t").map { "table \($0)" },
            field("c").map { "column \($0)" }, field("d").map { "type \($0)" },
        ].compactMap { $0 }.joined(separator: ", ")
    }

    /// The code in the text of a connection that was refused; libpq hands it over in no other way.
    init?(connectionText text: String) {
        guard let match = text.firstMatch(of: #/: +((?=[A-Z]*[0-9])[0-9A-Z]{5}):\s/#) else { return nil }
        state = String(match.1)
        names = ""
    }

    /// True where the transaction lost against others: the same again may succeed.
    var isCollision: Bool { state == "40001" || state == "40P01" }

    /// True where a prepared statement is gone or its table has changed since: prepared again it may work.
    var isStale: Bool { state == "26000" || state == "0A000" }

    /// True where the server stopped the statement because somebody asked it to.
    var isCancel: Bool { state == "57014" }

    /// True where the server ends the connection with this error.
    var endsConnection: Bool { state.hasPrefix("57P") || state.hasPrefix("08") }

    /// The error in the store's words.
    ///
    /// - Parameters:
    ///   - place: The database, for people.
    ///   - isReader: Whether the session may only read, so that a refused write is the caller's mistake.
    /// - Returns: The code that tells what to do, and the names.
    func storeError(_ place: String, isReader: Bool) -> StoreError {
        let detail = "\(place): SQLSTATE \(state.isEmpty ? "unknown" : state)" + (names.isEmpty ? "" : ", \(names)")
        if state == "25006" {
            return isReader
                ? StoreError(.statementInvalid, "\(detail): a read changes nothing; use a transaction", cause: self)
                : StoreError(.readOnly, "\(detail): the server takes no writes", cause: self)
        }
        return StoreError(code, detail, cause: self)
    }

    private var code: StoreError.Code {
        switch state {
        case "23505", "23P01": .uniqueViolation
        case "23502": .notNullViolation
        case "23503", "23001": .foreignKeyViolation
        case "22001": .tooLarge
        case "40001", "40P01", "55P03", "55006": .busy
        case "57014": .deadlineExceeded
        case "53100": .diskFull
        case "3D000", "42501": .accessRefused
        case "58P01", "58P02": .corrupt
        default: classCode
        }
    }

    private var classCode: StoreError.Code {
        switch state.prefix(2) {
        case "08", "57": .unreachable
        case "22": .valueInvalid
        case "23": .checkViolation
        case "28": .accessRefused
        case "40": .busy
        case "53": .overloaded
        case "54": .tooLarge
        case "58", "": .inputOutput
        case "XX": state == "XX000" ? .inputOutput : .corrupt
        default: .statementInvalid
        }
    }
}
#endif
