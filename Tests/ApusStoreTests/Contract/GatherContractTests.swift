import ApusCore
import ApusRuntime
import Testing

@testable import ApusStore

private struct Item: Row, Hashable, Sendable {
    let id: Int
    let group: Int?
    let name: String
    init(id: Int, group: Int?, name: String) {
        self.id = id
        self.group = group
        self.name = name
    }
    init(from row: inout RowReader) throws {
        id = try row.next()
        group = try row.next()
        name = try row.next()
    }
}

private let schema = [
    Migration(1, "items", "CREATE TABLE items (id INTEGER PRIMARY KEY, team INTEGER, name TEXT NOT NULL) STRICT")
]

/// Questions to all shards of every engine.
@Suite(.timeLimit(.minutes(5)))
struct GatherContractTests {
    private func filled(_ place: TestPlace, _ random: inout SeededRandom) async throws -> (Store, [Item]) {
        let store = try await openStore(place, shards: 4, migrations: schema)
        var items: [Item] = []
        for id in 0..<200 {
            let item = Item(
                id: id,
                group: Bool.random(using: &random) ? nil : Int.random(in: 0...3, using: &random),
                name: ["a", "b", "B", "é", ""].randomElement(using: &random) ?? ""
            )
            items.append(item)
            try await store.shard(for: id).execute("INSERT INTO items VALUES (\(id), \(item.group), \(item.name))")
        }
        return (store, items)
    }

    private func value(_ item: Item, _ column: SortColumn) -> SQLValue {
        switch column.name {
        case "id": .integer(Int64(item.id))
        case "team": item.group.sqlValue
        default: .text(item.name)
        }
    }

    @Test(arguments: TestEngine.here)
    func `pages over all shards together are the sorted table, each row once`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        var random = SeededRandom(seed: 99)
        let (store, items) = try await filled(place, &random)
        let orders: [[SortColumn]] = [
            [.ascending("id")], [.descending("id")], [.ascending("team"), .descending("id")],
            [.descending("team"), .ascending("name"), .ascending("id")], [.descending("name"), .descending("id")],
        ]
        for order in orders {
            let expected = items.sorted { left, right in
                for column in order {
                    let (a, b) = (value(left, column), value(right, column))
                    if a != b { return (a < b) != column.isDescending }
                }
                return false
            }
            for limit in [1, 7, 50, 199, 200, 500] {
                var found: [Item] = []
                var cursor: PageCursor?
                repeat {
                    let page = try await store.everyShard.page(
                        "SELECT id, team, name FROM items WHERE id >= \(0)",
                        as: Item.self,
                        order: order,
                        limit: limit,
                        after: cursor
                    )
                    #expect(page.rows.count <= limit)
                    #expect(page.answered == [0, 1, 2, 3])
                    found += page.rows
                    cursor = try page.next.map { try PageCursor($0.description) }
                } while cursor != nil && found.count <= items.count
                #expect(found == expected)
            }
        }
        await store.close()
    }

    @Test(arguments: TestEngine.here)
    func `rows of different shards that tie are not lost between pages`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place, shards: 4, migrations: schema)
        for (index, shard) in try store.everyShard.handles.enumerated() {
            try await shard.execute("INSERT INTO items VALUES (1, \(index), 'same'), (2, \(index), 'same')")
        }
        var found: [Int] = []
        var cursor: PageCursor?
        repeat {
            let page = try await store.everyShard.page(
                "SELECT team, id FROM items",
                as: Int.self,
                order: [.descending("id")],
                limit: 3,
                after: cursor
            )
            found += page.rows
            cursor = page.next
        } while cursor != nil && found.count < 20
        #expect(found == [0, 1, 2, 3, 0, 1, 2, 3])
        await store.close()
    }

    @Test(arguments: TestEngine.here)
    func `aggregates are asked of each shard and added up`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        var random = SeededRandom(seed: 3)
        let (store, items) = try await filled(place, &random)
        let counts = try await store.everyShard.all("SELECT count(*) FROM items", as: Int.self)
        #expect(counts.rows.reduce(0, +) == items.count)
        #expect(counts.isComplete)
        await store.close()
    }

    @Test(arguments: TestEngine.here)
    func `a cursor of another order, a broken one and a hostile one are refused`(engine: TestEngine) async throws {
        let place = try TestPlace(engine)
        let store = try await openStore(place, shards: 2, migrations: schema)
        for id in 0..<10 { try await store.shard(for: id).execute("INSERT INTO items VALUES (\(id), 1, 'x')") }
        func page(_ order: [SortColumn], _ cursor: PageCursor?) async throws -> Gathered<Int> {
            try await store.everyShard.page("SELECT id FROM items", order: order, limit: 2, after: cursor)
        }
        let cursor = try #require(try await page([.ascending("id")], nil).next)
        #expect(await code { _ = try await page([.descending("id")], cursor) } == .cursorInvalid)
        #expect(await code { _ = try await page([.ascending("id"), .ascending("id")], cursor) } == .cursorInvalid)
        var random = SeededRandom(seed: 12)
        let text = cursor.description
        for hostile in hostileTexts + ["0", "zz", String(text.dropLast(2)), text + "03ffffffffffffffff"] {
            #expect(await code { _ = try PageCursor(hostile) } == .cursorInvalid)
        }
        for _ in 0..<3000 {
            var bytes = Array(text.utf8)
            for _ in 0...2 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 48...102, using: &random)
            }
            // Either refused or a cursor that says the same again: never a trap.
            if let changed = try? PageCursor(String(decoding: bytes, as: UTF8.self)) {
                #expect(try PageCursor(changed.description) == changed)
            }
        }
        #expect(await code { _ = try await page([.ascending("id; DROP TABLE items")], nil) } == .statementInvalid)
        #expect(await code { _ = try await page([.ascending("nothing")], nil) } == .statementInvalid)
        await store.close()
    }
}
