import ApusCore
import ApusRuntime
import Testing

@testable import ApusDashboard
@testable import ApusObserve

@Suite struct TimelineTests {
    private static let second: Int64 = 1_000_000_000

    private func definition(_ name: String) -> Pulse.Definition {
        let metrics = Metrics()
        metrics.counter(name, help: "A count.").add(1)
        let source = PulseSource(
            metrics: metrics,
            tracer: Tracer(store: SpanStore(), metrics: Metrics()),
            tail: LogTail()
        )
        guard let found = source.answer(PulseRequest()).definitions.first(where: { $0.name == name }) else {
            preconditionFailure("\(name) was told")
        }
        return found
    }

    private func key(_ name: String) -> SeriesKey {
        SeriesKey(process: PartName(part: "web", replica: 0), metric: name, labels: [])
    }

    @Test func `frames that follow each other make one`() throws {
        let first = Frame(
            time: 2,
            span: 1,
            samples: [1: .growth(2), 2: .level(5), 3: .spread(sum: 3, buckets: [.init(bucket: 1, count: 1)])]
        )
        let second = Frame(
            time: 3,
            span: 1,
            samples: [
                1: .growth(4), 2: .level(6),
                3: .spread(sum: 4, buckets: [.init(bucket: 0, count: 2), .init(bucket: 1, count: 1)]),
            ]
        )
        let merged = try #require(Frame.merged([first, second]))
        #expect(merged.span == 2 && merged.time == 3)
        #expect(merged.samples[1] == .growth(6))
        #expect(merged.samples[2] == .level(6))
        #expect(
            merged.samples[3] == .spread(sum: 7, buckets: [.init(bucket: 0, count: 2), .init(bucket: 1, count: 2)])
        )
        for record in [HistoryRecord.frame(merged)] { #expect(try HistoryRecord(packed: record.packed) == record) }
    }

    @Test func `what was stored is there after a restart, under other ids`() async throws {
        let folder = try TemporaryFolder()
        let (requests, errors) = (definition("requests_total"), definition("errors_total"))
        try await onLoop { _ in
            func open() throws -> (Timeline, BlockingPool) {
                let pool = BlockingPool(threadsMax: 1, waitersMax: 8)
                let ring = try SegmentRing(folder: folder.path, name: "m", segmentBytes: 4 << 20, segmentsMax: 24)
                return (Timeline(disk: ring, pool: pool), pool)
            }
            let (first, firstPool) = try open()
            let id = try #require(first.id(key("requests_total"), requests))
            for second in 1...60 {
                first.add(
                    Frame(time: Int64(second) * Self.second, span: Self.second, samples: [id: .growth(Double(second))])
                )
                await first.store()
            }
            await first.store(isLast: true)
            firstPool.shutdown()

            let (second, secondPool) = try open()
            // This run meets the series in another order.
            _ = second.id(key("errors_total"), errors)
            await second.restore()
            #expect(second.range?.upperBound == 60 * Self.second)
            let frames = await second.frames(after: 0, to: 30 * Self.second)
            let own = try #require(second.id(key("requests_total"), requests))
            #expect(own != id)
            var sum = 0.0
            for frame in frames { if case .growth(let value) = frame.samples[own] { sum += value } }
            #expect(sum == Double((1...30).reduce(0, +)))
            #expect(frames.map(\.span).reduce(0, +) == 30 * Self.second)
            // Seconds of this run join what lies on disk, each once.
            second.add(Frame(time: 61 * Self.second, span: Self.second, samples: [own: .growth(1)]))
            let all = await second.frames(after: 0, to: 100 * Self.second)
            #expect(all.map(\.span).reduce(0, +) == 61 * Self.second)
            secondPool.shutdown()
        }
    }

    @Test func `memory holds a bounded number of frames and series`() {
        let timeline = Timeline(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        for second in 1...2000 { timeline.add(Frame(time: Int64(second), span: 1, samples: [:])) }
        #expect(timeline.range == Int64(2000 - Timeline.framesMax)...2000)
        let definition = definition("requests_total")
        for index in 0..<Timeline.seriesMax + 5 { _ = timeline.id(key("m\(index)"), definition) }
        #expect(timeline.series.count == Timeline.seriesMax && timeline.seriesRefused == 5)
    }

    @Test func `a process that is new has counted from zero, one that was there from where it stands`() throws {
        let timeline = Timeline(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        var pulse = Pulse(session: 1, sequence: 1, time: 0, age: 0, isWhole: true)
        pulse.definitions = [definition("requests_total")]
        let index = pulse.definitions[0].index
        pulse.numbers = [Pulse.Number(index: index, value: 5)]
        var young = ProcessTrack(PartName(part: "web", replica: 0))
        let first = young.take(pulse, timeline)
        #expect(Array(first.values) == [.growth(5)])
        pulse.age = 60 * Self.second
        var old = ProcessTrack(PartName(part: "web", replica: 1))
        let baseline = old.take(pulse, timeline)
        #expect(baseline.isEmpty)
        pulse.sequence = 2
        pulse.numbers[0].value = 9
        let grown = old.take(pulse, timeline)
        #expect(Array(grown.values) == [.growth(4)])
        // The same whole answer again counts nothing twice; a process started anew counts from zero.
        let again = old.take(pulse, timeline)
        #expect(again.isEmpty)
        pulse.session = 2
        pulse.age = Self.second
        pulse.numbers[0].value = 2
        let anew = old.take(pulse, timeline)
        #expect(Array(anew.values) == [.growth(2)])
    }
}
