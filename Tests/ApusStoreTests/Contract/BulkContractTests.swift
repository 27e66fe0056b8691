import ApusCore
import ApusRuntime
import ApusStore
import Testing

/// How every engine takes many rows at once.
@Suite(.timeLimit(.minutes(5)))
struct BulkContractTests {
    private struct Refused: Error {}

    private static let columns = ["id", "name", "stock", "price", "picture"]

    private struct Item: Row, Hashable, Sendable {
        let id: Int
        let name: String
        let stock: Int
        let price: Double?
        let picture: [UInt8]?

        init(_ id: Int, _ name: String, _ price: Double? = nil, _ picture: [UInt8]? = nil) {
            self.id = id
            self.name = name
            stock = id % 7
            self.price = price
            self.picture = picture
        }

        init(from row: inout RowReader) throws {
            id = try row.next()
            name = try row.next()
            stock = try row.next()
            price = try row.next()
            picture = try row.next()
        }

        var values: [any SQLScalar] { [id, name, stock, price, picture] }
    }

    private static let all: SQL = "SELECT id, name, stock, price, picture FROM products ORDER BY id"

    @Test(arguments: TestEngine.withCitus)
    func `rows of all kinds come out as they went in`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        let texts = [
            "", "\\", "\\.", "\\N", "a\tb", "a\nb\r\n", "\u{8}\u{c}\u{b}\u{1b}", "'\"$1?", "é🦅", "\\x41", "NULL",
        ]
        var items = texts.enumerated().map { Item($0, $1 + "-\($0)", nil, [0, 10, 92, 255]) }
        // MySQL keeps no infinity, and says so.
        let numbers = [0, -0.5, 1e300, .leastNonzeroMagnitude, .infinity, -.infinity, 0.1]
            .filter { engine != .mysql || $0.isFinite }
        items += numbers.enumerated().map { Item(100 + $0, "n\($0)", $1, []) }
        // More than goes out together, in rows of several sizes.
        items += (1000..<6000).map { Item($0, String(repeating: "x", count: $0 % 100) + "\($0)", Double($0) / 3) }
        let given = items
        let count = try await shard.transaction(deadline: .seconds(60)) { transaction in
            try transaction.execute("INSERT INTO products (id, name) VALUES (-1, 'before')")
            let count = try transaction.insert(given, into: "products", Self.columns) { $0.values }
            try transaction.execute("DELETE FROM products WHERE id = -1")
            return count
        }
        #expect(count == items.count)
        #expect(try await shard.scan(Self.all, as: Item.self) == items)
        // The connection goes on as before.
        #expect(
            try await shard.transaction { try $0.one("SELECT count(*) FROM products", as: Int.self) } == items.count
        )
        #expect(try await shard.transaction { try $0.insert([Item](), into: "products", ["id"]) { [$0.id] } } == 0)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a row that is refused leaves none of its statement`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        let twice = (0..<300).map { Item($0 == 299 ? 7 : $0, "p\($0)") }
        #expect(
            await code {
                try await shard.transaction { _ = try $0.insert(twice, into: "products", Self.columns) { $0.values } }
            } == .uniqueViolation
        )
        #expect(try await shard.one("SELECT count(*) FROM products") == 0)

        // Whoever goes on after the error keeps the rest.
        try await shard.transaction { transaction in
            try transaction.execute("INSERT INTO products (id, name) VALUES (1000, 'before')")
            do {
                try transaction.insert(twice, into: "products", Self.columns) { $0.values }
                Issue.record("it was inserted")
            } catch let error as StoreError where error.code != .statementInvalid {}
            try transaction.execute("INSERT INTO products (id, name) VALUES (1001, 'after')")
            try transaction.insert([Item(1002, "more")], into: "products", Self.columns) { $0.values }
        }
        #expect(try await shard.all("SELECT id FROM products ORDER BY id") == [1000, 1001, 1002])
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `mistakes are told and leave the connection as it was`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        let items = (0..<200).map { Item($0, "p\($0)") }
        func found(_ table: String, _ columns: [String], _ values: @escaping @Sendable (Item) throws -> [any SQLScalar])
            async -> StoreError.Code?
        {
            await code { try await shard.transaction { _ = try $0.insert(items, into: table, columns, values) } }
        }
        #expect(await found("products", ["id", "name"]) { $0.id < 150 ? [$0.id, $0.name] : [$0.id] } == .valueInvalid)
        #expect(await found("nothing", ["id"]) { [$0.id] } == .statementInvalid)
        #expect(await found("products", ["id; DROP"]) { [$0.id] } == .statementInvalid)
        #expect(await found("products", ["id", "name"]) { [$0.id, String?.none] } == .notNullViolation)
        if engine.isPostgres {
            #expect(await found("products", ["id", "name"]) { [$0.id, "a\u{0}\($0.id)"] } == .valueInvalid)
        }
        if engine == .mysql {
            #expect(
                await found("products", ["id", "name", "price"]) { [$0.id, "p", Double.infinity] } == .valueInvalid
            )
        }
        await #expect(throws: Refused.self) {
            try await shard.transaction { transaction in
                try transaction.insert(items, into: "products", ["id", "name"]) { item in
                    if item.id == 199 { throw Refused() }
                    return [item.id, item.name]
                }
            }
        }
        #expect(try await shard.one("SELECT count(*) FROM products") == 0)
        try await shard.transaction { _ = try $0.execute("INSERT INTO products (id, name) VALUES (1, 'a')") }
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a bulk insert ends at its deadline`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        #expect(
            await code {
                try await shard.transaction(deadline: .milliseconds(200)) { transaction in
                    let endless = sequence(first: 0) { $0 + 1 }
                    try transaction.insert(endless, into: "products", ["id", "name"]) { [$0, "p\($0)"] }
                }
            } == .deadlineExceeded
        )
        #expect(try await shard.one("SELECT count(*) FROM products") == 0)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `rows go to the shards of their keys`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place, shards: 4)
        let items = (0..<1000).map { Item($0, "p\($0)") }
        let count = try await store.insert(items, into: "products", Self.columns, key: \.id) { $0.values }
        #expect(count == 1000)
        for id in stride(from: 0, to: 1000, by: 37) {
            let name: String? = try await store.shard(for: id).first("SELECT name FROM products WHERE id = \(id)")
            #expect(name == "p\(id)")
        }
        await store.close()
    }
}
