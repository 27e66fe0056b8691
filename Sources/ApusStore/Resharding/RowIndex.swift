import ApusCore
import ApusRuntime

/// Where the rows of a shard belong: for each row its key's place and its primary key, in a file that is thrown away.
///
/// What it says may be late: a row may be gone. What it does not say is missing: every row that is there when it is made, or is
/// noted afterwards, is in it.
//
// `@unchecked Sendable` is sound because one move uses it, whose steps come one after the other.
final class RowIndex: @unchecked Sendable {
    /// A row by its table's number and its primary key.
    struct Entry: Sendable, Hashable, Codable {
        var table: Int
        var primaryKey: [SQLValue]
    }

    private let connection: SQLiteConnection
    private let path: String

    /// A new index; one that is there is thrown away.
    init(path: String, configuration: StoreConfiguration) throws {
        self.path = path
        Self.remove(path)
        var configuration = configuration
        configuration.rowsMax = .max
        connection = try SQLiteConnection(path: path, configuration: configuration, isReader: false)
        // It is made again after a crash.
        try connection.run("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF")
        try connection.run(
            """
            CREATE TABLE rows (tbl INTEGER NOT NULL, pk BLOB NOT NULL, slot INTEGER NOT NULL, hash INTEGER NOT NULL,
              PRIMARY KEY (tbl, pk)) WITHOUT ROWID;
            CREATE INDEX rows_by_place ON rows (slot, hash)
            """
        )
    }

    deinit {
        connection.close()
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        for end in ["", "-wal", "-shm", "-journal"] { try? Files.remove(path + end) }
    }

    /// Hashes are unsigned, SQLite's numbers are not: the same order for both.
    private static func number(_ hash: UInt64) -> Int64 { Int64(bitPattern: hash ^ 1 << 63) }
    private static func hash(_ number: Int64) -> UInt64 { UInt64(bitPattern: number) ^ 1 << 63 }

    /// Adds rows, or has them somewhere else; in one transaction.
    func add(_ rows: [(entry: Entry, place: KeyPlace)]) throws {
        if rows.isEmpty { return }
        try connection.begin()
        do {
            for (entry, place) in rows {
                _ = try connection.execute(
                    """
                    INSERT INTO rows (tbl, pk, slot, hash)
                    VALUES (\(entry.table), \(try Self.encode(entry.primaryKey)), \(place.slot), \(Self.number(place.hash)))
                    ON CONFLICT (tbl, pk) DO UPDATE SET slot = excluded.slot, hash = excluded.hash
                    """
                )
            }
            try connection.commit()
        } catch {
            connection.rollback()
            throw error
        }
    }

    private struct Found: Row {
        let hash: Int64
        let entry: Entry
        init(from row: inout RowReader) throws {
            hash = try row.next()
            entry = Entry(table: try row.next(), primaryKey: try RowIndex.decode(try row.bytes()))
        }
    }

    /// The rows of the next keys of a slot: whole keys, from `cursor` on, of about `most` rows.
    ///
    /// - Returns: The rows, and the hash behind the last key; `nil` for it where the slot has no more keys.
    func next(_ slot: Int, from cursor: UInt64, most: Int) throws -> (rows: [Entry], until: UInt64?) {
        let found: [Found] = try Transaction(connection).all(
            """
            SELECT hash, tbl, pk FROM rows WHERE slot = \(slot) AND hash >= \(Self.number(cursor))
            ORDER BY hash LIMIT \(most + 1)
            """
        )
        guard found.count > most, let last = found.last else { return (found.map(\.entry), nil) }
        // The last key may have more rows than were asked for: it comes the next time, or it comes alone and whole.
        let whole = found.filter { $0.hash != last.hash }
        if !whole.isEmpty { return (whole.map(\.entry), Self.hash(last.hash)) }
        let all: [Found] = try Transaction(connection).all(
            "SELECT hash, tbl, pk FROM rows WHERE slot = \(slot) AND hash = \(last.hash)"
        )
        let hash = Self.hash(last.hash)
        return (all.map(\.entry), hash == .max ? nil : hash + 1)
    }

    /// The rows of a slot's keys from `cursor` on, below `until`.
    func rows(of slot: Int, from cursor: UInt64, below until: UInt64?) throws -> [Entry] {
        if until == 0 { return [] }
        let found: [Found] = try Transaction(connection).all(
            """
            SELECT hash, tbl, pk FROM rows WHERE slot = \(slot) AND hash >= \(Self.number(cursor))
            AND hash <= \(until.map { Self.number($0 - 1) } ?? .max) ORDER BY hash
            """
        )
        return found.map(\.entry)
    }

    /// Forgets the rows of keys that have moved.
    func remove(_ slot: Int, below hash: UInt64?) throws {
        let bound = hash.map { $0 == 0 ? Int64.min : Self.number($0) }
        guard let bound else {
            _ = try connection.execute("DELETE FROM rows WHERE slot = \(slot)")
            return
        }
        _ = try connection.execute("DELETE FROM rows WHERE slot = \(slot) AND hash < \(bound)")
    }

    /// How many rows the key has that has the most.
    func largestKey() throws -> Int {
        try Transaction(connection).one(
            "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM rows GROUP BY slot, hash)"
        )
    }

    /// How many rows each slot has.
    func counts() throws -> [Int: Int] {
        struct Count: Row {
            let slot: Int
            let rows: Int
            init(from row: inout RowReader) throws {
                slot = try row.next()
                rows = try row.next()
            }
        }
        let found: [Count] = try Transaction(connection).all("SELECT slot, count(*) FROM rows GROUP BY slot")
        return Dictionary(found.map { ($0.slot, $0.rows) }) { first, _ in first }
    }

    // MARK: Primary keys as bytes

    static func encode(_ values: [SQLValue]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ kind: UInt8, _ number: UInt64) {
            bytes.append(kind)
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for value in values {
            switch value {
            case .null: throw StoreError(.valueInvalid, "a primary key has no NULL")
            case .integer(let number): append(1, UInt64(bitPattern: number))
            case .real(let number): append(2, number.bitPattern)
            case .text(let text):
                append(3, UInt64(text.utf8.count))
                bytes.append(contentsOf: text.utf8)
            case .bytes(let data):
                append(4, UInt64(data.count))
                bytes.append(contentsOf: data)
            }
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8]) throws -> [SQLValue] {
        var rest = bytes[...]
        var values: [SQLValue] = []
        while let kind = rest.popFirst() {
            guard rest.count >= 8 else { throw StoreError(.corrupt, "a primary key in the index of rows is cut off") }
            let number = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            rest = rest.dropFirst(8)
            switch kind {
            case 1: values.append(.integer(Int64(bitPattern: number)))
            case 2: values.append(.real(Double(bitPattern: number)))
            case 3, 4:
                guard number <= UInt64(rest.count) else {
                    throw StoreError(.corrupt, "a primary key in the index of rows is cut off")
                }
                let data = rest.prefix(Int(number))
                values.append(kind == 3 ? .text(String(decoding: data, as: UTF8.self)) : .bytes(Array(data)))
                rest = rest.dropFirst(Int(number))
            default: throw StoreError(.corrupt, "a primary key in the index of rows is none")
            }
        }
        return values
    }
}
