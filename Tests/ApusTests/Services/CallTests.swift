import Apus
import ApusCore
import ApusObserve
import ApusRuntime
import Distributed
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CallTests {
    @Test func `a call between two loops gives what a local one gives`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let (caller, handle) = try await site.caller(1)
        #expect(handle is DeskService == false)
        try await site.on(1) { _ in
            #expect(try await handle.add(20, 22) == 42)
            #expect(try await handle.place(.sample()) == Slip(number: 10, pence: 84150))
            #expect(try await handle.place(.sample(lines: 2), by: "Ada") == Slip(number: 2, pence: 0, by: "Ada"))
            try await handle.nothing()
        }
        try await site.end(caller, callee)
    }

    @Test func `a service of this loop is the instance itself, and is made once`() async throws {
        let site = try Site(loops: 1)
        let events = Events()
        let system = try await site.on(0) { loop in
            let system = try ApusActorSystem(loop: loop)
            system.offer(desk) { actors in
                events.note("made")
                return DeskService(actorSystem: actors, events: events)
            }
            let handle = try system.service(desk)
            let again = try system.service(desk)
            #expect(handle is DeskService)
            #expect((handle as? DeskService) === (again as? DeskService))
            #expect(handle.id == ActorID(service: "desk"))
            try system.start()
            #expect(try await handle.add(1, 2) == 3)
            return system
        }
        #expect(events.count("made") == 1)
        try await site.end(system)
    }

    @Test func `services that need each other are made in whatever order they are offered`() async throws {
        let site = try Site(loops: 1)
        let other = ServiceContract<any Desk>("other", stub: $Desk.resolve(id:using:)) {
            Target("add") { try await $0.add($1, $2) }
        }
        let system = try await site.on(0) { loop in
            let system = try ApusActorSystem(loop: loop)
            system.offer(desk) { actors in
                let needed = try actors.service(other)
                #expect(needed is DeskService)
                return DeskService(actorSystem: actors, events: Events())
            }
            system.offer(other) { DeskService(actorSystem: $0, events: Events()) }
            #expect(try system.service(desk).id == ActorID(service: "desk"))
            #expect(try system.service(other).id == ActorID(service: "other"))
            return system
        }
        try await site.end(system)
    }

    @Test func `a stub can be called from any thread`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let (caller, handle) = try await site.caller(1)
        #expect(try await handle.add(1, 2) == 3)
        let sums = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 { group.addTask { try await handle.add(number, 1) } }
            return try await group.reduce(0, +)
        }
        #expect(sums == 200 * 199 / 2 + 200)
        try await site.end(caller, callee)
    }

    @Test func `many calls share one connection, and each gets its own answer`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let (caller, handle) = try await site.caller(1)
        try await site.on(1) { loop in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<500 {
                    group.addTask(executorPreference: loop) {
                        let sum = try await handle.add(number, number)
                        #expect(sum == 2 * number)
                        let bytes = [UInt8](repeating: UInt8(number & 255), count: number * 7)
                        let echoed = try await handle.echo(bytes)
                        #expect(echoed == bytes)
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(try await site.on(0) { _ in callee.counters.framesRefused } == 0)
        try await site.end(caller, callee)
    }

    @Test func `large arguments and answers go through, and those above the limit are refused in words`() async throws {
        let site = try Site()
        var small = ServiceSettings()
        small.frameBytesMax = 100_000
        let callee = try await site.callee(0, settings: small)
        let (caller, handle) = try await site.caller(1)
        let megabytes = [UInt8](repeating: 3, count: 3 << 20)
        #expect(try await handle.echo(Array(megabytes[..<90_000])).count == 90_000)
        let huge = String(repeating: "x", count: 3 << 20)
        // The caller may send 4 MiB, this callee takes 100 kB: it ends the connection.
        let cut = await #expect(throws: CallError.self) { try await handle.place(Draft(customer: huge, lines: [])) }
        #expect(cut?.code == .peerLost)
        let tooLarge = await #expect(throws: CallError.self) {
            try await handle.echo([UInt8](repeating: 3, count: 5 << 20))
        }
        #expect(tooLarge?.code == .tooLarge)
        #expect(tooLarge?.fault == .caller)
        #expect(try await handle.add(1, 1) == 2)
        try await site.end(caller, callee)
    }
}

