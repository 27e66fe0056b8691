import ApusCore
import ApusRuntime
import ApusStore
import Testing

/// What every engine does with rows.
@Suite(.timeLimit(.minutes(5)))
struct StoreContractTests {
    @Test(arguments: TestEngine.withCitus)
    func `what was written is read back, on a loop and off it`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place, shards: 4)
        for id in 1...100 {
            try await store.shard(for: id).execute("INSERT INTO products (id, name) VALUES (\(id), \("p\(id)"))")
        }
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        for id in 1...100 {
            let sql: SQL = "SELECT id, name, stock FROM products WHERE id = \(id)"
            let off = try await store.shard(for: id).first(sql, as: Product.self)
            let on = try await onLoop(group.loops[id % 2]) {
                try await store.shard(for: id).first(sql, as: Product.self)
            }
            #expect(off == Product(id: id, name: "p\(id)"))
            #expect(on == off)
        }
        let statistics = store.statistics()
        #expect(statistics.shards.reduce(0) { $0 + $1.requests } == 100)
        // A server's shards read on loops or threads of their own for who has none.
        #expect(statistics.shards.reduce(0) { $0 + $1.localReads } == (engine == .sqlite ? 100 : 200))
        await store.close()
        #expect(await code { _ = try await store.shard(for: 1).execute("DELETE FROM products") } == .closed)
    }

    @Test(arguments: TestEngine.withCitus)
    func `a transaction that throws leaves nothing behind`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        struct Refused: Error {}
        let store = try await openStore(place)
        await #expect(throws: Refused.self) {
            try await store.shard(for: 1).transaction { transaction in
                try transaction.execute("INSERT INTO products (id, name) VALUES (1, 'a')")
                throw Refused()
            }
        }
        let count: Int = try await store.shard(for: 1).one("SELECT count(*) FROM products")
        #expect(count == 0)
        await store.close()
    }

    @Test(arguments: TestEngine.withCitus)
    func `a store that was closed opens again with its data`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let first = try await openStore(place, shards: 2)
        try await first.shard(for: 7).execute("INSERT INTO products (id, name) VALUES (7, 'seven')")
        await first.close()
        await first.close()
        let second = try await openStore(place, shards: 2)
        let name: String? = try await second.shard(for: 7).first("SELECT name FROM products WHERE id = \(7)")
        #expect(name == "seven")
        switch engine {
        case .sqlite: #expect(second.stockClient == "sqlite3 \(place.folder.path)/shard-0000.sqlite")
        case .postgres, .citus, .mysql: #expect(second.stockClient?.contains(place.schema(0)) == true)
        }
        await second.close()
    }
}
