import ApusCore
import ApusHTTP
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusLoad

struct LoadRunTests {
    private func open(_ rate: Double, _ seconds: Int) -> LoadPlan {
        LoadPlan(.open(.even(.constant(rate, for: .seconds(seconds)))))
    }

    @Test(arguments: 0..<20) func `whatever the network does with the bytes, each request is counted once`(round: Int)
        throws
    {
        let seed = TestRun.seed &+ UInt64(round)
        let report = try simulate(open(50, 4), seed: seed, loops: 2) { exchange, _ in
            let size = Int(exchange.path.count) * 977 % 5_000
            exchange.answer(type: "text/plain", text: String(repeating: "x", count: size))
        }
        #expect(report.all.requests == 200 && report.all.failed == 0, "seed \(seed): \(report.all)")
        #expect(report.arrivals == 200 && report.all.latency.count == 200)
        #expect(report.samples.reduce(0) { $0 + $1.requests } == 200)
    }

    @Test func `a server slower than its arrivals is waited for, and the wait counts`() throws {
        var plan = open(100, 5)
        plan.underWayMax = 4
        plan.timeLimit = .seconds(60)
        // Four at a time, each 100 ms: 40 a second where 100 come.
        let report = try simulate(plan) { exchange, loop in
            try await loop.sleep(for: .milliseconds(100))
            exchange.answer(type: "text/plain", text: "ok")
        }
        #expect(report.all.requests == 500 && report.all.failed == 0)
        #expect(report.all.latency.max > 7 && report.samples.allSatisfy { $0.underWay <= 4 })
        // Waiting for room is the server's doing, not lag of the generator.
        #expect(report.generator.lag.p99 < 0.001 && report.isValid)
    }

    @Test func `what was never sent is counted when the run is given up`() throws {
        var plan = open(100, 5)
        plan.underWayMax = 2
        plan.timeLimit = .seconds(3)
        plan.drainLimit = .seconds(2)
        let report = try simulate(plan) { exchange, loop in
            try await loop.sleep(for: .seconds(2))
            exchange.answer(type: "text/plain", text: "ok")
        }
        #expect(report.all.requests == 500, "\(report.all)")
        #expect((report.all.failures["not sent"] ?? 0) > 480)
        #expect(report.all.latency.max > 6)
    }

    @Test func `a request without an answer times out, and counts with its wait`() throws {
        var plan = open(10, 3)
        plan.timeLimit = .seconds(2)
        let report = try simulate(plan) { exchange, loop in
            try await loop.sleep(for: .seconds(600))
            exchange.answer(type: "text/plain", text: "late")
        }
        #expect(report.all.failures == ["timed out": 30])
        #expect(report.all.latency.p50 >= 1.9 && report.all.latency.max < 2.2)
    }

    @Test func `a target where nobody listens fails every request`() throws {
        let machine = try SimulatedMachine(seed: 1)
        let plan = open(20, 2)
        let report = try machine.run { machine in
            let target = try LoadTarget(url: "http://127.0.0.1:9")
            let mix = Mix(fixed: ClientRequest(.get, "/"), named: "GET /")
            return try await LoadRun(plan, mix, target: target, scenario: "nobody").run(on: machine.loops)
        }
        #expect(report.all.failures == ["unreachable": 40])
        #expect(report.all.latency.count == 0)
    }

    @Test func `a closed loop against a target where nobody listens does not storm it`() throws {
        let machine = try SimulatedMachine(seed: 1)
        let plan = LoadPlan(.closed(clients: 3, .seconds(2)))
        let report = try machine.run { machine in
            let target = try LoadTarget(url: "http://127.0.0.1:9")
            let mix = Mix(fixed: ClientRequest(.get, "/"), named: "GET /")
            return try await LoadRun(plan, mix, target: target, scenario: "nobody").run(on: machine.loops)
        }
        #expect(report.all.requests > 100 && report.all.requests < 700, "\(report.all.requests)")
    }

    @Test func `statuses that are errors are failures, and are told apart`() throws {
        let count = Lock(0)
        let report = try simulate(open(40, 2)) { exchange, _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            exchange.answer(
                number % 4 == 0 ? .serviceUnavailable : number % 4 == 1 ? .notFound : .ok,
                type: "text/plain",
                text: "."
            )
        }
        #expect(report.all.failures == ["unexpected status": 40])
        #expect(report.all.statuses == ["2xx": 40, "4xx": 20, "5xx": 20])
        #expect(report.all.errors == 0.5)
    }

    @Test func `a warm-up is loaded and not counted`() throws {
        var plan = open(50, 4)
        plan.warmUp = .seconds(2)
        let served = Lock(0)
        let report = try simulate(plan) { exchange, _ in
            served.withLock { $0 += 1 }
            exchange.answer(type: "text/plain", text: "ok")
        }
        #expect(report.all.requests == 200)
        #expect(served.withLock { $0 } == 300)
        #expect(report.samples.count <= 5 && abs(report.all.rate - 50) < 2)
    }

    @Test func `a server that closes after each answer is met with a new connection each`() throws {
        let report = try simulate(open(50, 2)) { exchange, _ in
            exchange.setField("Connection", "close")
            exchange.answer(type: "text/plain", text: "ok")
        }
        #expect(report.all.requests == 100 && report.all.failed == 0, "\(report.all)")
        #expect(report.generator.connects >= 50)
    }

    @Test func `a given up run still says what it measured`() throws {
        let machine = try SimulatedMachine(seed: 1)
        let plan = open(20, 600)
        let report = try machine.run { machine in
            let target = try LoadTarget(url: "http://127.0.0.1:9")
            let mix = Mix(fixed: ClientRequest(.get, "/"), named: "GET /")
            let run = LoadRun(plan, mix, target: target, scenario: "nobody")
            let task = Task(executorPreference: machine.loops[0]) { try await run.run(on: machine.loops) }
            try await machine.loops[0].sleep(for: .seconds(3))
            task.cancel()
            return try await task.value
        }
        #expect(report.all.requests >= 55 && report.all.requests <= 62)
    }
}

struct LoadTargetTests {
    @Test(arguments: [
        ("http://127.0.0.1:8080", "/"), ("http://localhost:8080/a?b=c", "/a?b=c"), ("http://127.0.0.1:8080?x", "/?x"),
    ]) func `loopback is a target`(url: String, path: String) throws { #expect(try LoadTarget(url: url).path == path) }

    @Test(arguments: [
        "", "127.0.0.1:80", "ftp://127.0.0.1", "https://127.0.0.1", "http://shop.example/", "http://",
        "http://127.0.0.1:80/ x",
    ])
    func `what is no URL of ours is refused`(url: String) {
        #expect { try LoadTarget(url: url, allowsRemote: true) } throws: { ($0 as? LoadError)?.code == .badTarget }
    }

    @Test func `another machine wants to be allowed`() throws {
        #expect { try LoadTarget(url: "http://192.0.2.7:80/") } throws: { ($0 as? LoadError)?.code == .remoteTarget }
        #expect(try LoadTarget(url: "http://192.0.2.7:80/", allowsRemote: true).host == "192.0.2.7:80")
    }
}