@Suite(.timeLimit(.minutes(5)))
struct CallFailureTests {
    @Test func `an error with a name on the wire arrives as itself, another without what it says`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let (caller, handle) = try await site.caller(1)
        let named = await #expect(throws: OutOfStock.self) { try await handle.refuse(sku: "85123A") }
        #expect(named == OutOfStock(sku: "85123A"))
        let unnamed = await #expect(throws: RemoteFailure.self) { try await handle.crash() }
        #expect(unnamed == RemoteFailure(service: "desk", type: "Secretive"))
        #expect(!"\(unnamed.map(String.init(describing:)) ?? "")".contains("hunter2"))
        try await site.end(caller, callee)
    }

    @Test func `a method the contract does not list is refused by name, before it is sent`() async throws {
        let site = try Site()
        let (caller, handle) = try await site.on(1) { loop in
            let system = try ApusActorSystem(loop: loop)
            return (system, try system.service(forgetful))
        }
        let error = await #expect(throws: CallError.self) { try await handle.unlisted() }
        #expect(error?.code == .notOffered)
        #expect(error?.fault == .versions)
        #expect(error?.detail.contains("unlisted") == true)
        try await site.end(caller)
    }

    @Test func `a service whose contract forgets a method does not start, and says which`() async throws {
        let site = try Site(loops: 1)
        let system = try await site.on(0) { loop in
            let system = try ApusActorSystem(loop: loop)
            system.offer(forgetful) { ForgetfulService(actorSystem: $0) }
            let error = #expect(throws: ConfigurationError.self) { try system.start() }
            #expect(error?.value == "without missing(_:from:), unlisted()")
            let forgotten = try desk.forgotten(system)
            #expect(forgotten == [])
            return system
        }
        try await site.end(system)
    }

    @Test func `a caller gives up at its deadline and the callee is told`() async throws {
        let site = try Site()
        let events = Events()
        let callee = try await site.callee(0, events: events)
        let (caller, handle) = try await site.caller(1)
        let clock = SystemClock()
        let start = clock.now()
        let error = await #expect(throws: CallError.self) {
            try await CallContext.within(.milliseconds(50)) { try await handle.hang() }
        }
        let took = clock.now() - start
        #expect(error?.code == .deadlineExceeded)
        #expect(took >= .milliseconds(50))
        await events.happened("cancelled")
        try await site.end(caller, callee)
    }

    @Test func `the callee sees what is left of the caller's time, and its trace`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let (caller, handle) = try await site.caller(1)
        let outer = TraceContext(traceHigh: 5, traceLow: 6, spanID: 7, flags: 1)
        let span = Tracer.process.begin("caller", parent: outer, at: SystemClock().now())
        let seen = try await Trace.$current.withValue(span) {
            try await CallContext.within(.seconds(2)) { try await handle.context() }
        }
        Tracer.process.finish(span, at: SystemClock().now())
        #expect(seen.traceLow == 6)
        #expect(seen.span != 7)
        #expect(seen.span != span.context.spanID)
        let remaining = try #require(seen.remaining)
        #expect(remaining > 0 && remaining <= 2_000_000_000)
        let plain = try #require(try await handle.context().remaining)
        #expect(plain > 2_000_000_000 && plain <= 600_000_000_000)
        try await site.end(caller, callee)
    }

    @Test func `a cancelled caller returns at once and the callee's task is cancelled`() async throws {
        let site = try Site()
        let events = Events()
        let callee = try await site.callee(0, events: events)
        let (caller, handle) = try await site.caller(1)
        let task = Task { try await handle.hang() }
        await events.happened("hanging")
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await events.happened("cancelled")
        #expect(try await handle.add(1, 1) == 2)
        // A task that is cancelled before it calls does not call.
        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await handle.add(1, 1)
        }
        await #expect(throws: CancellationError.self) { try await early.value }
        try await site.end(caller, callee)
    }

    @Test func `a service nobody offers is unreachable at the deadline, not before and not much later`() async throws {
        let site = try Site()
        let (caller, handle) = try await site.caller(1, at: [])
        let error = await #expect(throws: CallError.self) {
            try await CallContext.within(.milliseconds(60)) { try await handle.add(1, 1) }
        }
        #expect(error?.code == .unreachable)
        #expect(error?.isRetryable == true)
        try await site.end(caller)
    }

    @Test func `a call waits for a service that is about to start`() async throws {
        let site = try Site()
        let (caller, handle) = try await site.caller(1)
        async let sum = handle.add(20, 22)
        let callee = try await site.callee(0)
        #expect(try await sum == 42)
        try await site.end(caller, callee)
    }
}
