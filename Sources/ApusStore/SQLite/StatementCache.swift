import CSQLite

/// One connection's prepared statements, found by the addresses of their text.
///
/// Bounded: when it is full all statements go, and the ones in use come back at their next run.
final class StatementCache {
    static let statementsMax = 256
    private static let tableSize = 512

    /// A place in the table; what one look needs lies together.
    private struct Entry {
        var fingerprint: UInt = 0
        var handle: OpaquePointer?
        var parts = SQL().parts
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
            if entries[index].fingerprint == sql.fingerprint, isStatement(at: index, sql) { return handle }
            index = (index + 1) & (Self.tableSize - 1)
        }
        return nil
    }

    /// True where the entry at `index` has the text of `sql`.
    //
    // Part by part in place: a list handed to a function would be copied first.
    @inline(__always)
    private func isStatement(at index: Int, _ sql: SQL) -> Bool {
        let count = sql.parts.count
        if entries[index].parts.count != count { return false }
        if count > 0, !entries[index].parts.first.isSameText(as: sql.parts.first) { return false }
        if count > 1, !entries[index].parts.second.isSameText(as: sql.parts.second) { return false }
        if count > 2, !entries[index].parts.third.isSameText(as: sql.parts.third) { return false }
        if count > 3, !entries[index].parts.fourth.isSameText(as: sql.parts.fourth) { return false }
        return count <= 4 || hasRest(at: index, sql)
    }

    @inline(never)
    private func hasRest(at index: Int, _ sql: SQL) -> Bool {
        (entries[index].parts.rest ?? []).elementsEqual(sql.parts.rest ?? []) { $0.isSameText(as: $1) }
    }

    func insert(_ handle: OpaquePointer, for sql: SQL) {
        if count == Self.statementsMax { removeAll() }
        var index = Int(truncatingIfNeeded: sql.fingerprint) & (Self.tableSize - 1)
        while entries[index].handle != nil { index = (index + 1) & (Self.tableSize - 1) }
        entries[index] = Entry(fingerprint: sql.fingerprint, handle: handle, parts: sql.parts)
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
