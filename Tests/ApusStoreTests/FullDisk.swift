import ApusCore
import ApusStore
import Testing

/// What is true of a store whose server's disk is full or read-only, and of the same store once it is not.
enum FullDisk {
    /// Larger than any id of a ``WriteLoad``.
    private static let first = 10_000_000_000
    private static let all: SQL = "SELECT count(*) FROM products WHERE id >= \(first)"

    /// Writes a row that needs room, in one of the ways there are.
    private static func write(_ shard: Shard<Int>, _ id: Int, bytes: Int) async -> StoreError.Code? {
        let picture = SecureRandom.bytes(bytes)
        let insert: SQL =
            "INSERT INTO products (id, name, picture) VALUES (\(first + id), \("full\(id)"), \(picture))"
        return await code {
            switch id % 3 {
            case 0: try await shard.transaction { _ = try $0.execute(insert) }
            default: try await shard.execute(insert, mayShare: id % 3 == 1)
            }
        }
    }

    /// Fills the disk under load: each way to write says so, reads go on, and writes do once there is room.
    static func expectSurvived(_ store: Store, fill: () throws -> Void, empty: () throws -> Void) async throws {
        let shard = try store.shard(for: 1)
        let heard = try await WriteLoad.run(store) { _ in
            try fill()
            var refused = 0
            var stored = 0
            // What the files have room for goes in first.
            for id in 0..<3_000 where refused < 12 {
                let code = await write(shard, id, bytes: 20_000)
                #expect(code == nil || code == .diskFull)
                if code == nil { stored += 1 } else { refused += 1 }
            }
            #expect(refused == 12)
            for _ in 0..<20 { #expect(try await shard.one(all) == stored) }
            #expect(try await shard.scan(all, as: Int.self) == [stored])
            #expect(try await shard.transaction { try $0.one(all, as: Int.self) } == stored)
            try empty()
            for id in 4_000..<4_009 { #expect(await write(shard, id, bytes: 20_000) == nil) }
            #expect(try await shard.one(all) == stored + 9)
            #expect(try await shard.execute("DELETE FROM products WHERE id >= \(first)") == stored + 9)
        }
        #expect(heard.codes.isSubset(of: [.diskFull]))
    }

    /// The same for a server that may fall of it: `empty` is over once it answers.
    static func expectNothingLost(
        _ store: Store,
        fill: () throws -> Void,
        empty: () async throws -> Void
    ) async throws {
        let shard = try store.shard(for: 1)
        let expected: Set<StoreError.Code> = [.diskFull, .unreachable, .outcomeUnknown, .deadlineExceeded]
        var isFull = false
        let heard = try await WriteLoad.run(store) { heard in
            try fill()
            var refused: [StoreError.Code] = []
            for id in 0..<3_000 where refused.count < 12 {
                if let code = await write(shard, id, bytes: 20_000) { refused.append(code) }
            }
            #expect(refused.count == 12 && expected.isSuperset(of: refused))
            isFull = heard.codes.contains(.diskFull) || refused.contains(.diskFull)
            try await empty()
            for id in 4_000..<4_009 { await eventually { await write(shard, id, bytes: 20_000) == nil } }
            #expect(try await shard.execute("DELETE FROM products WHERE id >= \(first)") >= 9)
        }
        #expect(isFull)
        #expect(heard.codes.isSubset(of: expected))
    }

    /// Makes the server read-only under load: each way to write says so, reads go on, and writes do once it is not.
    static func expectReadOnly(_ store: Store, begin: () throws -> Void, end: () throws -> Void) async throws {
        let shard = try store.shard(for: 1)
        let heard = try await WriteLoad.run(store) { heard in
            try begin()
            await eventually { heard.codes.contains(.readOnly) }
            for id in 0..<12 { #expect(await write(shard, id, bytes: 10) == .readOnly) }
            for _ in 0..<20 { #expect(try await shard.one(all) == 0) }
            #expect(try await shard.scan(all, as: Int.self) == [0])
            #expect(try await shard.transaction { try $0.one(all, as: Int.self) } == 0)
            try end()
            for id in 0..<9 { await eventually { await write(shard, id, bytes: 10) == nil } }
            #expect(try await shard.execute("DELETE FROM products WHERE id >= \(first)") == 9)
        }
        #expect(heard.codes == [.readOnly])
    }
}
