import ApusCore
import ApusRuntime

@testable import ApusStore

/// A store with what a backup meets, on every engine: keys of one row and of many, rows that follow others, numbers that the
/// engine gives, values of all kinds, a table that is everywhere.
struct BackedShop: Sendable {
    static let migrations: [Migration] = [
        Migration(
            1,
            "create buyers",
            """
            CREATE TABLE buyers (id INTEGER PRIMARY KEY, name VARCHAR(60) NOT NULL, visits INTEGER NOT NULL);
            CREATE TABLE orders (region VARCHAR(20) NOT NULL, number INTEGER NOT NULL, buyer INTEGER NOT NULL, total REAL,
              picture BLOB, PRIMARY KEY (region, number));
            CREATE TABLE order_lines (region VARCHAR(20) NOT NULL, number INTEGER NOT NULL, line INTEGER NOT NULL,
              what VARCHAR(60) NOT NULL, PRIMARY KEY (region, number, line));
            CREATE TABLE countries (code VARCHAR(2) PRIMARY KEY, name VARCHAR(60) NOT NULL);
            """
        )
    ]

    /// What a later program adds.
    static let later = Migration(2, "rate buyers", "ALTER TABLE buyers ADD COLUMN rating INTEGER NOT NULL DEFAULT 3")

    static let tables = [
        StoreTable(
            "order_lines",
            primaryKey: ["region", "number", "line"],
            follows: "orders",
            by: ["region", "number"]
        ),
        StoreTable("buyers", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) },
        StoreTable("orders", primaryKey: ["region", "number"], key: ["buyer"]) { try $0.next(Int.self) },
        StoreTable.reference("countries"),
    ]

    let store: Store

    /// Declares the store: nothing is opened yet.
    init(
        _ name: String,
        shards: Int,
        migrations: [Migration] = Self.migrations,
        tables: [StoreTable] = Self.tables
    ) {
        store = Store(name, shards: shards, sharding: .hash(slots: 64), migrations: migrations, tables: tables)
    }

    static func open(_ place: TestPlace, shards: Int, migrations: [Migration] = Self.migrations) async throws
        -> BackedShop
    {
        let shop = BackedShop(place.name, shards: shards, migrations: migrations)
        try await shop.store.open(place.site())
        return shop
    }

    /// Buyers from 1 on, some with orders, whose texts and bytes are of all kinds.
    func fill(_ buyers: Int) async throws {
        let texts = ["plain", "", "tab\tand\nline", "quote ' and \" and \\", "ümläut ☃", "NULL", "\\N"]
        try await store.insert(1...buyers, into: "buyers", ["id", "name", "visits"], key: { $0 }) {
            [$0, texts[$0 % texts.count] + "\($0)", $0 % 5]
        }
        let orders = (1...buyers).filter { $0 % 3 == 0 }.flatMap { buyer in (0..<buyer % 4).map { (buyer, $0) } }
        try await store.insert(
            orders,
            into: "orders",
            ["region", "number", "buyer", "total", "picture"],
            key: { $0.0 }
        ) { buyer, order in
            let total: Double? = order == 0 ? nil : Double(buyer) / 7 + Double(order)
            let picture: [UInt8]? = order == 1 ? nil : (0..<order * 40).map { UInt8(truncatingIfNeeded: $0 * buyer) }
            return [order % 2 == 0 ? "north" : "south", buyer * 10 + order, buyer, total, picture]
        }
        let lines = orders.flatMap { order in (0..<order.0 % 5).map { (order, $0) } }
        try await store.insert(lines, into: "order_lines", ["region", "number", "line", "what"], key: { $0.0.0 }) {
            [$0.0.1 % 2 == 0 ? "north" : "south", $0.0.0 * 10 + $0.0.1, $0.1, "w\($0.1)"]
        }
        for shard in try store.everyShard.handles {
            try await shard.execute("INSERT INTO countries (code, name) VALUES ('FR', 'France')")
        }
    }

    private struct Values: Row, Sendable {
        let text: String
        init(from row: inout RowReader) throws { text = "\(try row.values())" }
    }

    /// Everything there is, table by table, whichever shards it is on.
    func contents() async throws -> [[String]] {
        let questions: [SQL] = [
            "SELECT id, name, visits FROM buyers", "SELECT region, number, buyer, total, picture FROM orders",
            "SELECT region, number, line, what FROM order_lines",
        ]
        var contents: [[String]] = []
        for question in questions {
            contents.append(try await store.everyShard.all(question, as: Values.self).rows.map(\.text).sorted())
        }
        // What is everywhere counts once.
        let countries = try await store.everyShard.all("SELECT code, name FROM countries", as: Values.self).rows
        contents.append(Set(countries.map(\.text)).sorted())
        return contents
    }

    /// Buyers that are on a shard to which their key does not lead.
    func strays() async throws -> [Int] {
        var strays: [Int] = []
        for shard in try store.everyShard.handles {
            for id in try await shard.scan("SELECT id FROM buyers", as: Int.self) {
                if try store.shard(for: id).index != shard.index { strays.append(id) }
            }
        }
        return strays
    }
}
