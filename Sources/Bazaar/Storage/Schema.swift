import Apus

/// The shop's tables.
///
/// Plain SQL that SQLite, PostgreSQL and MySQL all take; every shard has all tables.
///
/// What lies where: `products`, `companions` and `holds` by category; `sessions` by session; `carts`, `cart_lines` and `checkouts`
/// by cart; `checkout_keys` by key; `orders`, `order_lines` and `customers` by region and buyer; `notes` by name.
enum Schema {
    /// The store as Bazaar declares it.
    ///
    /// Regions have slots in proportion to their orders; what belongs to no region hashes over all slots.
    static func store(shards: Int = 4, migrations: [Migration] = migrations) -> Store {
        let slots = 4096
        return Store(
            "bazaar",
            shards: shards,
            sharding: .directory(
                [
                    Region.britain.rawValue: slots / 16 * Region.britain.sixteenths,
                    Region.europe.rawValue: slots / 16 * Region.europe.sixteenths,
                    Region.world.rawValue: slots / 16 * Region.world.sixteenths,
                ],
                others: 0
            ),
            migrations: migrations,
            tables: tables
        )
    }

    /// What the rows of each table belong to, and move with.
    static let tables = [
        StoreTable("products", primaryKey: ["category", "code"], key: ["category"], category),
        StoreTable("companions", primaryKey: ["category", "code", "place"], key: ["category"], category),
        StoreTable("holds", primaryKey: ["category", "order_number"], key: ["category"], category),
        StoreTable("sessions", primaryKey: ["id"], key: ["id"]) { SessionKey(id: try $0.next()) },
        StoreTable("carts", primaryKey: ["id"], key: ["id"], cart),
        StoreTable("cart_lines", primaryKey: ["cart_id", "product"], key: ["cart_id"], cart),
        StoreTable("checkouts", primaryKey: ["order_number"], key: ["cart_id"], cart),
        StoreTable("checkout_keys", primaryKey: ["key_text"], key: ["key_text"]) { CheckoutKey(text: try $0.next()) },
        StoreTable("customers", primaryKey: ["number"], key: ["region", "number"]) { row in
            BuyerKey(region: try row.next(), buyer: Buyer.customer(try row.next()).description)
        },
        StoreTable("orders", primaryKey: ["number"], key: ["region", "buyer"]) { row in
            BuyerKey(region: try row.next(), buyer: try row.next())
        },
        StoreTable("order_lines", primaryKey: ["order_number", "line"], follows: "orders", by: ["order_number"]),
        StoreTable("notes", primaryKey: ["name"], key: ["name"]) { NoteKey(name: try $0.next()) },
    ]

    @Sendable private static func category(_ row: inout RowReader) throws -> CategoryKey {
        CategoryKey(category: try row.next())
    }

    @Sendable private static func cart(_ row: inout RowReader) throws -> CartKey { CartKey(id: try row.next()) }

