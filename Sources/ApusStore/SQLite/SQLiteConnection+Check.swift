import CSQLite

extension SQLiteConnection {
    /// What SQLite's own checks find wrong with the file: structure, indexes, constraints, foreign keys.
    ///
    /// - SeeAlso: sqlite.org/pragma.html, integrity_check and foreign_key_check.
    func integrityProblems() throws -> [String] {
        var problems = try texts("PRAGMA integrity_check(100)").filter { $0 != "ok" }
        problems += try texts("PRAGMA foreign_key_check").prefix(100).map { "a row of \($0) refers to a missing row" }
        return problems
    }

    /// The first column of a statement of ours.
    private func texts(_ text: String) throws -> [String] {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, text, -1, &prepared, nil)
        guard code == SQLITE_OK else { throw failure(code) }
        defer { sqlite3_finalize(prepared) }
        var found: [String] = []
        while true {
            let code = sqlite3_step(prepared)
            if code == SQLITE_DONE { return found }
            guard code == SQLITE_ROW else { throw failure(code) }
            found.append(sqlite3_column_text(prepared, 0).map { String(cString: $0) } ?? "")
        }
    }
}
