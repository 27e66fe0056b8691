#if PostgreSQL
import ApusCore
import ApusTesting
import CPostgres
import Testing

@testable import ApusStore

/// The state machine of a connection, without a server.
@Suite struct PostgresPipelineTests {
    private let statement = PostgresStatement(number: 1)

    private func call(_ kind: PostgresCall.Kind) -> PostgresCall {
        let call = PostgresCall("SELECT 1", kind, deadline: .max, queuedAt: 0)
        call.attempts = 1
        return call
    }

    private func answer() throws -> PostgresAnswer {
        PostgresAnswer(try #require(PQmakeEmptyPGresult(nil, PGRES_TUPLES_OK)))
    }

    /// What became of each call: `+` answered, `-` failed, `!` done and not confirmed, `?` to be asked again.
    private func feed(
        _ pipeline: inout PostgresPipeline,
        _ calls: [PostgresCall],
        _ events: [PostgresPipeline.Event]
    ) -> String {
        var orders: [PostgresPipeline.Order] = []
        for event in events { pipeline.received(event, &orders) }
        return orders.compactMap { order in
            func number(_ call: PostgresCall) -> String { calls.firstIndex { $0 === call }.map { "\($0)" } ?? "x" }
            return switch order {
            case .answer(let call, _): "+\(number(call))"
            case .fail(let call, _): "-\(number(call))"
            case .unconfirmed(let call): "!\(number(call))"
            case .again(let call): "?\(number(call))"
            case .forget: nil
            }
        }.joined(separator: " ")
    }

    private func sent(_ calls: [PostgresCall]) -> PostgresPipeline {
        var pipeline = PostgresPipeline()
        for call in calls { pipeline.callSent(statement, call) }
        pipeline.syncSent()
        return pipeline
    }

    @Test
    func `what no replica has confirmed was done, and is not answered`() throws {
        let done = PostgresPipeline.Event.answer(try answer())
        let calls = [call(.sharedWrite), call(.sharedWrite), call(.write)]
        var pipeline = sent(Array(calls[..<2]))
        pipeline.callSent(statement, calls[2])
        pipeline.syncSent()
        #expect(feed(&pipeline, calls, [done, .end, done, .end, .unconfirmed]) == "!0 !1")
        // It says nothing about the next batch.
        #expect(feed(&pipeline, calls, [done, .end, .sync]) == "+2")
        #expect(pipeline.isEmpty && pipeline.calls == 0)
    }

    @Test
    func `reads are answered as their rows come`() throws {
        let done = PostgresPipeline.Event.answer(try answer())
        let calls = [call(.read), call(.read)]
        var pipeline = sent(calls)
        #expect(feed(&pipeline, calls, [done, .end]) == "+0")
        #expect(pipeline.calls == 1)
        #expect(feed(&pipeline, calls, [done, .end, .sync]) == "+1")
        #expect(pipeline.isEmpty)
        #expect(pipeline.calls == 0)
    }

    @Test
    func `a read that fails takes nobody with it`() throws {
        let done = PostgresPipeline.Event.answer(try answer())
        let calls = [call(.read), call(.read), call(.read)]
        var pipeline = sent(calls)
        let events: [PostgresPipeline.Event] = [
            done, .end, .failure(PostgresError(state: "22P02")), .end, .skipped, .end, .sync,
        ]
        #expect(feed(&pipeline, calls, events) == "+0 ?2 -1")
        #expect(pipeline.calls == 0)
    }

    @Test
    func `a write is answered when it is committed, not when it has run`() throws {
        let done = PostgresPipeline.Event.answer(try answer())
        let calls = [call(.write)]
        var pipeline = sent(calls)
        #expect(feed(&pipeline, calls, [done, .end]) == "")
        #expect(pipeline.calls == 1)
        #expect(feed(&pipeline, calls, [.sync]) == "+0")
    }

    @Test
    func `a commit that fails fails the write, whatever it said before`() throws {
        let done = PostgresPipeline.Event.answer(try answer())
        let calls = [call(.write)]
        var pipeline = sent(calls)
        #expect(
            feed(&pipeline, calls, [done, .end, .failure(PostgresError(state: "23503")), .sync])
                == "-0"
        )
        #expect(pipeline.calls == 0)
        #expect(pipeline.isEmpty)
    }

    @Test
    func `who fails in a shared transaction runs again alone, after the others`() throws {
        let done = PostgresPipeline.Event.answer(try answer())
        let calls = (0..<4).map { _ in call(.sharedWrite) }
        var pipeline = sent(calls)
        let events: [PostgresPipeline.Event] = [
            done, .end, .failure(PostgresError(state: "23505")), .end, .skipped, .end, .skipped, .end,
            .sync,
        ]
        #expect(feed(&pipeline, calls, events) == "?0 ?2 ?3 ?1")
        #expect(calls.map(\.isAlone) == [false, true, false, false])
        #expect(pipeline.calls == 0)
        // Alone, its failure is its own.
        pipeline.callSent(statement, calls[1])
        pipeline.syncSent()
        #expect(feed(&pipeline, calls, [.failure(PostgresError(state: "23505")), .end, .sync]) == "-1")
    }

