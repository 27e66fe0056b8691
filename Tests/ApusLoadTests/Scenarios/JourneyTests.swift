import ApusCore
import ApusHTTP
import ApusRuntime
import Testing

@testable import ApusLoad

struct JourneyTests {
    private static let item = Route(.get, "/items/{item}", Int.self)
    private static let add = Route(.post, "/items")

    private func open(_ rate: Double, _ seconds: Int) -> LoadPlan {
        LoadPlan(.open(.even(.constant(rate, for: .seconds(seconds)))))
    }

    private func scenario(_ journeys: [Journey], audit: Mix.Audit? = nil) -> Scenario {
        Scenario("test") { _ in Mix(journeys, audit: audit) }
    }

    @Test func `requests are counted by the routes they ask for`() throws {
        let journey = Journey("look") { visitor in
            try await visitor.ask(Self.item, visitor.number)
            try await visitor.submit(Self.add, form: [("name", "a b&c")], expecting: .success)
        }
        let report = try simulate(open(20, 2), scenario([journey])) { exchange, _ in
            if exchange.method == .post {
                let body = try await exchange.body(bytesMax: 100)
                #expect(String(decoding: body, as: UTF8.self) == "name=a%20b%26c")
                #expect(exchange.text(.origin) == "http://127.0.0.1:8080")
            }
            exchange.answer(type: "text/plain", text: "ok")
        }
        #expect(report.kinds.map(\.name).sorted() == ["GET /items/{item}", "POST /items"])
        #expect(report.kinds.allSatisfy { $0.requests == 40 && $0.failed == 0 })
        #expect(report.finished == 40 && report.abandoned == 0)
    }

    @Test func `journeys are taken in proportion to their weights`() throws {
        let journeys = [("a", 3.0), ("b", 1.0), ("c", 0.0)].map { name, weight in
            Journey(name, weight: weight) { try await $0.send(ClientRequest(.get, "/\(name)"), as: name) }
        }
        let report = try simulate(open(200, 10), scenario(journeys), serving: prompt)
        let counts = Dictionary(uniqueKeysWithValues: report.kinds.map { ($0.name, $0.requests) })
        #expect(counts["c"] == nil)
        let share = Double(counts["a"] ?? 0) / 2_000
        #expect(share > 0.7 && share < 0.8, "\(counts)")
    }

    @Test func `a visitor keeps cookies, thinks, and each request counts from when it was wanted`() throws {
        let journey = Journey("think") { visitor in
            try await visitor.send(ClientRequest(.get, "/first"), as: "first")
            try await visitor.think(.seconds(2))
            try await visitor.send(ClientRequest(.get, "/second"), as: "second")
        }
        let report = try simulate(open(10, 3), scenario([journey])) { exchange, _ in
            if exchange.path.elementsEqual("/first".utf8) {
                exchange.setField("Set-Cookie", "session=abc; Path=/; HttpOnly")
            } else {
                #expect(exchange.text(.cookie) == "session=abc")
            }
            exchange.answer(type: "text/plain", text: "ok")
        }
        #expect(report.kinds.count == 2 && report.kinds.allSatisfy { $0.requests == 30 })
        // The pause is no latency.
        #expect(report.all.latency.max < 0.05, "\(report.all.latency)")
        #expect(report.elapsed > 4.5)
    }

    @Test func `an answer that is not expected ends the journey, a check that fails does not`() throws {
        let journeys = [
            Journey("broken") { visitor in
                try await visitor.send(ClientRequest(.get, "/broken"), as: "broken")
                try await visitor.send(ClientRequest(.get, "/never"), as: "never")
            },
            Journey("checked") { visitor in
                let answer = try await visitor.send(ClientRequest(.get, "/fine"), as: "fine")
                visitor.check("the answer is empty", answer.body.isEmpty)
                try await visitor.send(ClientRequest(.get, "/last"), as: "last")
            },
        ]
        let report = try simulate(open(50, 2), scenario(journeys)) { exchange, _ in
            exchange.answer(
                exchange.path.elementsEqual("/broken".utf8) ? .internalServerError : .ok,
                type: "text/plain",
                text: "ok"
            )
        }
        let names = report.kinds.map(\.name).sorted()
        #expect(names == ["broken", "fine", "last"])
        #expect(report.abandoned == report.kinds.first { $0.name == "broken" }?.failed)
        #expect(report.checks.first?.failed == report.finished && report.finished > 0)
        #expect(report.abandoned + report.finished == 100)
    }

    @Test func `the books are looked at after the last visitor has left`() throws {
        let left = Lock(0)
        let journey = Journey("slow") { visitor in
            try await visitor.send(ClientRequest(.get, "/"), as: "get")
            try await visitor.think(.seconds(3))
            left.withLock { $0 += 1 }
        }
        let audited = scenario([journey]) { _ in
            [Mix.Finding("all have left", holds: left.withLock { $0 } == 20, "\(left.withLock { $0 })")]
        }
        let report = try simulate(open(10, 2), audited, serving: prompt)
        #expect(report.findings.map(\.holds) == [true], "\(report.findings)")
    }

    @Test func `a recording takes the place of rate and shape, scaled to the duration`() throws {
        let scenario = Scenario("recorded") { _ in
            Mix(
                [Journey("one") { try await $0.send(ClientRequest(.get, "/"), as: "get") }],
                recorded: (0...50).map { .milliseconds($0 * $0) }
            )
        }
        let report = try simulate(open(1, 10), scenario, serving: prompt)
        #expect(report.all.requests == 51 && report.driver.contains("recorded"))
        #expect(report.elapsed > 9.9 && report.elapsed < 11.1)
    }

    @Test func `a feed gives each element once, in turn, or by the visitor's chance`() {
        let feed = Feed([1, 2, 3], .inTurn)
        #expect([feed.take(), feed.take(), feed.take(), feed.take()] == [1, 2, 3, nil])
    }

    @Test func `visitors that are under way when the run is given up end`() throws {
        var plan = open(10, 2)
        plan.drainLimit = .seconds(1)
        let journey = Journey("endless") { visitor in
            while true {
                try await visitor.send(ClientRequest(.get, "/"), as: "get")
                try await visitor.think(.seconds(1))
            }
        }
        let report = try simulate(plan, scenario([journey]), serving: prompt)
        #expect(report.abandoned == 20 && report.finished == 0)
    }

    @Test func `a closed loop of visitors comes again and again`() throws {
        let plan = LoadPlan(.closed(clients: 5, .seconds(3)))
        let journey = Journey("again") { visitor in
            try await visitor.send(ClientRequest(.get, "/"), as: "get")
            try await visitor.think(.milliseconds(100))
        }
        let report = try simulate(plan, scenario([journey]), serving: prompt)
        #expect(report.finished > 100 && report.finished <= 150 && report.loop == "closed")
    }
}
