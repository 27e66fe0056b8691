#if MySQL
import CMariaDB

/// A statement's values as the library takes them; memory that is used again for the connection's next statement.
final class MySQLParameters {
    private var binds: UnsafeMutablePointer<MYSQL_BIND>
    private var bindsCapacity = 16
    private var memory: UnsafeMutableRawPointer
    private var capacity = 1024
    /// Bytes of all values.
    private(set) var bytes = 0

    init() {
        binds = .allocate(capacity: bindsCapacity)
        memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        binds.deallocate()
        memory.deallocate()
    }

    /// Lays a statement's values out.
    ///
    /// - Throws: ``StoreError`` with code `valueInvalid` for a number that is none, which the server cannot keep.
    func set(_ sql: SQL) throws {
        bytes = 0
        try sql.forEachValue { bytes += try Self.size($0) }
        if sql.parameters > bindsCapacity {
            binds.deallocate()
            bindsCapacity = sql.parameters
            binds = .allocate(capacity: bindsCapacity)
        }
        if bytes > capacity {
            memory.deallocate()
            capacity = bytes
            memory = .allocate(byteCount: capacity, alignment: 16)
        }
        binds.initialize(repeating: MYSQL_BIND(), count: sql.parameters)
        var index = 0
        var offset = 0
        sql.forEachValue { value in
            put(value, index, offset)
            index += 1
            offset += (try? Self.size(value)) ?? 0
        }
    }

    /// Hands the values to a statement, which reads them when it runs; false where it has another number of them.
    func bind(to statement: MySQLStatement) -> Bool { mysql_stmt_bind_param(statement.handle, binds) == 0 }

    private func put(_ value: SQLValue, _ index: Int, _ offset: Int) {
        let start = memory + offset
        binds[index].buffer = start
        switch value {
        case .null: binds[index].buffer_type = MYSQL_TYPE_NULL
        case .integer(let number):
            start.storeBytes(of: number, as: Int64.self)
            binds[index].buffer_type = MYSQL_TYPE_LONGLONG
        case .real(let number):
            start.storeBytes(of: number, as: Double.self)
            binds[index].buffer_type = MYSQL_TYPE_DOUBLE
        case .text(var text):
            let count = text.withUTF8 { bytes in
                if let from = bytes.baseAddress { start.copyMemory(from: from, byteCount: bytes.count) }
                return bytes.count
            }
            binds[index].buffer_type = MYSQL_TYPE_STRING
            binds[index].buffer_length = UInt(count)
        case .bytes(let bytes):
            bytes.withUnsafeBytes { bytes in
                if let from = bytes.baseAddress { start.copyMemory(from: from, byteCount: bytes.count) }
            }
            binds[index].buffer_type = MYSQL_TYPE_BLOB
            binds[index].buffer_length = UInt(bytes.count)
        }
    }

    /// What a value takes, in whole numbers of eight bytes so that each begins where a number may.
    private static func size(_ value: SQLValue) throws -> Int {
        switch value {
        case .null, .integer: return 8
        case .real(let number):
            guard number.isFinite else { throw StoreError(.valueInvalid, "MySQL keeps no infinity and no NaN") }
            return 8
        case .text(let text): return (text.utf8.count + 8) & ~7
        case .bytes(let bytes): return (bytes.count + 8) & ~7
        }
    }
}
#endif