    @Test
    func `a shared commit that fails is found out one by one`() throws {
        let done = PostgresPipeline.Event.answer(try answer())
        let calls = [call(.sharedWrite), call(.sharedWrite)]
        var pipeline = sent(calls)
        let events: [PostgresPipeline.Event] = [
            done, .end, done, .end, .failure(PostgresError(state: "23503")), .sync,
        ]
        #expect(feed(&pipeline, calls, events) == "?0 ?1")
        #expect(calls.map(\.isAlone) == [true, true])
    }

    @Test
    func `a statement that cannot be prepared fails who wanted it, once`() throws {
        let calls = [call(.read), call(.read)]
        var pipeline = PostgresPipeline()
        pipeline.prepareSent(statement, for: calls[0])
        for call in calls { pipeline.callSent(statement, call) }
        pipeline.syncSent()
        let events: [PostgresPipeline.Event] = [
            .failure(PostgresError(state: "42601")), .end, .skipped, .end, .skipped, .end, .sync,
        ]
        #expect(feed(&pipeline, calls, events) == "?1 -0")
        #expect(pipeline.calls == 0)
    }

    @Test(arguments: [
        ("40001", false, 1, "?0"), ("40001", false, 10, "-0"), ("26000", false, 1, "?0"), ("26000", false, 2, "-0"),
        ("57014", false, 1, "?0"), ("57014", true, 1, "-0"), ("23505", false, 1, "-0"),
    ])
    func `what happened through no fault of the statement is tried again, not for ever`(
        state: String,
        isStopped: Bool,
        attempts: Int,
        expected: String
    ) {
        let calls = [call(.write)]
        calls[0].isStopped = isStopped
        calls[0].attempts = attempts
        var pipeline = sent(calls)
        #expect(feed(&pipeline, calls, [.failure(PostgresError(state: state)), .end, .sync]) == expected)
    }

    /// A server that answers as the protocol says, with failures here and there, against a count of who was told what.
    @Test
    func `whatever fails, everyone is told once, and writes only after their commit`() throws {
        let done = PostgresPipeline.Event.answer(try answer())
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<300 {
            var pipeline = PostgresPipeline()
            let shared = Bool.random(using: &random)
            let kind: PostgresCall.Kind =
                shared ? .sharedWrite : [.read, .write].randomElement(using: &random) ?? .read
            let calls = (0..<Int.random(in: 1...12, using: &random)).map { _ in call(kind) }
            let willFail = Set(calls.indices.filter { _ in Int.random(in: 0..<5, using: &random) == 0 })
            var left = Array(calls.indices)
            var told: [Int: Bool] = [:]
            var rounds = 0
            while !left.isEmpty {
                rounds += 1
                try #require(rounds < 40, "seed \(TestRun.seed)")
                var batches: [[Int]] = []
                for index in left {
                    let joins = kind == .read || calls[index].shares
                    if joins, let last = batches.last, last.allSatisfy({ kind == .read || calls[$0].shares }) {
                        batches[batches.count - 1].append(index)
                    } else {
                        batches.append([index])
                    }
                }
                left = []
                var orders: [PostgresPipeline.Order] = []
                for batch in batches {
                    for index in batch { pipeline.callSent(statement, calls[index]) }
                    pipeline.syncSent()
                }
                for batch in batches {
                    var hasFailed = false
                    for index in batch {
                        if hasFailed {
                            pipeline.received(.skipped, &orders)
                        } else if willFail.contains(index) {
                            hasFailed = true
                            pipeline.received(.failure(PostgresError(state: "23514")), &orders)
                        } else {
                            pipeline.received(done, &orders)
                        }
                        pipeline.received(.end, &orders)
                    }
                    if kind != .read {
                        #expect(
                            !orders.contains {
                                if case .answer(let call, _) = $0 {
                                    batch.contains { calls[$0] === call }
                                } else {
                                    false
                                }
                            }
                        )
                    }
                    pipeline.received(.sync, &orders)
                }
                for order in orders {
                    switch order {
                    case .answer(let call, _):
                        let index = try #require(calls.firstIndex { $0 === call })
                        #expect(told.updateValue(true, forKey: index) == nil)
                    case .fail(let call, _):
                        let index = try #require(calls.firstIndex { $0 === call })
                        #expect(told.updateValue(false, forKey: index) == nil)
                    case .again(let call): left.append(try #require(calls.firstIndex { $0 === call }))
                    case .unconfirmed: Issue.record("nobody said so, seed \(TestRun.seed)")
                    case .forget: break
                    }
                }
            }
            #expect(pipeline.isEmpty && pipeline.calls == 0)
            for index in calls.indices { #expect(told[index] == !willFail.contains(index), "seed \(TestRun.seed)") }
        }
    }
}
#endif
