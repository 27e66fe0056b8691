import ApusCore
import ApusRuntime
import ApusStore
import Testing

/// Writers and readers that go on while something happens to their server.
enum WriteLoad {
    /// What a load of writers and readers has heard.
    final class Heard: Sendable {
        struct State {
            var acknowledged: Set<Int> = []
            var unknown: Set<Int> = []
            var codes: Set<StoreError.Code> = []
            var isOver = false
        }
        let state = Lock(State())
        var acknowledged: Int { state.withLock { $0.acknowledged.count } }
        var codes: Set<StoreError.Code> { state.withLock { $0.codes } }
        var isOver: Bool { state.withLock { $0.isOver } }

        func failed(_ id: Int, _ error: any Error) throws {
            guard let error = error as? StoreError else { throw error }
            state.withLock { state in
                state.codes.insert(error.code)
                if error.code == .outcomeUnknown { state.unknown.insert(id) }
            }
        }
    }

    /// Writes one row after the other, in each of the ways there are, and reads each back.
    private static func write(_ shard: Shard<Int>, _ writer: Int, _ heard: Heard) async throws {
        var round = 0
        while !heard.isOver {
            let id = writer * 100_000_000 + round
            round += 1
            do {
                let insert: SQL = "INSERT INTO products (id, name) VALUES (\(id), \("n\(id)"))"
                switch writer % 3 {
                case 0: try await shard.transaction { _ = try $0.execute(insert) }
                default: try await shard.execute(insert, mayShare: writer % 3 == 1)
                }
                _ = heard.state.withLock { $0.acknowledged.insert(id) }
                let found: Int? = try await shard.first("SELECT id FROM products WHERE id = \(id)")
                #expect(found == id)
            } catch {
                try heard.failed(id, error)
            }
        }
    }

    /// Has a load run while `body` does something to the server.
    static func run(_ store: Store, _ body: (Heard) async throws -> Void) async throws -> Heard {
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        let heard = Heard()
        let shard = try store.shard(for: 1)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for writer in 0..<12 {
                tasks.addTask(executorPreference: group.loops[writer % 2]) {
                    try await Self.write(shard, writer, heard)
                }
            }
            defer { heard.state.withLock { $0.isOver = true } }
            await eventually { heard.acknowledged > 100 }
            try await body(heard)
            let before = heard.acknowledged
            await eventually { heard.acknowledged > before + 100 }
            heard.state.withLock { $0.isOver = true }
            try await tasks.waitForAll()
        }
        let state = heard.state.withLock { $0 }
        let stored = Set(try await shard.scan("SELECT id FROM products", as: Int.self))
        #expect(state.acknowledged.isSubset(of: stored))
        // What failed otherwise than with an unknown outcome has changed nothing.
        #expect(stored.isSubset(of: state.acknowledged.union(state.unknown)))
        return heard
    }
}
