#if PostgreSQL
import ApusCore
import ApusRuntime

@testable import ApusStore

/// A store that Citus can spread: customers with orders and their lines, and countries that are everywhere.
enum CitusShop {
    static let customers = Migration(
        1,
        "customers",
        """
        CREATE TABLE countries (code VARCHAR(2) PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL,
          country VARCHAR(2) REFERENCES countries (code));
        CREATE TABLE orders (customer INTEGER NOT NULL REFERENCES customers (id), number INTEGER NOT NULL, total REAL,
          PRIMARY KEY (customer, number));
        CREATE TABLE lines (customer INTEGER NOT NULL, number INTEGER NOT NULL, line INTEGER NOT NULL, what TEXT NOT NULL,
          PRIMARY KEY (customer, number, line), FOREIGN KEY (customer, number) REFERENCES orders (customer, number));
        INSERT INTO countries VALUES ('nz', 'New Zealand');
        """
    )
    /// The same tables without keys between them.
    static let loose = Migration(
        1,
        "customers",
        """
        CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country VARCHAR(2));
        CREATE TABLE orders (customer INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (customer, number));
        CREATE TABLE lines (customer INTEGER NOT NULL, number INTEGER NOT NULL, line INTEGER NOT NULL,
          PRIMARY KEY (customer, number, line));
        CREATE TABLE countries (code VARCHAR(2) PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        """
    )
    static let carts = Migration(
        2,
        "carts",
        """
        CREATE TABLE carts (customer INTEGER PRIMARY KEY, what TEXT);
        CREATE TABLE sessions (id VARCHAR(40) PRIMARY KEY, customer INTEGER);
        """
    )

    static let tables: [StoreTable] = [
        StoreTable(
            "lines",
            primaryKey: ["customer", "number", "line"],
            follows: "orders",
            by: ["customer", "number"]
        ),
        StoreTable("customers", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) },
        StoreTable("orders", primaryKey: ["customer", "number"], key: ["customer"]) { try $0.next(Int.self) },
        .reference("countries"),
    ]
    static let cartTables: [StoreTable] = [
        StoreTable("carts", primaryKey: ["customer"], key: ["customer"]) { try $0.next(Int.self) },
        StoreTable("sessions", primaryKey: ["id"], key: ["id"]) { try $0.next(String.self) },
    ]

    /// What Citus is asked for, in order.
    static let asked = [
        "reference countries", "customers by id with none", "orders by customer with \"customers\"",
        "lines by customer with \"orders\"",
    ]
    static let askedForCarts = ["carts by customer with \"lines\"", "sessions by id with none"]

    static func store(
        _ name: String,
        shards: Int = 4,
        migrations: [Migration] = [customers],
        tables: [StoreTable] = tables
    ) -> Store {
        Store(name, shards: shards, sharding: .hash(slots: 64), migrations: migrations, tables: tables)
    }

    /// The same, opened.
    static func open(
        _ name: String,
        _ url: String?,
        shards: Int = 4,
        migrations: [Migration] = [customers],
        tables: [StoreTable] = tables,
        clock: any Clock = SystemClock()
    ) async throws -> Store {
        let store = store(name, shards: shards, migrations: migrations, tables: tables)
        try await store.open(BlockSite(url: url, dataFolder: "/tmp", clock: clock))
        return store
    }
}
#endif
