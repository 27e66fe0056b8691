import ApusCore
import ApusRuntime
import Testing

@testable import ApusStore

/// A store with what resharding meets: keys of one row and of many, rows that follow others, a table that is everywhere.
struct MovingShop: Sendable {
    static let migrations: [Migration] = [
        Migration(
            1,
            "create buyers",
            """
            CREATE TABLE buyers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, visits INTEGER NOT NULL);
            CREATE TABLE orders (number VARCHAR(40) PRIMARY KEY, buyer INTEGER NOT NULL, total REAL, picture BLOB);
            CREATE TABLE "lines" (number VARCHAR(40) NOT NULL, line INTEGER NOT NULL, what TEXT NOT NULL,
              PRIMARY KEY (number, line));
            CREATE TABLE countries (code VARCHAR(2) PRIMARY KEY, name TEXT NOT NULL);
            """
        )
    ]

    static let tables = [
        StoreTable("buyers", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) },
        StoreTable("orders", primaryKey: ["number"], key: ["buyer"]) { try $0.next(Int.self) },
        StoreTable("lines", primaryKey: ["number", "line"], follows: "orders", by: ["number"]),
        StoreTable.reference("countries"),
    ]

    let store: Store

    /// What a later program adds.
    static let later = Migration(2, "rate buyers", "ALTER TABLE buyers ADD COLUMN rating INTEGER NOT NULL DEFAULT 3")

    /// Declares the store: nothing is opened yet.
    init(
        _ name: String = "moving",
        shards: Int = 2,
        slots: Int = 64,
        share: Double = 1,
        migrations: [Migration] = Self.migrations,
        tables: [StoreTable] = Self.tables
    ) {
        var configuration = StoreConfiguration()
        configuration.moveShare = share
        store = Store(
            name,
            shards: shards,
            sharding: .hash(slots: slots),
            migrations: migrations,
            tables: tables,
            configuration: configuration
        )
    }

    static func open(
        _ place: TestPlace,
        shards: Int = 2,
        slots: Int = 64,
        share: Double = 1,
        migrations: [Migration] = Self.migrations,
        tables: [StoreTable] = Self.tables
    ) async throws -> MovingShop {
        let shop = MovingShop(
            place.name,
            shards: shards,
            slots: slots,
            share: share,
            migrations: migrations,
            tables: tables
        )
        try await shop.store.open(place.site())
        return shop
    }

    /// Buyers from 0 on; each third has orders, of 0 to 4 lines.
    func fill(_ buyers: Int) async throws {
        try await store.insert(0..<buyers, into: "buyers", ["id", "name", "visits"], key: { $0 }) { [$0, "b\($0)", 0] }
        let orders = (0..<buyers).filter { $0 % 3 == 0 }.flatMap { buyer in (0..<buyer % 4).map { (buyer, $0) } }
        try await store.insert(orders, into: "orders", ["number", "buyer", "total", "picture"], key: { $0.0 }) {
            ["\($0.0)-\($0.1)", $0.0, Double($0.1) + 0.5, [UInt8](repeating: UInt8($0.1), count: 20)]
        }
        let lines = orders.flatMap { order in (0..<order.0 % 5).map { (order, $0) } }
        try await store.insert(lines, into: "lines", ["number", "line", "what"], key: { $0.0.0 }) {
            ["\($0.0.0)-\($0.0.1)", $0.1, "w\($0.1)"]
        }
        for shard in try store.everyShard.handles {
            try await shard.execute("INSERT INTO countries (code, name) VALUES ('FR', 'France')")
        }
    }

    private struct Values: Row, Sendable {
        let text: String
        init(from row: inout RowReader) throws { text = "\(try row.values())" }
    }

    /// Everything there is, table by table, in order, as one question to all shards finds it.
    func contents() async throws -> [[String]] {
        let questions: [SQL] = [
            "SELECT id, name, visits FROM buyers", "SELECT number, buyer, total, picture FROM orders",
            "SELECT number, line, what FROM \"lines\"",
        ]
        var contents: [[String]] = []
        for question in questions {
            contents.append(try await store.everyShard.all(question, as: Values.self).rows.map(\.text).sorted())
        }
        return contents
    }

    /// Finds what is not where its key leads, or is there twice.
    func check() async throws -> [String] {
        var wrong: [String] = []
        var seen: Set<Int> = []
        for shard in try store.everyShard.handles {
            for id in try await shard.scan("SELECT id FROM buyers", as: Int.self) {
                if try store.shard(for: id).index != shard.index { wrong.append("buyer \(id) on shard \(shard.index)") }
                if !seen.insert(id).inserted { wrong.append("buyer \(id) twice") }
            }
            for buyer in try await shard.scan("SELECT buyer FROM orders", as: Int.self)
            where try store.shard(for: buyer).index != shard.index {
                wrong.append("an order of \(buyer) on shard \(shard.index)")
            }
            let orphans: Int = try await shard.one(
                "SELECT count(*) FROM \"lines\" WHERE number NOT IN (SELECT number FROM orders)"
            )
            if orphans > 0 { wrong.append("\(orphans) lines without their order on shard \(shard.index)") }
        }
        return wrong
    }
}
