import ApusCore
import ApusRuntime
import Testing

/// Runs `body` on the first loop of a group of its own.
@discardableResult
func onLoop<Result: Sendable>(
    count: Int = 1,
    _ body: @escaping @Sendable (LoopGroup) async throws -> Result
) async throws -> Result {
    let group = try LoopGroup(count: count)
    let result = await Task(executorPreference: group.loops[0]) { try await body(group) }.result
    // Not on a loop's own thread.
    await Task.detached { group.shutdown() }.value
    return try result.get()
}

@Suite(.timeLimit(.minutes(5)))
struct EventLoopTests {
    @Test func `a task that prefers a loop runs on it, with its child tasks and default actors`() async throws {
        actor Counter {
            func isOn(_ loop: EventLoop) -> Bool { loop.isCurrent }
        }
        let onLoop = try await onLoop { group in
            let loop = group.loops[0]
            let counter = Counter()
            async let child = loop.isCurrent
            return [loop.isCurrent, await child, await counter.isOn(loop)]
        }
        #expect(onLoop == [true, true, true])
    }

    @Test func `timers fire in order and a cancelled one does not`() async throws {
        let order = try await onLoop { group in
            let loop = group.loops[0]
            let fired = Lock<[Int]>([])
            let now = loop.now
            _ = loop.schedule(at: now + .milliseconds(3)) { fired.withLock { $0.append(3) } }
            _ = loop.schedule(at: now + .milliseconds(1)) { fired.withLock { $0.append(1) } }
            let second = loop.schedule(at: now + .milliseconds(2)) { fired.withLock { $0.append(2) } }
            loop.cancel(second)
            try await loop.sleep(until: now + .milliseconds(4))
            return fired.withLock { $0 }
        }
        #expect(order == [1, 3])
    }

    @Test func `cancelling a sleeper wakes it at once`() async throws {
        let slept = try await onLoop { group in
            let loop = group.loops[0]
            let begun = loop.clock.now()
            let sleeper = Task(executorPreference: loop) { try await loop.sleep(for: .seconds(30)) }
            await Task.yield()
            sleeper.cancel()
            guard case .failure(let error) = await sleeper.result else { return Duration.seconds(30) }
            #expect(error is CancellationError)
            return loop.clock.now() - begun
        }
        #expect(slept < .seconds(10))
    }

    @Test func `work from other threads reaches the loop, all of it`() async throws {
        let sum = try await onLoop(count: 2) { group in
            let total = Lock(0)
            await withTaskGroup(of: Void.self) { tasks in
                for number in 1...1000 {
                    tasks.addTask(executorPreference: group.loops[1]) {
                        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                            group.loops[0].execute {
                                #expect(group.loops[0].isCurrent)
                                total.withLock { $0 += number }
                                continuation.resume()
                            }
                        }
                    }
                }
            }
            return total.withLock { $0 }
        }
        #expect(sum == 500_500)
    }

    @Test func `the end of a turn comes once, after the turn's jobs`() async throws {
        let log = try await onLoop { group in
            let loop = group.loops[0]
            let log = Lock<[String]>([])
            loop.atTurnEnd { log.withLock { $0.append("end") } }
            async let other: Void = log.withLock { $0.append("job") }
            await other
            try await loop.sleep(for: .milliseconds(1))
            return log.withLock { $0 }
        }
        #expect(log == ["job", "end"])
    }

    @Test func `work that goes on and on and wants the end of each turn does not keep the loop from its timers`()
        async throws
    {
        let turns = try await onLoop { group in
            let loop = group.loops[0]
            let isOver = Lock(false)
            async let timer: Void = {
                try await loop.sleep(for: .milliseconds(1))
                isOver.withLock { $0 = true }
            }()
            var turns = 0
            while !isOver.withLock({ $0 }), turns < 1_000_000 {
                turns += 1
                loop.atTurnEnd {}
                await Task.yield()
            }
            try await timer
            return turns
        }
        #expect(turns < 1_000_000)
    }
}

struct TimerHeapTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a timer heap agrees with a sorted list under random steps`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var heap = TimerHeap<Int>()
        var model: [(deadline: Int64, payload: Int, id: TimerID)] = []
        for step in 0..<500 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let deadline = Int64.random(in: 0..<100, using: &random)
                model.append((deadline, step, heap.insert(step, at: Instant(nanoseconds: deadline))))
            case 2 where !model.isEmpty:
                let gone = model.remove(at: Int.random(in: 0..<model.count, using: &random))
                #expect(heap.remove(gone.id) == gone.payload)
                #expect(heap.remove(gone.id) == nil)
            default:
                let now = Int64.random(in: 0..<100, using: &random)
                // `min` keeps the first of equals, which is the one set first.
                let due = model.filter { $0.deadline <= now }.min { $0.deadline < $1.deadline }
                #expect(heap.popDue(at: Instant(nanoseconds: now)) == due?.payload)
                model.removeAll { $0.id == due?.id }
            }
            #expect(heap.count == model.count)
            #expect(heap.next?.nanoseconds == model.map(\.deadline).min())
        }
    }
}
