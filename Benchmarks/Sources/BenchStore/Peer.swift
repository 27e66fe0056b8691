import ApusCore
import CSQLite

/// The C API as a careful program uses it: statements prepared once, the same pragmas, one thread.
final class Peer {
    let handle: OpaquePointer

    init(path: String, isReader: Bool, pageBytes: Int) throws {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &opened, flags, nil) == SQLITE_OK, let opened else { throw Failure.open(path) }
        handle = opened
        try run("PRAGMA page_size = \(pageBytes)")
        try run("PRAGMA cache_size = -2048")
        try run("PRAGMA temp_store = MEMORY")
        try run("PRAGMA foreign_keys = ON")
        if isReader {
            try run("PRAGMA query_only = ON")
        } else {
            try run("PRAGMA journal_mode = WAL")
            try run("PRAGMA synchronous = FULL")
            try run("PRAGMA wal_autocheckpoint = 10000")
        }
    }

    deinit { sqlite3_close_v2(handle) }

    enum Failure: Error { case open(String), run(Int32) }

    func run(_ text: String) throws {
        let code = sqlite3_exec(handle, text, nil, nil, nil)
        guard code == SQLITE_OK else { throw Failure.run(code) }
    }

    func prepare(_ text: String) throws -> OpaquePointer {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw Failure.run(code) }
        return statement
    }

    /// One transaction after the other, each with its own sync, until `nanoseconds` have passed.
    ///
    /// - Returns: Commits a second.
    func commitRate(nanoseconds: Int64, rows: Int, seed: UInt64) throws -> Double {
        let begin = try prepare("BEGIN IMMEDIATE")
        let update = try prepare("UPDATE products SET stock = stock + 1 WHERE id = ?")
        let commit = try prepare("COMMIT")
        defer { for statement in [begin, update, commit] { sqlite3_finalize(statement) } }
        var random = SeededRandom(seed: seed)
        let clock = SystemClock()
        let start = clock.now()
        var count = 0
        while true {
            for _ in 0..<16 {
                sqlite3_step(begin)
                sqlite3_reset(begin)
                sqlite3_bind_int64(update, 1, Int64.random(in: 1...Int64(rows), using: &random))
                guard sqlite3_step(update) == SQLITE_DONE else { throw Failure.run(sqlite3_errcode(handle)) }
                sqlite3_reset(update)
                guard sqlite3_step(commit) == SQLITE_DONE else { throw Failure.run(sqlite3_errcode(handle)) }
                sqlite3_reset(commit)
                count += 1
            }
            let spent = clock.now() - start
            if spent.nanoseconds >= nanoseconds { return Double(count) / spent.seconds }
        }
    }
}
