import CSQLite

/// A prepared statement and what it was made from.
final class PreparedStatement {
    let handle: OpaquePointer
    let pieces: [SQL.Piece]
    let hash: UInt
    let isReadOnly: Bool

    init(handle: OpaquePointer, pieces: [SQL.Piece], hash: UInt) {
        self.handle = handle
        self.pieces = pieces
        self.hash = hash
        self.isReadOnly = sqlite3_stmt_readonly(handle) != 0
    }
}

/// One connection's prepared statements, found by the addresses of their text.
///
/// Bounded: when it is full all statements go, and the ones in use come back at their next run.
struct StatementCache {
    static let statementsMax = 256
    private static let tableSize = 1024
    private var table: [PreparedStatement?] = Array(repeating: nil, count: tableSize)
    private(set) var count = 0

    /// Mixes the addresses of the text; equal statements have equal addresses.
    @inline(__always)
    static func hash(_ pieces: [SQL.Piece]) -> UInt {
        var hash: UInt = 0x9E37_79B9_7F4A_7C15
        for piece in pieces {
            hash =
                (hash ^ UInt(bitPattern: piece.start) ^ UInt(truncatingIfNeeded: piece.count) << 48)
                &* 0xC2B2_AE3D_27D4_EB4F
            hash ^= hash >> 29 ^ (piece.binds ? 1 : 0)
        }
        return hash
    }

    @inline(__always)
    func find(_ pieces: [SQL.Piece], hash: UInt) -> PreparedStatement? {
        var index = Int(truncatingIfNeeded: hash) & (Self.tableSize - 1)
        while let statement = table[index] {
            if statement.hash == hash, statement.pieces == pieces { return statement }
            index = (index + 1) & (Self.tableSize - 1)
        }
        return nil
    }

    mutating func insert(_ statement: PreparedStatement) {
        if count == Self.statementsMax { removeAll() }
        var index = Int(truncatingIfNeeded: statement.hash) & (Self.tableSize - 1)
        while table[index] != nil { index = (index + 1) & (Self.tableSize - 1) }
        table[index] = statement
        count += 1
    }

    mutating func removeAll() {
        for index in table.indices {
            if let statement = table[index] { sqlite3_finalize(statement.handle) }
            table[index] = nil
        }
        count = 0
    }
}
