#if MySQL
import CMariaDB

/// Takes a statement's rows out of the library, one after the other.
///
/// The library writes each row into memory of ours; what does not fit there is asked for by its column.
final class MySQLRows {
    /// Bytes of a text or the like that are written at once.
    private static let inline = 256

    private enum Kind { case integer, real, decimal, text, bytes, other }

    private let names: [String]
    private let kinds: [Kind]
    private let isUnsigned: [Bool]
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

    /// The columns of a statement that has just run; `nil` where it has none.
    init?(_ statement: MySQLStatement) {
        guard let result = mysql_stmt_result_metadata(statement.handle) else { return nil }
        defer { mysql_free_result(result) }
        let columns = Int(mysql_num_fields(result))
        let fields = UnsafeBufferPointer(start: mysql_fetch_fields(result), count: columns)
        names = fields.map { String(cString: $0.name) }
        kinds = fields.map { Self.kind($0) }
        isUnsigned = fields.map { $0.flags & UInt32(UNSIGNED_FLAG) != 0 }
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
            case .integer:
                binds[column].buffer_type = MYSQL_TYPE_LONGLONG
                binds[column].is_unsigned = isUnsigned[column] ? 1 : 0
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

    /// Has the library write the statement's rows here.
    func bind(to statement: MySQLStatement) -> Bool { mysql_stmt_bind_result(statement.handle, binds) == 0 }

    /// Takes the row that was just written.
    func take(from statement: MySQLStatement) {
        count += 1
        for column in kinds.indices { cells.append(cell(column, statement)) }
    }

    /// All rows that were taken.
    func answer(changed: Int) -> MySQLAnswer {
        MySQLAnswer(changed: changed, names: names, cells: cells, storage: storage)
    }

    private func cell(_ column: Int, _ statement: MySQLStatement) -> MySQLAnswer.Cell {
        if nulls[column] != 0 { return .null }
        let start = memory + column * Self.inline
        switch kinds[column] {
        case .integer:
            let number = start.load(as: Int64.self)
            return isUnsigned[column] && number < 0 ? .other : .integer(number)
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

    /// - SeeAlso: mariadb.com/kb/en/result-set-packets; 63 is the number of the character set of bytes.
    private static func kind(_ field: MYSQL_FIELD) -> Kind {
        switch field.type {
        case MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_INT24, MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_YEAR:
            .integer
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
