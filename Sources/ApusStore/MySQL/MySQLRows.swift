#if MySQL
import CMariaDB

/// Takes a statement's rows out of the library, one after the other.
///
/// The library writes each row into memory of ours; what does not fit there is asked for by its column. It is the same memory
/// each time that the statement runs.
final class MySQLRows {
    /// Bytes of a text or the like that are written at once.
    private static let inline = 256

    private enum Kind { case integer, natural, real, decimal, text, bytes, other }

    private let names: [String]
    private let kinds: [Kind]
    private let binds: UnsafeMutablePointer<MYSQL_BIND>
    private let memory: UnsafeMutableRawPointer
    private let lengths: UnsafeMutablePointer<UInt>
    private let nulls: UnsafeMutablePointer<my_bool>
    private var cells: [MySQLAnswer.Cell] = []
    private var storage: [UInt8] = []

    /// Bytes taken so far.
    var bytes: Int { storage.count + cells.count * 8 }
    /// Rows taken so far.
    private(set) var count = 0

    /// The columns of a statement that has just run and has some.
    init(_ statement: MySQLStatement) {
        let fields = Self.fields(of: statement)
        let columns = fields.count
        names = fields.map { String(cString: $0.name) }
        kinds = fields.map { Self.kind($0) }
        binds = .allocate(capacity: columns)
        binds.initialize(repeating: MYSQL_BIND(), count: columns)
        memory = .allocate(byteCount: columns * Self.inline, alignment: 16)
        lengths = .allocate(capacity: columns)
        lengths.initialize(repeating: 0, count: columns)
        nulls = .allocate(capacity: columns)
        nulls.initialize(repeating: 0, count: columns)
        for column in 0..<columns {
            binds[column].buffer = memory + column * Self.inline
            binds[column].buffer_length = UInt(Self.inline)
            binds[column].length = lengths + column
            binds[column].is_null = nulls + column
            switch kinds[column] {
            case .integer, .natural:
                binds[column].buffer_type = MYSQL_TYPE_LONGLONG
                binds[column].is_unsigned = kinds[column] == .natural ? 1 : 0
            case .real: binds[column].buffer_type = MYSQL_TYPE_DOUBLE
            default: binds[column].buffer_type = MYSQL_TYPE_STRING
            }
        }
    }

    deinit {
        binds.deallocate()
        memory.deallocate()
        lengths.deallocate()
        nulls.deallocate()
    }

    /// Whether the statement, which has just run again, has the same columns, and the library still writes them here.
    func fit(_ statement: MySQLStatement) -> Bool {
        let fields = Self.fields(of: statement)
        guard statement.handle.pointee.bind_result_done != 0, fields.count == kinds.count else { return false }
        for column in fields.indices where Self.kind(fields[column]) != kinds[column] { return false }
        return true
    }

    /// Has the library write the statement's rows here.
    func bind(to statement: MySQLStatement) -> Bool { mysql_stmt_bind_result(statement.handle, binds) == 0 }

    /// Takes the row that was just written.
    func take(from statement: MySQLStatement) {
        if count == 0 { cells.reserveCapacity(kinds.count) }
        count += 1
        for column in kinds.indices { cells.append(cell(column, statement)) }
    }

    /// All rows that were taken; they are not here any more then.
    func answer() -> MySQLAnswer {
        defer { removeAll() }
        return MySQLAnswer(changed: 0, names: names, cells: cells, storage: storage)
    }

    /// Forgets the rows that were taken.
    func removeAll() {
        cells = []
        storage = []
        count = 0
    }

    private func cell(_ column: Int, _ statement: MySQLStatement) -> MySQLAnswer.Cell {
        if nulls[column] != 0 { return .null }
        let start = memory + column * Self.inline
        switch kinds[column] {
        case .integer: return .integer(start.load(as: Int64.self))
        case .natural:
            let number = start.load(as: Int64.self)
            return number < 0 ? .other : .integer(number)
        case .real: return .real(start.load(as: Double.self))
        case .decimal: return .decimal(keep(column, statement))
        case .text: return .text(keep(column, statement))
        case .bytes: return .bytes(keep(column, statement))
        case .other: return .other
        }
    }

    /// Copies a text or the like.
    private func keep(_ column: Int, _ statement: MySQLStatement) -> Range<Int> {
        let count = Int(lengths[column])
        let begin = storage.count
        if count <= Self.inline {
            storage.append(
                contentsOf: UnsafeRawBufferPointer(start: memory + column * Self.inline, count: count)
            )
            return begin..<storage.count
        }
        storage.append(contentsOf: repeatElement(0, count: count))
        storage.withUnsafeMutableBytes { storage in
            var length: UInt = 0
            var bind = MYSQL_BIND()
            bind.buffer_type = MYSQL_TYPE_STRING
            bind.buffer = storage.baseAddress.map { $0 + begin }
            bind.buffer_length = UInt(count)
            withUnsafeMutablePointer(to: &length) { length in
                bind.length = length
                _ = mysql_stmt_fetch_column(statement.handle, &bind, UInt32(column), 0)
            }
        }
        return begin..<storage.count
    }

    private static func fields(of statement: MySQLStatement) -> UnsafeBufferPointer<MYSQL_FIELD> {
        UnsafeBufferPointer(start: statement.handle.pointee.fields, count: Int(statement.handle.pointee.field_count))
    }

    /// - SeeAlso: mariadb.com/kb/en/result-set-packets; 63 is the number of the character set of bytes.
    private static func kind(_ field: MYSQL_FIELD) -> Kind {
        switch field.type {
        case MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_INT24, MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_YEAR:
            field.flags & UInt32(UNSIGNED_FLAG) != 0 ? .natural : .integer
        case MYSQL_TYPE_FLOAT, MYSQL_TYPE_DOUBLE: .real
        case MYSQL_TYPE_DECIMAL, MYSQL_TYPE_NEWDECIMAL: .decimal
        case MYSQL_TYPE_VARCHAR, MYSQL_TYPE_VAR_STRING, MYSQL_TYPE_STRING, MYSQL_TYPE_TINY_BLOB, MYSQL_TYPE_BLOB,
            MYSQL_TYPE_MEDIUM_BLOB, MYSQL_TYPE_LONG_BLOB, MYSQL_TYPE_ENUM, MYSQL_TYPE_SET, MYSQL_TYPE_JSON:
            field.charsetnr == 63 ? .bytes : .text
        default: .other
        }
    }
}
#endif
