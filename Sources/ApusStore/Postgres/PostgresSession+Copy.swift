#if PostgreSQL
import ApusCore
import CPostgres
import Glibc

/// Inserting many rows by COPY, which costs the server a fraction of what an INSERT a row does.
///
/// - SeeAlso: postgresql.org/docs/15/sql-copy.html, and /libpq-copy.html.
extension PostgresSession {
    /// Bytes that go out together.
    private static let copyBytes = 1 << 16

    func insert(into table: String, _ columns: [String], _ next: () throws -> [SQLValue]?) throws -> Int {
        let sql = BulkInsert.columns("COPY ", table, columns, " FROM STDIN")
        if let problem = sql.problem { throw problem }
        let text = sql.text { _ in "" }
        return try asStatement { before, after in
            if !before.isEmpty || beginText != nil { _ = try exchange(before) }
            let count = try copy(text, columns.count, next)
            if !after.isEmpty { _ = try exchange(after) }
            return count
        }
    }

    /// COPY knows no pipeline, so the connection leaves that mode for as long as it takes.
    private func copy(_ text: String, _ columns: Int, _ next: () throws -> [SQLValue]?) throws -> Int {
        guard !isBroken else { throw link.lost() }
        guard PQexitPipelineMode(link.handle) == 1, PQsendQuery(link.handle, text) == 1 else { throw broken() }
        received = 0
        var problem: (any Error)?
        var answer = try nextResult()
        if case .copying = answer {
            do {
                try send(columns, next)
            } catch {
                if isBroken { throw error }
                problem = error
            }
            // The server takes the end with a text for an error, and undoes the rows.
            while true {
                let ended = PQputCopyEnd(link.handle, problem == nil ? nil : "given up")
                guard ended >= 0 else { throw broken() }
                if ended == 1 { break }
                try awaitInput()
            }
            answer = try nextResult()
        }
        while try nextResult() != nil {}
        guard PQenterPipelineMode(link.handle) == 1 else { throw broken() }
        if let problem { throw problem }
        guard case .failed(let error) = answer else {
            return try settle(answer?.changed, nil)?.changed ?? 0
        }
        if error.endsConnection { throw broken() }
        try settle((), error)
        return 0
    }

    /// What the server says to a COPY.
    private enum CopyResult {
        case copying
        case done(PostgresAnswer)
        case failed(PostgresError)

        var changed: PostgresAnswer? { if case .done(let answer) = self { answer } else { nil } }
    }

    /// - Returns: `nil` where nothing more comes.
    private func nextResult() throws -> CopyResult? {
        while PQisBusy(link.handle) == 1 { try awaitInput() }
        guard let result = PQgetResult(link.handle) else { return nil }
        switch PQresultStatus(result) {
        case PGRES_COPY_IN:
            PQclear(result)
            return .copying
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return .done(PostgresAnswer(result))
        default:
            defer { PQclear(result) }
            return .failed(PostgresError(result))
        }
    }

    private func send(_ columns: Int, _ next: () throws -> [SQLValue]?) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.copyBytes * 2)
        while let row = try next() {
            try BulkInsert.check(row, columns)
            try PostgresCopyText.append(row, to: &bytes)
            if bytes.count >= Self.copyBytes { try put(&bytes) }
        }
        try put(&bytes)
    }

    /// Hands bytes over, and waits until they are on their way: what waits in memory is bounded.
    private func put(_ bytes: inout [UInt8]) throws {
        let taken = bytes.withUnsafeBytes { bytes in
            PQputCopyData(link.handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
        }
        guard taken == 1 else { throw broken() }
        bytes.removeAll(keepingCapacity: true)
        while true {
            let flushed = PQflush(link.handle)
            guard flushed >= 0 else { throw broken() }
            let now = clock.now().nanoseconds
            if stopping == nil, let reason = reasonToStop(now) { stopping = (reason, now + Self.graceNanoseconds) }
            if let stopping { throw stopping.reason }
            if flushed == 0 { return }
            let until = min(now + Self.lookNanoseconds, deadline)
            guard ServerSocket.wait(PQsocket(link.handle), for: POLLIN | POLLOUT, by: until) else { continue }
            guard PQconsumeInput(link.handle) == 1 else { throw broken() }
        }
    }
}

/// Rows as COPY reads them: a line each, tabs between values.
///
/// As text, so that the server reads a value as its column's type, whatever that is.
///
/// - SeeAlso: postgresql.org/docs/15/sql-copy.html, "Text Format".
enum PostgresCopyText {
    /// Adds a row.
    ///
    /// - Throws: ``StoreError`` with code `valueInvalid` for text with a zero byte, which the server cannot keep.
    static func append(_ row: [SQLValue], to bytes: inout [UInt8]) throws {
        for (index, value) in row.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "\t")) }
            switch value {
            case .null: bytes += [backslash, UInt8(ascii: "N")]
            case .integer(let number): bytes += "\(number)".utf8
            case .real(let number): bytes += "\(number)".utf8
            case .text(let text): try append(text, to: &bytes)
            case .bytes(let blob):
                bytes += [backslash, backslash, UInt8(ascii: "x")]
                for byte in blob { bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
            }
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private static let backslash = UInt8(ascii: "\\")
    private static let digits = Array("0123456789abcdef".utf8)

    private static func append(_ text: String, to bytes: inout [UInt8]) throws {
        for byte in text.utf8 {
            switch byte {
            case 0: throw StoreError(.valueInvalid, "PostgreSQL keeps no text with a zero byte")
            case backslash: bytes += [backslash, backslash]
            case UInt8(ascii: "\t"): bytes += [backslash, UInt8(ascii: "t")]
            case UInt8(ascii: "\n"): bytes += [backslash, UInt8(ascii: "n")]
            case UInt8(ascii: "\r"): bytes += [backslash, UInt8(ascii: "r")]
            default: bytes.append(byte)
            }
        }
    }
}
#endif
