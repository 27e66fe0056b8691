import Apus
import ApusCore
import ApusRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct PeerTests {
    @Test func `a call that is lost underway says that it had gone out, and is not made twice`() async throws {
        let site = try Site()
        let events = Events()
        let callee = try await site.callee(0, events: events)
        let (caller, handle) = try await site.caller(1)
        let task = Task { try await handle.once() }
        await events.happened("once")
        try await site.on(0) { _ in callee.close() }
        let error = await #expect(throws: CallError.self) { try await task.value }
        #expect(error?.code == .peerLost)
        #expect(error?.wasSent == true)
        #expect(events.count("once") == 1)
        try await site.end(caller)
    }

    @Test func `calls go on at another replica when one dies, and come back when it does`() async throws {
        let site = try Site(loops: 3)
        let (first, second) = (Events(), Events())
        let callee = try await site.callee(0, "a", events: first)
        let other = try await site.callee(1, "b", events: second)
        let (caller, handle) = try await site.caller(2, at: ["a", "b"])
        for number in 0..<200 { #expect(try await handle.add(number, 1) == number + 1) }
        #expect(first.count("add") > 20 && second.count("add") > 20)
        try await site.on(0) { _ in callee.close() }
        for number in 0..<200 { #expect(try await handle.add(number, 1) == number + 1) }
        #expect(second.count("add") >= 200)
        let third = Events()
        let back = try await site.callee(0, "a", events: third)
        while third.count("add") == 0 { #expect(try await handle.add(1, 1) == 2) }
        try await site.end(caller, other, back)
    }

    @Test func `an idempotent call that is lost underway is made again elsewhere`() async throws {
        let site = try Site(loops: 3)
        let events = Events()
        let callee = try await site.callee(0, "a", events: events)
        let elsewhere = Events()
        let other = try await site.callee(1, "b", events: elsewhere)
        let slow = ServiceContract<any Desk>("desk", stub: $Desk.resolve(id:using:)) {
            Target("hang", .idempotent) { try await $0.hang() }
            Target("add") { try await $0.add($1, $2) }
        }
        let endpoints = [site.path("a"), site.path("b")].map { ServiceDirectory.Endpoint($0, replica: 0) }
        let (caller, handle) = try await site.on(2) { loop in
            let system = try ApusActorSystem(loop: loop)
            system.update(ServiceDirectory(["desk": [endpoints[0]]]))
            return (system, try system.service(slow))
        }
        let task = Task { try await CallContext.within(.seconds(120)) { try await handle.hang() } }
        await events.happened("hanging")
        caller.update(ServiceDirectory(["desk": endpoints]))
        try await site.on(0) { _ in callee.close() }
        // The other replica hangs as well: the call lives there until nobody wants it any more.
        await elsewhere.happened("hanging")
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        #expect(try await site.on(2) { _ in caller.counters.retries } >= 1)
        try await site.end(caller, other)
    }

    @Test func `a callee that drains finishes what runs, and nothing fails meanwhile`() async throws {
        let site = try Site(loops: 3)
        let events = Events()
        let callee = try await site.callee(0, "a", events: events)
        let other = try await site.callee(1, "b")
        let (caller, handle) = try await site.caller(2, at: ["a", "b"])
        let load = Task(executorPreference: site.group.loops[2]) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask(executorPreference: site.group.loops[2]) {
                        for number in 0..<200 {
                            let slip = try await handle.place(.sample(lines: number % 5))
                            #expect(slip.number == number % 5)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(try await handle.add(1, 1) == 2)
        try await site.on(0) { loop in
            await callee.drain(by: loop.now + .seconds(20))
            callee.close()
        }
        try await load.value
        #expect(try await handle.add(2, 2) == 4)
        try await site.end(caller, other)
    }

    @Test func `a drain ends at its deadline although a call hangs`() async throws {
        let site = try Site()
        let events = Events()
        let callee = try await site.callee(0, events: events)
        let (caller, handle) = try await site.caller(1)
        let task = Task { try await handle.hang() }
        await events.happened("hanging")
        let took = try await site.on(0) { loop in
            let start = loop.clock.now()
            await callee.drain(by: start + .milliseconds(80))
            callee.close()
            return loop.clock.now() - start
        }
        #expect(took >= .milliseconds(75) && took < .seconds(10))
        await #expect(throws: CallError.self) { try await task.value }
        try await site.end(caller)
    }

    @Test func `members that leave the directory are left, and those that come are used`() async throws {
        let site = try Site(loops: 3)
        let (first, second) = (Events(), Events())
        let callee = try await site.callee(0, "a", events: first)
        let other = try await site.callee(1, "b", events: second)
        let (caller, handle) = try await site.caller(2, at: ["a"])
        let hanging = Task { try await CallContext.within(.seconds(600)) { try await handle.hang() } }
        await first.happened("hanging")
        caller.update(ServiceDirectory(["desk": [.init(site.path("b"), replica: 1)]]))
        for _ in 0..<20 { _ = try await handle.add(1, 1) }
        #expect(first.count("add") == 0)
        #expect(second.count("add") == 20)
        // What ran at the member that left is still running there.
        hanging.cancel()
        await first.happened("cancelled")
        await #expect(throws: CancellationError.self) { try await hanging.value }
        try await site.end(caller, callee, other)
    }

    @Test func `calls beyond the bound wait their turn, and say so when it does not come`() async throws {
        let site = try Site()
        let events = Events()
        var narrow = ServiceSettings.patient
        narrow.inFlightMax = 2
        let callee = try await site.callee(0, events: events)
        let (caller, handle) = try await site.caller(1, settings: narrow)
        let hanging = (0..<2).map { _ in Task { try await handle.hang() } }
        await events.happened("hanging", times: 2)
        let error = await #expect(throws: CallError.self) {
            try await CallContext.within(.milliseconds(60)) { try await handle.add(1, 1) }
        }
        #expect(error?.code == .overloaded)
        #expect(events.count("add") == 0)
        let waiting = (0..<10).map { number in Task { try await handle.add(number, 1) } }
        for task in hanging { task.cancel() }
        for (number, task) in waiting.enumerated() { #expect(try await task.value == number + 1) }
        for task in hanging { await #expect(throws: CancellationError.self) { try await task.value } }
        try await site.end(caller, callee)
    }

    @Test func `a caller cancelled while it waits for room leaves the queue`() async throws {
        let site = try Site()
        let events = Events()
        var narrow = ServiceSettings.patient
        narrow.inFlightMax = 1
        let callee = try await site.callee(0, events: events)
        let (caller, handle) = try await site.caller(1, settings: narrow)
        let hanging = Task { try await handle.hang() }
        await events.happened("hanging")
        let waiting = Task { try await handle.add(1, 1) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        hanging.cancel()
        #expect(try await handle.add(1, 1) == 2)
        try await site.end(caller, callee)
    }
}

/// A newer and an older version of one service.
@Suite(.timeLimit(.minutes(5)))
struct VersionSkewTests {
    @Test func `a target the callee does not have is refused by name, and the connection goes on`() async throws {
        let site = try Site()
        let older = ServiceContract<any Desk>("desk", stub: $Desk.resolve(id:using:)) {
            Target("add") { try await $0.add($1, $2) }
        }
        let address = site.path("desk")
        let callee = try await site.on(0) { loop in
            let system = try ApusActorSystem(loop: loop)
            system.offer(older) { DeskService(actorSystem: $0, events: Events()) }
            try system.listen(at: address)
            return system
        }
        let (caller, handle) = try await site.caller(1)
        let error = await #expect(throws: CallError.self) { try await handle.nothing() }
        #expect(error?.code == .notOffered)
        #expect(error?.detail == "desk.nothing")
        #expect(error?.wasSent == false)
        #expect(try await handle.add(1, 2) == 3)
        try await site.end(caller, callee)
    }

    @Test func `a parameter added at the end is unknown to an older callee and nil to a newer one`() async throws {
        let site = try Site()
        // The older knows place(draft); the newer's closure takes one more, as a newer method would.
        let older = ServiceContract<any Desk>("desk", stub: $Desk.resolve(id:using:)) {
            Target("place") { (desk: any Desk, draft: Draft) in try await desk.place(draft) }
        }
        let newer = ServiceContract<any Desk>("desk", stub: $Desk.resolve(id:using:)) {
            Target("place") { (desk: any Desk, draft: Draft, clerk: String?) in
                try await desk.place(draft, by: clerk ?? "nobody")
            }
        }
        for (offered, called, expected) in [
            (older, newer, nil as String?), (newer, older, "nobody"), (newer, newer, "Eve"),
        ] {
            let address = site.path("skew-\(expected ?? "none")")
            let callee = try await site.on(0) { loop in
                let system = try ApusActorSystem(loop: loop)
                system.offer(offered) { DeskService(actorSystem: $0, events: Events()) }
                try system.listen(at: address)
                return system
            }
            let isNewer = expected != "nobody"
            let (caller, slip) = try await site.on(1) { loop in
                let system = try ApusActorSystem(loop: loop)
                system.update(ServiceDirectory(["desk": [.init(address, replica: 0)]]))
                let handle = try system.service(called)
                let slip =
                    isNewer
                    ? try await handle.place(.sample(lines: 1), by: "Eve") : try await handle.place(.sample(lines: 1))
                return (system, slip)
            }
            #expect(slip.by == expected)
            for system in [caller, callee] {
                await Task(executorPreference: system.loop) { system.close() }.value
            }
        }
        try await site.end()
    }

    @Test func `another service at the address is refused by name`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let other = ServiceContract<any Desk>("other", stub: $Desk.resolve(id:using:)) {
            Target("add") { try await $0.add($1, $2) }
        }
        let address = site.path("desk")
        let (caller, handle) = try await site.on(1) { loop in
            let system = try ApusActorSystem(loop: loop)
            system.update(ServiceDirectory(["other": [.init(address, replica: 0)]]))
            return (system, try system.service(other))
        }
        let error = await #expect(throws: CallError.self) { try await handle.add(1, 1) }
        #expect(error?.code == .notOffered)
        #expect(error?.detail == "other.add")
        try await site.end(caller, callee)
    }
}
