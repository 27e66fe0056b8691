import ApusCore
import ApusHTTP
import ApusRuntime
import Testing

@testable import ApusLoad

/// A server that takes half a millisecond for each request, one after the other, and does nothing for one second.
private func stalling(from begin: Duration, for length: Duration) -> Behaviour {
    let state = Lock<(first: Instant?, free: Instant)>((nil, Instant(nanoseconds: 0)))
    return { exchange, loop in
        let done = state.withLock { state in
            let first = state.first ?? loop.now
            state.first = first
            var start = max(loop.now, state.free)
            if start >= first + begin, start < first + begin + length { start = first + begin + length }
            state.free = start + .microseconds(500)
            return state.free
        }
        try await loop.sleep(until: done)
        exchange.answer(type: "text/plain", text: "ok")
    }
}

struct StallTests {
    @Test func `a server that stalls for a second of ten shows in the open loop's p99`() throws {
        let plan = LoadPlan(.open(.even(.constant(400, for: .seconds(10)))))
        let report = try simulate(plan, serving: stalling(from: .seconds(4), for: .seconds(1)))
        #expect(report.all.requests == 4_000 && report.all.failed == 0, "\(report.all) \(report.generator)")
        #expect(report.all.latency.p99 >= 0.9 && report.all.latency.max >= 0.99, "\(report.all.latency)")
        #expect(report.all.latency.p50 < 0.01)
        #expect(report.isValid, "\(report.invalid)")
    }

    @Test func `random arrivals show the same stall`() throws {
        let plan = LoadPlan(.open(.poisson(.constant(400, for: .seconds(10)))))
        let report = try simulate(plan, serving: stalling(from: .seconds(4), for: .seconds(1)))
        #expect(report.all.latency.p99 >= 0.85, "\(report.all.latency)")
    }

    @Test func `a closed loop hides the same stall`() throws {
        let plan = LoadPlan(.closed(clients: 4, .seconds(10)))
        let report = try simulate(plan, serving: stalling(from: .seconds(4), for: .seconds(1)))
        #expect(report.all.requests > 1_000 && report.all.failed == 0, "\(report)")
        #expect(report.all.latency.p99 < 0.02, "\(report.all.latency)")
        #expect(report.all.latency.max >= 0.9)
    }

    @Test func `the same seed is the same run`() throws {
        let plan = LoadPlan(.open(.poisson(.constant(100, for: .seconds(5)))))
        let one = try simulate(plan, seed: 9, loops: 2, serving: prompt)
        var other = try simulate(plan, seed: 9, loops: 2, serving: prompt)
        // Processor time is the one thing that no seed decides.
        other.generator = one.generator
        #expect(one == other)
        #expect(one.all.requests > 400)
    }
}
