import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusDashboard

/// A day of a system in a minute or so: the clock is turned, the bounds are an eighth of the real ones.
@Suite(.timeLimit(.minutes(10))) struct DayTests {
    private static let bounds = HistoryBounds(
        segmentBytes: 512 << 10,
        metricsBytes: 12 << 20,
        tracesBytes: 16 << 20,
        linesBytes: 4 << 20
    )
    private static let step: Int64 = 5
    private static let seconds: Int64 = 86_400

    /// What the folder takes of the disk.
    private static func bytes(_ folder: String) throws -> Int {
        try Files.list(folder).reduce(0) { $0 + Int(Files.status("\(folder)/\($1)")?.size ?? 0) }
    }

    /// How many requests come in a second of an hour: each hour has another.
    private static func rate(hour: Int64) -> Int { 10 + Int(hour) * 3 }

    private static func hourAgo(_ hours: Int64, _ end: Int64) -> Int64 { end - hours * 3_600_000_000_000 }

    /// The rate of requests at a moment of the past, as the picture has it.
    private static func shown(_ dashboard: Dashboard, at time: Int64) async -> Double {
        await dashboard.picture(at: time, window: 60).arrows.first { $0.from == "clients" }?.rate ?? -1
    }

    @Test func `the bounds are 256 MiB, and no file is a large part of one`() {
        let bounds = HistoryBounds()
        #expect(bounds.bytes == 256 << 20)
        #expect(
            [bounds.metricsBytes, bounds.tracesBytes, bounds.linesBytes].allSatisfy { $0 % bounds.segmentBytes == 0 }
        )
        #expect(Self.bounds.bytes * 8 == bounds.bytes && Self.bounds.segmentBytes * 8 == bounds.segmentBytes)
    }

    @Test func `a day stays within its bound, survives a restart, and the slider goes back through it`() async throws {
        let scratch = try TemporaryFolder()
        let folder = "\(scratch.path)/dashboard"
        let clock = ManualClock()
        let system = MadeUpSystem(["edge", "web"])
        let requests = system.metrics("edge").counters(
            "edge_requests_total",
            help: "R.",
            labels: ["replica", "status"]
        ).series("web/0", "2xx")
        // More than the bound has room for at five seconds a frame.
        let many = system.metrics("web").counters("work_total", help: "W.", labels: ["kind"], seriesMax: 400)
        let kinds = (0..<300).map { many.series("kind \($0)") }
        let began = clock.wallNanoseconds()
        try await onLoop { loop in
            let dashboard = Dashboard(
                of: system,
                folder: folder,
                bounds: Self.bounds,
                gathers: true,
                on: loop,
                clock: clock
            )
            await dashboard.restore()
            await dashboard.gather()
            var largest = 0
            for second in stride(from: Self.step, through: Self.seconds, by: Int(Self.step)) {
                clock.advance(by: .seconds(Self.step))
                requests.add(Self.rate(hour: (second - 1) / 3600) * Int(Self.step))
                for (index, kind) in kinds.enumerated() { kind.add(index + Int(second % 97)) }
                Self.speak(dashboard, second, clock.wallNanoseconds())
                await dashboard.gather()
                if second % 3600 == 0 { largest = max(largest, try Self.bytes(folder)) }
            }
            #expect(largest <= Self.bounds.bytes, "\(largest) bytes")
            await dashboard.finish()
        }
        let size = try Self.bytes(folder)
        // It was filled, so that the bound was met and not only kept.
        #expect(size <= Self.bounds.bytes && size > Self.bounds.bytes / 3, "\(size) bytes")
        try await onLoop { loop in
            let dashboard = Dashboard(
                of: system,
                folder: folder,
                bounds: Self.bounds,
                gathers: true,
                on: loop,
                clock: clock
            )
            await dashboard.restore()
            let range = try #require(dashboard.timeline.range)
            #expect(range.upperBound == clock.wallNanoseconds())
            // The whole day but the first minutes, however much happened.
            #expect(
                range.lowerBound - began < 1_800_000_000_000,
                "\((range.lowerBound - began) / 1_000_000_000) s are gone"
            )
            for hours in [1, 6, 12, 23] as [Int64] {
                let time = Self.hourAgo(hours, range.upperBound) + 900_000_000_000
                let wanted = Double(Self.rate(hour: 24 - hours))
                let rate = await Self.shown(dashboard, at: time)
                #expect(abs(rate - wanted) < 0.5, "\(hours) h ago \(rate), not \(wanted)")
            }
            let chart = try #require(
                await dashboard.chart(
                    ChartQuestion(
                        metric: "edge_requests_total",
                        from: range.upperBound - Self.seconds * 1_000_000_000,
                        to: range.upperBound,
                        steps: 24
                    )
                )
            )
            let values = try #require(chart.lines.first).values
            #expect(values.count == 24)
            for (hour, value) in values.enumerated().dropFirst() {
                let wanted = Double(Self.rate(hour: Int64(hour)))
                #expect(abs((value ?? 0) - wanted) < 1, "in hour \(hour) \(value ?? 0), not \(wanted)")
            }
            var failed = TraceBook.Question()
            failed.failedOnly = true
            failed.most = 2000
            #expect(dashboard.traces.list(failed).count > 100)
            #expect(await !dashboard.logs.list(LogBook.Question()).isEmpty)
            #expect(try Self.bytes(folder) <= Self.bounds.bytes)
            await dashboard.finish()
        }
    }

    /// A request and some lines, now and then a failure.
    private static func speak(_ dashboard: Dashboard, _ second: Int64, _ now: Int64) {
        let id = UInt64(second)
        let web = PartName(part: "web", replica: 0)
        let spans = (0..<12).map { index in
            span(
                "GET /books/{book}",
                trace: id,
                id: id * 100 + UInt64(index),
                parent: index == 0 ? 0 : id * 100,
                began: now,
                failed: index == 3 && second % 600 == 0,
                attributes: [.init("url.path", "/books/\(second)"), .init("book", String(repeating: "x", count: 40))]
            )
        }
        dashboard.traces.add(spans, from: web, at: now)
        dashboard.note(
            .info,
            "a book was looked at",
            ["book": "\(second)", "why": String(repeating: "y", count: 60)],
            from: web
        )
    }
}
