import CSQLite

/// One connection's prepared statements, found by the addresses of their text.
///
/// Bounded: when it is full all statements go, and the ones in use come back at their next run.
final class StatementCache {
    static let statementsMax = 256
    private static let tableSize = 1024
    private let fingerprints: UnsafeMutablePointer<UInt>
    private let handles: UnsafeMutablePointer<OpaquePointer?>
    private let pieces: UnsafeMutablePointer<ShortList<SQL.Piece>>
    private(set) var count = 0

    init() {
        fingerprints = .allocate(capacity: Self.tableSize)
        fingerprints.initialize(repeating: 0, count: Self.tableSize)
        handles = .allocate(capacity: Self.tableSize)
        handles.initialize(repeating: nil, count: Self.tableSize)
        pieces = .allocate(capacity: Self.tableSize)
        pieces.initialize(repeating: SQL().pieces, count: Self.tableSize)
    }

    deinit {
        removeAll()
        pieces.deinitialize(count: Self.tableSize)
        pieces.deallocate()
        handles.deallocate()
        fingerprints.deallocate()
    }

    @inline(__always)
    func find(_ sql: SQL) -> OpaquePointer? {
        var index = Int(truncatingIfNeeded: sql.fingerprint) & (Self.tableSize - 1)
        while let handle = handles[index] {
            if fingerprints[index] == sql.fingerprint, pieces[index] == sql.pieces { return handle }
            index = (index + 1) & (Self.tableSize - 1)
        }
        return nil
    }

    func insert(_ handle: OpaquePointer, for sql: SQL) {
        if count == Self.statementsMax { removeAll() }
        var index = Int(truncatingIfNeeded: sql.fingerprint) & (Self.tableSize - 1)
        while handles[index] != nil { index = (index + 1) & (Self.tableSize - 1) }
        handles[index] = handle
        pieces[index] = sql.pieces
        fingerprints[index] = sql.fingerprint
        count += 1
    }

    func removeAll() {
        for index in 0..<Self.tableSize {
            if let handle = handles[index] { sqlite3_finalize(handle) }
            handles[index] = nil
        }
        count = 0
    }
}