    static let migrations = [
        Migration(
            1,
            "catalogue",
            """
            CREATE TABLE products (
              category VARCHAR(16) NOT NULL, code VARCHAR(16) NOT NULL, title VARCHAR(120) NOT NULL,
              price_mills BIGINT NOT NULL CHECK (price_mills > 0), popularity INTEGER NOT NULL,
              stock INTEGER NOT NULL CHECK (stock >= 0), reserved INTEGER NOT NULL CHECK (reserved >= 0),
              sold INTEGER NOT NULL CHECK (sold >= 0),
              PRIMARY KEY (category, code));
            CREATE INDEX products_by_popularity ON products (category, popularity, code);
            CREATE TABLE holds (
              category VARCHAR(16) NOT NULL, order_number VARCHAR(16) NOT NULL, cart_id VARCHAR(32) NOT NULL,
              state VARCHAR(10) NOT NULL, pieces TEXT NOT NULL, expires_at BIGINT NOT NULL,
              PRIMARY KEY (category, order_number));
            CREATE INDEX holds_by_expiry ON holds (state, expires_at);
            """
        ),
        Migration(
            2,
            "sessions and carts",
            """
            CREATE TABLE sessions (
              id VARCHAR(32) NOT NULL PRIMARY KEY, cart_id VARCHAR(32) NOT NULL, form_token VARCHAR(32) NOT NULL,
              seen_at BIGINT NOT NULL);
            CREATE TABLE carts (
              id VARCHAR(32) NOT NULL PRIMARY KEY, version BIGINT NOT NULL, changed_at BIGINT NOT NULL);
            CREATE TABLE cart_lines (
              cart_id VARCHAR(32) NOT NULL, product VARCHAR(40) NOT NULL, position BIGINT NOT NULL,
              quantity INTEGER NOT NULL CHECK (quantity > 0),
              PRIMARY KEY (cart_id, product));
            """
        ),
        Migration(
            3,
            "checkouts",
            """
            CREATE TABLE checkout_keys (
              key_text VARCHAR(64) NOT NULL PRIMARY KEY, cart_id VARCHAR(32) NOT NULL, request TEXT NOT NULL,
              draft TEXT NOT NULL, order_number VARCHAR(16) NOT NULL, lease_until BIGINT NOT NULL,
              created_at BIGINT NOT NULL);
            CREATE INDEX checkout_keys_by_age ON checkout_keys (created_at);
            CREATE TABLE checkouts (
              order_number VARCHAR(16) NOT NULL PRIMARY KEY, cart_id VARCHAR(32) NOT NULL,
              state VARCHAR(10) NOT NULL, order_text TEXT NOT NULL, due_at BIGINT NOT NULL);
            CREATE INDEX checkouts_by_due ON checkouts (state, due_at);
            """
        ),
        Migration(
            4,
            "customers and orders",
            """
            CREATE TABLE customers (
              number BIGINT NOT NULL PRIMARY KEY, region VARCHAR(16) NOT NULL, country VARCHAR(40) NOT NULL,
              orders INTEGER NOT NULL);
            CREATE TABLE orders (
              number VARCHAR(16) NOT NULL PRIMARY KEY, region VARCHAR(16) NOT NULL, buyer VARCHAR(24) NOT NULL,
              kind VARCHAR(8) NOT NULL, country VARCHAR(40) NOT NULL, placed_at BIGINT NOT NULL,
              postage_mills BIGINT NOT NULL, adjustment_mills BIGINT NOT NULL, total_mills BIGINT NOT NULL,
              address TEXT, secret VARCHAR(32));
            CREATE INDEX orders_by_buyer ON orders (buyer, placed_at);
            CREATE TABLE order_lines (
              order_number VARCHAR(16) NOT NULL, line INTEGER NOT NULL, product VARCHAR(40), code VARCHAR(16) NOT NULL,
              title VARCHAR(120) NOT NULL, quantity INTEGER NOT NULL, unit_mills BIGINT NOT NULL,
              PRIMARY KEY (order_number, line));
            CREATE TABLE notes (name VARCHAR(32) NOT NULL PRIMARY KEY, value VARCHAR(64) NOT NULL);
            """
        ),
        Migration(
            5,
            "requests with one key walk together",
            "ALTER TABLE checkout_keys DROP COLUMN lease_until"
        ),
        Migration(
            6,
            "ways to look around",
            """
            CREATE INDEX products_by_price ON products (category, price_mills, code);
            CREATE INDEX products_by_title ON products (category, title, code);
            CREATE INDEX checkouts_by_cart ON checkouts (cart_id, due_at);
            CREATE TABLE companions (
              category VARCHAR(16) NOT NULL, code VARCHAR(16) NOT NULL, place INTEGER NOT NULL,
              companion VARCHAR(40) NOT NULL, orders INTEGER NOT NULL,
              PRIMARY KEY (category, code, place));
            """
        ),
    ]
}
