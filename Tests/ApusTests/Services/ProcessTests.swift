import Apus
import ApusCore
import ApusRuntime
import Glibc
import Testing

/// Calls between two processes: the test is the caller, its child the callee.
@Suite(.timeLimit(.minutes(10)))
struct ServiceProcessTests {
    @Test func `every method answers between two processes, and a drained callee ends`() async throws {
        let site = try Site(loops: 1)
        let folder = site.folder
        async let callee: ExitTest.Result? = #expect(processExitsWith: .success) { [folder = folder as String] in
            // Whatever the caller does, this process ends, and with it the wait for it.
            alarm(300)
            let events = Events()
            let group = try LoopGroup(count: 1)
            let loop = group.loops[0]
            let system = try await Task(executorPreference: loop) {
                let system = try ApusActorSystem(loop: loop)
                system.offer(desk) { DeskService(actorSystem: $0, events: events) }
                try system.start()
                try system.listen(at: .unix(path: "\(folder)/desk.sock"))
                return system
            }.value
            await events.happened("nothing")
            await Task(executorPreference: loop) {
                await system.drain(by: loop.now + .seconds(10))
                system.close()
            }.value
        }
        let (caller, handle) = try await site.caller(0)
        try await CallContext.within(.seconds(240)) {
            #expect(try await handle.add(20, 22) == 42)
            #expect(try await handle.place(.sample()).number == 10)
            #expect(try await handle.place(.sample(lines: 1), by: "Ada").by == "Ada")
            await #expect(throws: OutOfStock.self) { try await handle.refuse(sku: "1") }
            await #expect(throws: RemoteFailure.self) { try await handle.crash() }
            #expect(try await handle.context().remaining != nil)
            #expect(try await handle.echo([1, 2, 3]) == [1, 2, 3])
            let hanging = Task { try await handle.hang() }
            let once = Task { try await handle.once() }
            hanging.cancel()
            once.cancel()
            await #expect(throws: CancellationError.self) { try await hanging.value }
            await #expect(throws: CancellationError.self) { try await once.value }
            try await handle.nothing()
        }
        _ = await callee
        try await site.end(caller)
    }

    @Test func `a callee that is killed loses what it had under way, and the caller says so`() async throws {
        let site = try Site(loops: 1)
        let folder = site.folder
        async let callee: ExitTest.Result? = #expect(processExitsWith: .failure) { [folder = folder as String] in
            // Whatever the caller does, this process ends, and with it the wait for it.
            alarm(300)
            let events = Events()
            let group = try LoopGroup(count: 1)
            let loop = group.loops[0]
            try await Task(executorPreference: loop) {
                let system = try ApusActorSystem(loop: loop)
                system.offer(desk) { DeskService(actorSystem: $0, events: events) }
                try system.listen(at: .unix(path: "\(folder)/desk.sock"))
            }.value
            await events.happened("once")
            fatalError("killed")
        }
        let (caller, handle) = try await site.caller(0)
        let error = await #expect(throws: CallError.self) {
            try await CallContext.within(.seconds(240)) { try await handle.once() }
        }
        #expect(error?.code == .peerLost)
        #expect(error?.wasSent == true)
        _ = await callee
        try await site.end(caller)
    }
}
