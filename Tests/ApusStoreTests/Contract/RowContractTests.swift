import ApusStore
import Testing

private struct Plain: Decodable, Hashable, Sendable {
    enum Kind: String, Codable { case small, large }
    var id: Int
    var name: String
    var price: Double?
    var kind: Kind
    var level: UInt8
    var isNew: Bool
}

private enum Colour: String, SQLScalar { case red, green }

/// How rows of every engine are read.
@Suite(.timeLimit(.minutes(5)))
struct RowContractTests {
    @Test(arguments: TestEngine.withCitus)
    func `a Decodable type is read by the names of its columns`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        let sql: SQL = "SELECT 'large' AS kind, 1 AS isNew, 7 AS id, 200 AS level, 'seven' AS name, NULL AS price"
        let expected = Plain(id: 7, name: "seven", price: nil, kind: .large, level: 200, isNew: true)
        #expect(try await shard.one(sql, as: Plain.self) == expected)
        #expect(try await shard.scan(sql, as: Plain.self) == [expected])
        #expect(try await shard.transaction { try $0.all(sql, as: Plain.self) } == [expected])
        await store.close()
    }

    @Test(
        arguments: TestEngine.withCitus,
        [
            "SELECT 1 AS id", "SELECT 'x' AS id, 'a' AS name, 'small' AS kind, 1 AS level, 1 AS isNew",
            "SELECT 1 AS id, 'a' AS name, 'huge' AS kind, 1 AS level, 1 AS isNew",
            "SELECT 1 AS id, 'a' AS name, 'small' AS kind, 256 AS level, 1 AS isNew",
            "SELECT 1 AS id, 'a' AS name, 'small' AS kind, 1 AS level, 2 AS isNew",
            "SELECT 1 AS id, NULL AS name, 'small' AS kind, 1 AS level, 1 AS isNew",
        ] as [SQL]
    )
    func `a row that does not fit a Decodable type is a mismatch`(engine: TestEngine, sql: SQL) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        #expect(await code { _ = try await store.shard(for: 1).one(sql, as: Plain.self) } == .rowMismatch)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a column of another kind is a mismatch, never a guess`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        let shard = try store.shard(for: 1)
        func mismatch<T: SQLScalar & Sendable>(_ sql: SQL, _ type: T.Type) async {
            #expect(await code { _ = try await shard.one(sql, as: type) } == .rowMismatch)
        }
        await mismatch("SELECT '1'", Int.self)
        await mismatch("SELECT 1.5", Int.self)
        await mismatch("SELECT NULL", Int.self)
        await mismatch("SELECT 1", String.self)
        await mismatch("SELECT NULL", String.self)
        await mismatch("SELECT \([0] as [UInt8])", String.self)
        await mismatch("SELECT 'a'", [UInt8].self)
        await mismatch("SELECT 'a'", Double.self)
        await mismatch("SELECT 3000000000", Int32.self)
        await mismatch("SELECT -1", UInt32.self)
        await mismatch("SELECT 'blue'", Colour.self)
        #expect(try await shard.one("SELECT 2", as: Double.self) == 2)
        #expect(try await shard.one("SELECT \(Colour.green)", as: Colour.self) == .green)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a row with too few columns says so`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place)
        #expect(await code { _ = try await store.shard(for: 1).one("SELECT 1, 'a'", as: Product.self) } == .rowMismatch)
        #expect(
            await code { _ = try await store.shard(for: 1).one("SELECT 1 WHERE 1 = 0", as: Int.self) } == .rowMissing
        )
        await store.close()
    }
}
