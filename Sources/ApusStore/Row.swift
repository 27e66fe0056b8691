import CSQLite

/// What a query's answer is read into.
///
/// Write the initialiser by hand on hot paths, in the order of the columns:
/// ```swift
/// struct Product: Row {
///     let id: Int
///     let name: String
///     init(from row: inout RowReader) throws {
///         id = try row.next()
///         name = try row.next()
///     }
/// }
/// ```
/// A `Decodable` type gets an initialiser that goes by the columns' names, at several times the cost.
public protocol Row {
    /// Reads one row.
    ///
    /// - Throws: ``StoreError`` with code `rowMismatch` where a column holds something else.
    init(from row: inout RowReader) throws
}

extension Row where Self: Decodable {
    /// Reads one row by the names of its columns.
    public init(from row: inout RowReader) throws { self = try RowDecoder.decode(Self.self, &row) }
}

// The engine's row stands here as a bare statement: one pointer, no call through a table a column.
/// The columns of one row, left to right.
///
/// Valid only inside the initialiser it was handed to.
public struct RowReader {
    let statement: OpaquePointer
    /// The next column to be read, counted from 0.
    var column: Int32 = 0
    /// Columns before this one belong to the library, not to the row.
    var first: Int32 = 0
    let count: Int32

    init(statement: OpaquePointer, first: Int32 = 0) {
        self.statement = statement
        self.first = first
        self.column = first
        // Asked anew for each read: the engine prepares `SELECT *` again when the schema has changed.
        self.count = sqlite3_column_count(statement)
    }

    /// The library's own columns at the left; the row's stay to be read.
    mutating func leading(_ count: Int) throws -> [SQLValue] {
        column = 0
        defer { column = first }
        return try (0..<count).map { _ in try value() }
    }

    mutating func rewind() { column = first }

    /// Reads the next column.
    ///
    /// - Throws: ``StoreError`` with code `rowMismatch` where it holds something else, or is not there.
    @inlinable
    public mutating func next<Value: SQLScalar>(_ type: Value.Type = Value.self) throws -> Value {
        try Value.read(&self)
    }

    /// The next column's value.
    ///
    /// One look into the statement serves type and value. Such a value is unprotected, which is as good as the
    /// statement itself here: both belong to one thread.
    ///
    /// - SeeAlso: sqlite.org/c3ref/column_blob.html on `sqlite3_column_value`.
    @inline(__always)
    private func here() -> OpaquePointer? { column < count ? sqlite3_column_value(statement, column) : nil }

    // Always inlined: a column is read by one call from the row's initialiser, not by two.
    @inline(__always)
    mutating func integer() throws -> Int64 {
        guard let here = here(), sqlite3_value_type(here) == SQLITE_INTEGER else { throw unfit("a whole number") }
        column += 1
        return sqlite3_value_int64(here)
    }

    @inline(__always)
    mutating func real() throws -> Double {
        guard let here = here() else { throw unfit("a number") }
        let type = sqlite3_value_type(here)
        guard type == SQLITE_FLOAT || type == SQLITE_INTEGER else { throw unfit("a number") }
        column += 1
        return sqlite3_value_double(here)
    }

    @inline(__always)
    mutating func text() throws -> String {
        guard let here = here(), sqlite3_value_type(here) == SQLITE_TEXT else { throw unfit("text") }
        column += 1
        // Asked for as bytes: `sqlite3_value_text` would first copy the text to put a zero after it. A text's bytes are
        // in the file's encoding, which is UTF-8: `MigrationRunner.makeTables` refuses a file of another one.
        let start = sqlite3_value_blob(here)
        let bytes = sqlite3_value_bytes(here)
        return String(decoding: UnsafeRawBufferPointer(start: start, count: Int(bytes)), as: UTF8.self)
    }

    mutating func bytes() throws -> [UInt8] {
        guard let here = here(), sqlite3_value_type(here) == SQLITE_BLOB else { throw unfit("bytes") }
        column += 1
        let start = sqlite3_value_blob(here)
        let bytes = sqlite3_value_bytes(here)
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(bytes)))
    }

    mutating func skipNull() throws -> Bool {
        guard let here = here() else { throw unfit("a column") }
        guard sqlite3_value_type(here) == SQLITE_NULL else { return false }
        column += 1
        return true
    }

    mutating func value() throws -> SQLValue {
        guard let here = here() else { throw unfit("a column") }
        switch sqlite3_value_type(here) {
        case SQLITE_INTEGER: return .integer(try integer())
        case SQLITE_FLOAT: return .real(try real())
        case SQLITE_TEXT: return .text(try text())
        case SQLITE_BLOB: return .bytes(try bytes())
        default:
            column += 1
            return .null
        }
    }

    /// The error for a column that was just read and does not fit.
    public func mismatch(_ expected: String) -> StoreError { mismatch(expected, at: column - 1) }

    // Mutating and boxed already, so that a column that fits keeps nothing at hand for one that does not.
    @inline(never)
    private mutating func unfit(_ expected: StaticString) -> any Error { mismatch("\(expected)", at: column) }

    func mismatch(_ expected: String, at column: Int32) -> StoreError {
        guard column >= 0, column < count else {
            return StoreError(.rowMismatch, "the row has \(count - first) columns; one more was read as \(expected)")
        }
        return StoreError(.rowMismatch, "column \"\(name(of: column))\" does not hold \(expected)")
    }

    func name(of column: Int32) -> String { sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "" }
}
