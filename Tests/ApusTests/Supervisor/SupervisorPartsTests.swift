import ApusCore
import ApusDashboard
import ApusRuntime
import Glibc
import Testing

@testable import Apus

@Suite struct SupervisorPartsTests {
    @Test func `restarts pause 100 ms, doubling to 10 s, and begin anew after 30 s of health`() {
        var pause = RestartPause()
        let pauses = (0..<9).map { _ in pause.after(served: .seconds(1)) }
        #expect(
            pauses
                == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map { Duration.milliseconds($0) }
        )
        #expect(pause.after(served: .seconds(30)) == .milliseconds(100))
        #expect(pause.after(served: .zero) == .milliseconds(200))
    }

    @Test func `the metrics of several processes are one text, each sample with its part and replica`() {
        let one = """
            # HELP a_total A.
            # TYPE a_total counter
            a_total 1
            # HELP b B.
            # TYPE b gauge
            b{x="1 {"} 2

            """
        let other = one.replacing(" 1\n", with: " 3\n")
        let text = MetricsMerge.text([
            .init(part: "web", replica: 0, text: one), .init(part: "web", replica: 1, text: other),
        ])
        #expect(
            text == """
                # HELP a_total A.
                # TYPE a_total counter
                a_total{part="web",replica="0"} 1
                a_total{part="web",replica="1"} 3
                # HELP b B.
                # TYPE b gauge
                b{part="web",replica="0",x="1 {"} 2
                b{part="web",replica="1",x="1 {"} 2

                """
        )
    }

    @Test func `processor time is read past a name that holds anything`() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 3 0 1 2 3"
        #expect(ProcessUsage.cpu(stat) == 2)
        #expect(ProcessUsage.cpu("nonsense") == 0)
        #expect(ProcessUsage.pss("Rss:  9 kB\nPss:      12 kB\n") == 12 << 10)
    }

    @Test func `what a control channel sends arrives whole and in order, also when it is long`() async throws {
        let group = try LoopGroup(count: 1)
        let loop = group.loops[0]
        let heard = try await Task(executorPreference: loop) {
            let pair = try SocketPair.make(theirsBlocks: false)
            let parent = try ControlChannel<Order, Report>(pair.mine, on: loop)
            let child = try ControlChannel<Report, Order>(pair.theirs, on: loop)
            for number in 0..<100 { child.send(.pong(number, problems: [String(repeating: "x", count: number * 100)])) }
            child.send(.metrics(question: 1, String(repeating: "m", count: 3 << 20)))
            var heard: [Report] = []
            await parent.run { report in
                heard.append(report)
                if heard.count == 101 { parent.close() }
            }
            child.close()
            return heard
        }.value
        await Task.detached { group.shutdown() }.value
        #expect(heard.count == 101)
        #expect(heard[99] == .pong(99, problems: [String(repeating: "x", count: 9900)]))
    }

    @Test(arguments: ["nonsense\n", "{\"pong\":\n", "{}\n", String(repeating: "x", count: 9 << 20)])
    func `a peer that sends what is no message is cut off`(text: String) async throws {
        let group = try LoopGroup(count: 2)
        let loop = group.loops[0]
        let pair = try SocketPair.make(theirsBlocks: true)
        let hearing = Task(executorPreference: loop) {
            let parent = try ControlChannel<Order, Report>(pair.mine, on: loop)
            var count = 0
            await parent.run { _ in count += 1 }
            return count
        }
        await Task(executorPreference: group.loops[1]) {
            var bytes = Array(text.utf8)[...]
            while !bytes.isEmpty {
                let sent = bytes.withUnsafeBytes {
                    send(pair.theirs, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { return }
                bytes = bytes.dropFirst(sent)
            }
        }.value
        #expect(try await hearing.value == 0)
        close(pair.theirs)
        await Task.detached { group.shutdown() }.value
    }

    @Test func `spans stand under their parents, and those without one at the front`() throws {
        func span(_ id: String, _ parent: String?, _ began: Int64) -> SpanFact {
            var fact = SpanFact(
                CollectedSpan(
                    traceHigh: 1,
                    traceLow: 2,
                    spanID: 3,
                    parentID: 0,
                    name: "GET /",
                    kind: .server,
                    began: began,
                    nanoseconds: 1_500_000,
                    failed: false,
                    attributes: []
                ),
                part: "web/0"
            )
            (fact.span, fact.parent) = (id, parent)
            return fact
        }
        let tree = SpanTree([span("c", "b", 3), span("b", "a", 2), span("a", nil, 1), span("lost", "gone", 4)])
        #expect(tree.lines.map(\.span.span) == ["a", "b", "c", "lost"])
        #expect(tree.lines.map(\.depth) == [0, 1, 2, 0])
        #expect(tree.text.contains("1.50 ms"))
        let circle = SpanTree([span("a", "b", 1), span("b", "a", 2)])
        #expect(circle.lines.count <= 2)
    }
}
