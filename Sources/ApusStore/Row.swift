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

// SQLite's row stands here as a bare statement: one pointer, no call through a table a column. A row of another engine
// is asked through its `RowSource`.
/// The columns of one row, left to right.
///
/// Valid only inside the initialiser it was handed to.
public struct RowReader {
    let statement: OpaquePointer
    /// The next column to be read, counted from 0.
    var column: Int32 = 0
    /// Columns before this one belong to the library, not to the row; an answer has 2,000 columns at most.
    let first: Int16
    /// True where `statement` is no statement of SQLite but a ``RowSource``.
    let isForeign: Bool
    let count: Int32

    init(statement: OpaquePointer, first: Int32 = 0) {
        self.statement = statement
        self.first = Int16(truncatingIfNeeded: first)
        isForeign = false
        self.column = first
        // Asked anew for each read: the engine prepares `SELECT *` again when the schema has changed.
        self.count = sqlite3_column_count(statement)
    }

    /// Reads the rows of another engine's answer, which stays alive as long as this.
    init(_ source: RowSource, first: Int = 0) {
        statement = OpaquePointer(Unmanaged.passUnretained(source).toOpaque())
        self.first = Int16(truncatingIfNeeded: first)
        isForeign = true
        column = Int32(first)
        count = Int32(source.columns)
    }

    var source: RowSource { Unmanaged<RowSource>.fromOpaque(UnsafeRawPointer(statement)).takeUnretainedValue() }

    /// The library's own columns at the left; the row's stay to be read.
    mutating func leading(_ count: Int) throws -> [SQLValue] {
        column = 0
        defer { rewind() }
        return try (0..<count).map { _ in try value() }
    }

    mutating func rewind() { column = Int32(first) }

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
        if isForeign { return try foreign("a whole number") { $0.integer($1) } }
        guard let here = here(), sqlite3_value_type(here) == SQLITE_INTEGER else { throw unfit("a whole number") }
        column += 1
        return sqlite3_value_int64(here)
    }

    @inline(__always)
    mutating func real() throws -> Double {
        if isForeign { return try foreign("a number") { $0.real($1) } }
        guard let here = here() else { throw unfit("a number") }
        let type = sqlite3_value_type(here)
        guard type == SQLITE_FLOAT || type == SQLITE_INTEGER else { throw unfit("a number") }
        column += 1
        return sqlite3_value_double(here)
    }

    @inline(__always)
    mutating func text() throws -> String {
        if isForeign { return try foreign("text") { $0.text($1) } }
        guard let here = here(), sqlite3_value_type(here) == SQLITE_TEXT else { throw unfit("text") }
        column += 1
        // Asked for as bytes: `sqlite3_value_text` would first copy the text to put a zero after it. A text's bytes are
        // in the file's encoding, which is UTF-8: `MigrationRunner.makeTables` refuses a file of another one.
        let start = sqlite3_value_blob(here)
        let bytes = sqlite3_value_bytes(here)
        return String(decoding: UnsafeRawBufferPointer(start: start, count: Int(bytes)), as: UTF8.self)
    }

    mutating func bytes() throws -> [UInt8] {
        if isForeign { return try foreign("bytes") { $0.bytes($1) } }
        guard let here = here(), sqlite3_value_type(here) == SQLITE_BLOB else { throw unfit("bytes") }
        column += 1
        let start = sqlite3_value_blob(here)
        let bytes = sqlite3_value_bytes(here)
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(bytes)))
    }

    mutating func skipNull() throws -> Bool {
        if isForeign {
            guard column < count else { throw unfit("a column") }
            guard source.isNull(Int(column)) else { return false }
            column += 1
            return true
        }
        guard let here = here() else { throw unfit("a column") }
        guard sqlite3_value_type(here) == SQLITE_NULL else { return false }
        column += 1
        return true
    }

    mutating func value() throws -> SQLValue {
        if isForeign { return try foreign("a value that it can read") { $0.value($1) } }
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
            return StoreError(
                .rowMismatch,
                "the row has \(count - Int32(first)) columns; one more was read as \(expected)"
            )
        }
        return StoreError(.rowMismatch, "column \"\(name(of: column))\" does not hold \(expected)")
    }

    func name(of column: Int32) -> String {
        if isForeign { return source.name(of: Int(column)) }
        return sqlite3_column_name(statement, column).map { String(cString: $0) } ?? ""
    }

    /// The column of a name, whatever the case of its letters.
    func column(named name: String) -> Int32? {
        (Int32(first)..<count).first { column in
            if isForeign { return sqlite3_stricmp(source.name(of: Int(column)), name) == 0 }
            guard let found = sqlite3_column_name(statement, column) else { return false }
            return sqlite3_stricmp(found, name) == 0
        }
    }

    /// Reads the next column of another engine's row.
    @inline(never)
    private mutating func foreign<Value>(_ expected: StaticString, _ read: (RowSource, Int) -> Value?) throws -> Value {
        guard column < count, let value = read(source, Int(column)) else { throw unfit(expected) }
        column += 1
        return value
    }
}
