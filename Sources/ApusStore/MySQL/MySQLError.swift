#if MySQL
/// What the server or the library said was wrong: its number, its SQLSTATE, and the names it gave.
///
/// The message itself is kept out: it can quote SQL and values.
///
/// - SeeAlso: mariadb.com/kb/en/mariadb-error-code-reference.
struct MySQLError: Error, Sendable, Equatable {
    let number: UInt32
    let state: String
    /// The key, constraint or column that it names.
    let names: String
    /// The operating system's number within the message of a failed file or page, or 0.
    let system: Int

    init(_ number: UInt32, state: String, message: String) {
        self.number = number
        self.state = state
        names = Self.names(number, message)
        system = message.firstMatch(of: /(?:errno: |Errcode: |error |error: )([0-9]+)/).flatMap { Int($0.1) } ?? 0
    }

    /// Only from messages whose quotes are known to hold names.
    private static func names(_ number: UInt32, _ message: String) -> String {
        switch number {
        case 1062, 1169, 1586:
            guard let at = message.ranges(of: " for key '").last else { return "" }
            return "key " + message[at.upperBound...].prefix { $0 != "'" }
        case 4025, 1451, 1452, 3819:
            guard let match = message.firstMatch(of: /(?:CONSTRAINT|constraint) [`']([^`']+)[`']/) else { return "" }
            return "constraint \(match.1)"
        case 1048, 1364, 1406, 1264, 1366, 1170:
            guard let match = message.firstMatch(of: /(?:[Cc]olumn|Field) '([^']+)'/) else { return "" }
            return "column \(match.1)"
        default: return ""
        }
    }

    /// True where the transaction lost against others, and nothing of it was kept: the same again may succeed.
    var isCollision: Bool { number == 1213 || number == 1020 || number == 1614 || state == "40001" }

    /// True where the server undid, or may have undone, the whole transaction.
    var endsTransaction: Bool { isCollision || number == 1205 }

    /// True where a prepared statement is gone or its table has changed since: prepared again it may work.
    var isStale: Bool { number == 1615 || number == 1243 || number == 2057 }

    /// What a fence around a shard that is left says: from 30,000 on numbers are programs' own.
    static let notLooked: UInt32 = 30_001
    /// True where a write was refused that has not looked whether its key is still there.
    var isNotLooked: Bool { number == Self.notLooked }

    /// True where the server stopped the statement because somebody asked it to.
    var isCancel: Bool { number == 1317 || number == 1969 || number == 3024 }

    /// True where nothing more can be asked on the connection.
    var endsConnection: Bool {
        switch number {
        case 2000...2056, 2058..<3000: true
        case 1053, 1077, 1079, 1927, 1152...1161, 1184, 4031: true
        default: state.hasPrefix("08")
        }
    }

    /// True where what a statement makes is there already, or what it takes away is gone.
    var isAlreadyDone: Bool { [1050, 1051, 1060, 1061, 1091, 1304, 1359, 1826].contains(number) }

    /// The error in the store's words.
    ///
    /// - Parameters:
    ///   - place: The database, for people.
    ///   - isReader: Whether the session may only read, so that a refused write is the caller's mistake.
    /// - Returns: The code that tells what to do, and the names.
    func storeError(_ place: String, isReader: Bool) -> StoreError {
        let detail = "\(place): error \(number), SQLSTATE \(state)" + (names.isEmpty ? "" : ", \(names)")
        if number == 1792 && isReader {
            return StoreError(.statementInvalid, "\(detail): a read changes nothing; use a transaction", cause: self)
        }
        if number == 1170 {
            return StoreError(.statementInvalid, "\(detail): a key needs VARCHAR(n) in place of TEXT", cause: self)
        }
        return StoreError(code, detail, cause: self)
    }

    private var code: StoreError.Code {
        switch number {
        case 1022, 1062, 1169, 1586: .uniqueViolation
        case 1048, 1263, 1364: .notNullViolation
        case 1216, 1217, 1451, 1452, 1557, 1761, 1762: .foreignKeyViolation
        case 3819, 4025: .checkViolation
        case 1205, 3572: .busy
        case 1290, 1792, 1836, 3100: .readOnly
        case 1021, 1114: .diskFull
        case 3, 14, 20, 1026, 1030, 1015, 1016, 1023, 1024: system == 28 ? .diskFull : .inputOutput
        case 1037, 1038, 1040, 1041, 1135, 1203, 1226, 1461: .overloaded
        case 1044, 1045, 1049, 1129, 1130, 1142, 1143, 1227, 1370, 1419, 1698, 2026, 2059, 2061, 4151: .accessRefused
        case 1071, 1118, 1153, 1162, 1301, 1406, 2020: .tooLarge
        case 1264, 1265, 1292, 1366, 1367, 1411, 1690: .valueInvalid
        case 1034, 1035, 1194, 1195, 1712, 1877, 1932: .corrupt
        case 1317, 1969, 3024: .deadlineExceeded
        default: isCollision ? .busy : endsConnection ? .unreachable : classCode
        }
    }

    private var classCode: StoreError.Code {
        switch state.prefix(2) {
        case "22": .valueInvalid
        case "23": .checkViolation
        case "28": .accessRefused
        case "40": .busy
        case "53": .overloaded
        default: .statementInvalid
        }
    }
}
#endif
