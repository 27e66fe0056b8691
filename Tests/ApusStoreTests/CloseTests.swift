import ApusCore
import ApusRuntime
import ApusStore
import Testing

@Suite struct CloseTests {
    @Test(.timeLimit(.minutes(5)))
    func `closing empties the log although a loop has read, and later reads say closed`() async throws {
        let folder = try TestFolder()
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        let store = try await openStore(folder)
        let shard = try store.shard(for: 1)
        try await shard.execute("INSERT INTO products (id, name) VALUES (1, \("one"))")
        for loop in group.loops {
            let name: String = try await onLoop(loop) { try await shard.one("SELECT name FROM products") }
            #expect(name == "one")
        }
        let log = "\(folder.path)/shard-0000.sqlite-wal"
        #expect((Files.status(log)?.size ?? 0) > 0)
        await store.close()
        #expect((Files.status(log)?.size ?? 0) == 0)
        for loop in group.loops {
            let found = try await onLoop(loop) {
                await code { let _: String = try await shard.one("SELECT name FROM products") }
            }
            #expect(found == .closed)
        }
    }

    @Test(.timeLimit(.minutes(5)))
    func `opening gives up on a lock that is not let go of, and names its file`() async throws {
        let folder = try TestFolder()
        await (try openStore(folder)).close()
        let path = "\(folder.path)/shard-0000.sqlite.lock"
        let holder = Holder(path: path)
        try holder.take()
        var configuration = StoreConfiguration()
        configuration.openDeadline = .milliseconds(20)
        do {
            _ = try await openStore(folder, configuration: configuration)
            Issue.record("it opened")
        } catch let error as StoreError {
            #expect(error.code == .busy)
            #expect(error.detail.contains(path))
        }
        holder.release()
        await (try openStore(folder)).close()
    }
}
