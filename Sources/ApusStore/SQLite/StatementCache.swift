import CSQLite

/// One connection's prepared statements, found by the addresses of their text.
///
/// Bounded: when it is full all statements go, and the ones in use come back at their next run.
final class StatementCache {
    static let statementsMax = 256
    private static let tableSize = 1024

    /// A place in the table; what one look needs lies together.
    private struct Entry {
        var fingerprint: UInt = 0
        var handle: OpaquePointer?
        var pieces = SQL().pieces
    }

    private let entries: UnsafeMutablePointer<Entry>
    private(set) var count = 0

    init() {
        entries = .allocate(capacity: Self.tableSize)
        entries.initialize(repeating: Entry(), count: Self.tableSize)
    }

    deinit {
        removeAll()
        entries.deinitialize(count: Self.tableSize)
        entries.deallocate()
    }

    @inline(__always)
    func find(_ sql: SQL) -> OpaquePointer? {
        var index = Int(truncatingIfNeeded: sql.fingerprint) & (Self.tableSize - 1)
        while let handle = entries[index].handle {
            if entries[index].fingerprint == sql.fingerprint, entries[index].pieces.equals(sql.pieces) { return handle }
            index = (index + 1) & (Self.tableSize - 1)
        }
        return nil
    }

    func insert(_ handle: OpaquePointer, for sql: SQL) {
        if count == Self.statementsMax { removeAll() }
        var index = Int(truncatingIfNeeded: sql.fingerprint) & (Self.tableSize - 1)
        while entries[index].handle != nil { index = (index + 1) & (Self.tableSize - 1) }
        entries[index] = Entry(fingerprint: sql.fingerprint, handle: handle, pieces: sql.pieces)
        count += 1
    }

    func removeAll() {
        for index in 0..<Self.tableSize {
            if let handle = entries[index].handle { sqlite3_finalize(handle) }
            entries[index].handle = nil
        }
        count = 0
    }
}
