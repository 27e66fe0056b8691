import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusDashboard

/// What the dashboard's process keeps in memory of a busy system, by a clock that is turned.
@Suite(.timeLimit(.minutes(5))) struct MemoryTests {
    private static let seconds = 1800

    /// A second of a system with eleven processes: 1,100 series that change, 20 traces of 12 spans, 50 lines.
    private struct Busy {
        let system = MadeUpSystem(["edge", "web"])
        let counters: [Counter]
        let times: [Histogram]

        init() {
            let metrics = system.metrics("web")
            let work = metrics.counters("work_total", help: "W.", labels: ["kind"], seriesMax: 1000)
            let durations = metrics.histograms("work_seconds", help: "T.", labels: ["kind"], seriesMax: 200)
            counters = (0..<1000).map { work.series("kind \($0)") }
            times = (0..<100).map { durations.series("kind \($0)") }
        }

        func pass(_ second: Int) {
            for (index, counter) in counters.enumerated() { counter.add(index + second % 97) }
            for (index, time) in times.enumerated() {
                for step in 0..<8 { time.record(Int64(100_000 * (index + 1) << step)) }
            }
        }

        func speak(_ dashboard: Dashboard, _ second: Int, _ now: Int64) {
            for request in 0..<20 {
                let id = UInt64(second * 100 + request)
                let spans = (0..<12).map { index in
                    span(
                        "GET /books/{book}",
                        trace: id,
                        id: id * 100 + UInt64(index),
                        parent: index == 0 ? 0 : id * 100,
                        began: now,
                        attributes: [.init("url.path", "/books/\(second)"), .init("http.request.method", "GET")]
                    )
                }
                dashboard.traces.add(spans, from: PartName(part: "web", replica: 0), at: now)
            }
            for request in 0..<50 {
                let path = "/books/\(second * 50 + request)"
                dashboard.note(.info, "request", ["path": path, "status": "200", "id": "\(now)\(request)"])
            }
        }
    }

    @Test func `a quarter of an hour in memory is bounded, and grows no more once it is full`() async throws {
        let busy = Busy()
        let clock = ManualClock()
        try await onLoop { loop in
            let bounds = HistoryBounds()
            let dashboard = Dashboard(
                of: busy.system,
                folder: nil,
                bounds: bounds,
                gathers: true,
                on: loop,
                clock: clock
            )
            var sizes: [[Int]] = []
            for second in 1...Self.seconds {
                clock.advance(by: .seconds(1))
                busy.pass(second)
                busy.speak(dashboard, second, clock.wallNanoseconds())
                await dashboard.gather()
                if second % 450 == 0 {
                    let (frames, traces) = (dashboard.timeline.memoryBytes, dashboard.traces.memoryBytes)
                    sizes.append([frames, traces, dashboard.logs.memoryBytes])
                }
            }
            let (full, end) = (sizes[1], sizes[3])
            for (before, after) in zip(full, end) { #expect(after <= before + before / 20, "\(sizes)") }
            // Series: under 16 bytes each and second. Traces: 2,000 of 12 spans. Lines: 20,000.
            #expect(end[0] < 16 * 1100 * Timeline.framesMax, "\(end)")
            #expect(end[1] < 160 * 12 * TraceBook.tracesMax, "\(end)")
            #expect(end[2] < 160 * LogBook.linesMax, "\(end)")

            // What was packed still answers.
            let last = clock.wallNanoseconds()
            let chart = try #require(
                await dashboard.chart(
                    ChartQuestion(metric: "work_total", from: last - 900_000_000_000, to: last, steps: 900)
                )
            )
            let rates = try #require(chart.lines.first).values
            let wanted = (0..<1000).reduce(0, +)
            #expect(rates.count == 900 && rates.allSatisfy { Int($0 ?? 0) >= wanted })
            var question = LogBook.Question()
            question.words = ["path=/books/80001"]
            #expect(await dashboard.logs.list(question).count == 1)
            let oldest = try #require(dashboard.traces.list(TraceBook.Question(most: 5000)).last)
            let spans = await dashboard.traces.spans(of: try #require(TraceID(oldest.trace)))
            #expect(spans.count == 12 && spans[0].attributes["url.path"] != nil)
        }
    }

    @Test func `a latecomer joins a trace that was packed already`() async throws {
        let (edge, web) = (PartName(part: "edge", replica: 0), PartName(part: "web", replica: 1))
        let book = TraceBook(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        book.add([span("GET /books", trace: 1, id: 1)], from: edge, at: 0)
        book.tick(at: 3_000_000_000)
        #expect(book.memoryBytes > 0)
        book.add([span("books.find", trace: 1, id: 2, parent: 1)], from: web, at: 4_000_000_000)
        #expect(book.list(TraceBook.Question()).map(\.spans) == [2])
        book.tick(at: 7_000_000_000)
        #expect(book.list(TraceBook.Question()).map(\.parts) == [["edge", "web"]])
        #expect(await book.spans(of: TraceID(high: 7, low: 1)).map(\.part) == ["edge/0", "web/1"])
    }
}
