import CSQLite

/// Beginning and ending transactions, by statements that are prepared once.
extension SQLiteConnection: MigrationSession {
    func checkText(of place: String) throws {
        let encoding: String? = try Transaction(self).first("SELECT encoding FROM pragma_encoding")
        guard encoding == "UTF-8" else {
            throw StoreError(.wrongShard, "\(place) keeps text in \(encoding ?? "an unknown encoding"), not in UTF-8")
        }
    }

    /// The statements, made at their first use.
    struct Control {
        var begin: OpaquePointer?
        var beginRead: OpaquePointer?
        var commit: OpaquePointer?
        var savepoint: OpaquePointer?
        var release: OpaquePointer?
        var schema: OpaquePointer?

        func finalize() {
            for statement in [begin, beginRead, commit, savepoint, release, schema] { sqlite3_finalize(statement) }
        }
    }

    func begin() throws {
        try control(&controls.begin, "BEGIN IMMEDIATE")
        do { try capture?.begin() } catch {
            rollback()
            throw error
        }
    }
    func beginRead() throws { try control(&controls.beginRead, "BEGIN") }
    func commit() throws {
        try capture?.keep()
        try control(&controls.commit, "COMMIT")
    }
    func savepoint() throws { try control(&controls.savepoint, "SAVEPOINT request") }
    func releaseSavepoint() throws { try control(&controls.release, "RELEASE request") }

    func rollbackSavepoint() throws {
        try run("ROLLBACK TO request")
        try releaseSavepoint()
    }

    func insert(into table: String, _ columns: [String], _ next: () throws -> [SQLValue]?) throws -> Int {
        try run("SAVEPOINT rows")
        do {
            let count = try BulkInsert.run(on: self, table, columns, next)
            try run("RELEASE rows")
            return count
        } catch {
            // The engine may have undone the whole transaction by itself.
            if !isIdle { try run("ROLLBACK TO rows; RELEASE rows") }
            throw error
        }
    }

    /// Undoes the open transaction, if there is one.
    func rollback() {
        capture?.forget()
        if !isIdle { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
    }

    /// The number that every change of the schema changes.
    func schemaVersion() throws -> Int64 {
        if controls.schema == nil { controls.schema = try prepareControl("PRAGMA schema_version") }
        defer { sqlite3_reset(controls.schema) }
        let code = sqlite3_step(controls.schema)
        guard code == SQLITE_ROW else { throw failure(code) }
        return sqlite3_column_int64(controls.schema, 0)
    }

    private func control(_ statement: inout OpaquePointer?, _ text: StaticString) throws {
        if statement == nil { statement = try prepareControl(text) }
        let code = sqlite3_step(statement)
        sqlite3_reset(statement)
        guard code == SQLITE_DONE else { throw failure(code) }
    }

    @inline(never)
    private func prepareControl(_ text: StaticString) throws -> OpaquePointer? {
        var prepared: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        let code = sqlite3_prepare_v3(handle, "\(text)", -1, flags, &prepared, nil)
        guard code == SQLITE_OK else { throw failure(code) }
        return prepared
    }
}
