import ApusCore
import ApusStore
import Testing

/// Texts that break statements which are put together as text.
let hostileTexts = [
    "'", "''", "\"", "`", "\\", ";", "--", "/*", "*/", "?", "?1", ":a", "$1", "@x", "%", "_", "\u{0}", "a\u{0}b", "\n",
    "'; DROP TABLE products; --", "' OR '1'='1", "1 OR 1=1", "1; DELETE FROM products", "\") --", "🙂'", "é'; --",
    "\\(1)", "${x}", "Robert'); DROP TABLE products;--", "x' UNION SELECT name FROM sqlite_master --", "",
]

/// What becomes of SQL on every engine.
@Suite(.timeLimit(.minutes(5)))
struct SQLContractTests {
    @Test(arguments: TestEngine.withCitus)
    func `text that looks like SQL is stored and found as text, whatever it says`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        // PostgreSQL keeps no text with a zero byte, and says so.
        let texts = hostileTexts.filter { !engine.isPostgres || !$0.utf8.contains(0) }
        for (id, text) in texts.enumerated() {
            try await shard.execute("INSERT INTO products (id, name) VALUES (\(id), \(text))")
        }
        for text in hostileTexts where !texts.contains(text) {
            let insert: SQL = "INSERT INTO products (name) VALUES (\(text))"
            #expect(await code { try await shard.execute(insert) } == .valueInvalid)
            #expect(await code { try await shard.transaction { _ = try $0.execute(insert) } } == .valueInvalid)
        }
        for (id, text) in texts.enumerated() {
            let found: [Int] = try await shard.all("SELECT id FROM products WHERE name = \(text)")
            #expect(found == [id])
            let name: String? = try await shard.first("SELECT name FROM products WHERE id = \(id)")
            #expect(name == text)
            let optional: String? = text
            #expect(try await shard.all("SELECT id FROM products WHERE name = \(optional)", as: Int.self) == [id])
            let listed: [Int] = try await shard.all(
                "SELECT id FROM products WHERE name IN (\(list: [text, text + "x"]))"
            )
            #expect(listed == [id])
            let condition: SQL = "name = \(text)"
            #expect(try await shard.all("SELECT id FROM products WHERE \(sql: condition)", as: Int.self) == [id])
            let bytes = Array(text.utf8)
            try await shard.execute("UPDATE products SET picture = \(bytes) WHERE name = \(text)")
            let picture: [UInt8]? = try await shard.first("SELECT picture FROM products WHERE name = \(text)")
            #expect(picture == bytes)
        }
        let count: Int = try await shard.one("SELECT count(*) FROM products")
        #expect(count == texts.count)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a name that is none never reaches the database`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        let column = "name"
        #expect(try await shard.all("SELECT \(identifier: column) FROM products", as: String.self) == ["a"])
        let long = String(repeating: "x", count: 64)
        for text in hostileTexts + ["1a", "a b", "a.b", "naïve", long] {
            #expect(
                await code {
                    _ = try await shard.all("SELECT id FROM products ORDER BY \(identifier: text)", as: Int.self)
                }
                    == .statementInvalid
            )
        }
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `values of every kind come back as they went`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        var random = SeededRandom(seed: 7)
        for _ in 0..<200 {
            let number = Int64.random(in: .min ... .max, using: &random)
            let fraction = Double(bitPattern: random.next())
            let bytes = (0..<Int.random(in: 0...50, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(try await shard.one("SELECT \(number)") == number)
            if fraction.isFinite { #expect(try await shard.one("SELECT \(fraction)") == fraction) }
            #expect(try await shard.one("SELECT \(bytes)") == bytes)
        }
        #expect(try await shard.one("SELECT \(true)") == true)
        #expect(try await shard.one("SELECT \(Int?.none)") == Int?.none)
        #expect(try await shard.one("SELECT \(Int32.min)") == Int32.min)
        #expect(try await shard.one("SELECT \(SQLValue.real(1.5))") == SQLValue.real(1.5))
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `long statements and lists keep their values in order`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        // Of no list made of parameters alone does every engine know the types before they are bound.
        try await shard.execute(
            """
            INSERT INTO products (id, name) VALUES (\(1), \("a")), (\(2), \("b")), (\(3), \("c")), (\(4), \("d")),
            (\(5), \("e")), (\(6), \("f")), (\(7), \("g"))
            """
        )
        let names: [String] = try await shard.all("SELECT name FROM products ORDER BY id")
        #expect(names == ["a", "b", "c", "d", "e", "f", "g"])
        let none: [Int] = try await shard.all("SELECT 1 WHERE 1 IN (\(list: [Int]()))")
        #expect(none.isEmpty)
        await store.close()
    }

    @Test(
        arguments: TestEngine.withCitus,
        [
            "COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT x", "ATTACH ':memory:' AS other", "PRAGMA synchronous = OFF",
            "SELECT 1; SELECT 2", "", "SELECT ?", "SELEC 1", "SELECT * FROM nothing", "VACUUM",
        ] as [SQL]
    )
    func `a statement that is not one statement over data is refused and harms nobody`(engine: TestEngine, sql: SQL)
        async throws
    {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        #expect(await code { try await shard.execute(sql) } == .statementInvalid)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
        #expect(try await shard.one("SELECT count(*) FROM products") == 1)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a read cannot write`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        #expect(
            await code {
                _ = try await shard.first("INSERT INTO products (name) VALUES ('x') RETURNING id", as: Int.self)
            }
                == .statementInvalid
        )
        #expect(await code { _ = try await shard.scan("DELETE FROM products", as: Int.self) } == .statementInvalid)
        await store.close()
    }
}
