import ApusCore
import Testing

@testable import ApusStore

@Suite struct SharedLookTests {
    private struct Refused: Error {}

    /// Twenty who ask while a look is under way.
    private func together(_ second: @escaping @Sendable () throws -> Void) async throws -> (looks: Int, failed: Int) {
        let (looks, count, failed) = (SharedLook(), Lock(0), Lock(0))
        let gate = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let begun = AsyncStream<Void>.makeStream()
            tasks.addTask {
                try await looks.run {
                    count.withLock { $0 += 1 }
                    begun.continuation.finish()
                    for await _ in gate.stream {}
                }
            }
            for await _ in begun.stream {}
            for _ in 0..<20 {
                tasks.addTask {
                    do {
                        try await looks.run {
                            count.withLock { $0 += 1 }
                            try second()
                        }
                    } catch is Refused { failed.withLock { $0 += 1 } }
                }
            }
            while looks.waiting < 20 { await Task.yield() }
            gate.continuation.finish()
            try await tasks.waitForAll()
        }
        // It can be asked again.
        try await looks.run { count.withLock { $0 += 1 } }
        return (count.withLock { $0 }, failed.withLock { $0 })
    }

    @Test
    func `all who ask while a look is under way have the next one together`() async throws {
        let found = try await together {}
        #expect(found == (3, 0))
    }

    @Test
    func `where a look fails, it fails for all who waited for it and for nobody else`() async throws {
        let found = try await together { throw Refused() }
        #expect(found == (3, 20))
    }

    @Test
    func `no two looks are under way at a time, and each is one that began after it was asked for`() async throws {
        let looks = SharedLook()
        let state = Lock<(begun: Int, ended: Int, now: Int, most: Int)>((0, 0, 0, 0))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    for _ in 0..<200 {
                        let before = state.withLock { $0.begun }
                        try await looks.run {
                            let number = state.withLock { state in
                                state.begun += 1
                                state.now += 1
                                state.most = max(state.most, state.now)
                                return state.begun
                            }
                            await Task.yield()
                            state.withLock { state in
                                state.now -= 1
                                state.ended = number
                            }
                        }
                        let ended = state.withLock { $0.ended }
                        #expect(ended > before)
                    }
                }
            }
            try await tasks.waitForAll()
        }
        let most = state.withLock { $0.most }
        #expect(most == 1)
    }
}
