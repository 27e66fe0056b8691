import ApusCore
import ApusTesting
import Testing

@testable import ApusObserve

@Suite struct PulseTests {
    private let metrics = Metrics()
    private let tail = LogTail()
    private let tracer: Tracer
    private let source: PulseSource

    init() {
        tracer = Tracer(store: SpanStore(capacity: 4), metrics: metrics)
        source = PulseSource(metrics: metrics, tracer: tracer, tail: tail, clock: ManualClock())
    }

    private func value(_ name: String, in pulse: Pulse, _ names: [Int: String]) -> Double? {
        pulse.numbers.first { names[$0.index] == name }?.value
    }

    @Test func `the first answer is whole, the next ones hold what changed`() {
        let requests = metrics.counter("requests_total", help: "Requests.")
        let depth = metrics.gauge("depth", help: "Depth.")
        requests.add(3)
        depth.set(7)
        let first = source.answer(PulseRequest())
        let names = Dictionary(uniqueKeysWithValues: first.definitions.map { ($0.index, $0.name) })
        #expect(first.isWhole)
        #expect(value("requests_total", in: first, names) == 3)
        requests.add(2)
        let second = source.answer(PulseRequest(after: first))
        #expect(!second.isWhole && second.definitions.isEmpty)
        #expect(value("requests_total", in: second, names) == 5)
        #expect(value("depth", in: second, names) == nil)
    }

    @Test func `whoever has lost an answer gets all again`() {
        let requests = metrics.counter("requests_total", help: "Requests.")
        requests.add(1)
        let first = source.answer(PulseRequest())
        requests.add(1)
        _ = source.answer(PulseRequest(after: first))
        requests.add(1)
        let third = source.answer(PulseRequest(after: first))
        #expect(third.isWhole && third.session == first.session)
        let names = Dictionary(uniqueKeysWithValues: third.definitions.map { ($0.index, $0.name) })
        #expect(value("requests_total", in: third, names) == 3)
    }

    @Test func `only the buckets that changed travel`() {
        let times = metrics.histogram("times_seconds", help: "Times.", bounds: .callDurations)
        times.record(.milliseconds(1))
        let first = source.answer(PulseRequest())
        times.record(.milliseconds(100))
        let second = source.answer(PulseRequest(after: first))
        #expect(first.spreads.map(\.buckets.count) == [1])
        #expect(second.spreads.map(\.buckets.count) == [1])
        #expect(second.spreads[0].buckets[0].count == 1)
        #expect(second.spreads[0].sum == 101_000_000)
    }

    @Test func `spans come once, and those that were overwritten are counted`() {
        func trace() {
            let now = Instant(nanoseconds: 1_000_000_000)
            tracer.finish(tracer.begin("work", at: now), at: now)
        }
        for _ in 0..<3 { trace() }
        let first = source.answer(PulseRequest())
        #expect(first.spans.count == 3 && first.spans[0].name == "work")
        #expect(source.answer(PulseRequest(after: first)).spans.isEmpty)
        for _ in 0..<6 { trace() }
        let third = source.answer(PulseRequest(after: first))
        #expect(third.spans.count == 4 && third.spansMissed == 2)
    }

    @Test func `lines of the log come with their fields and their trace`() {
        let output = LogOutput(to: LineSink(descriptor: -1), clock: ManualClock(), metrics: Metrics())
        output.keep(in: tail)
        Log("shop", to: output).warning("out of stock", ["product": "22423", "left": 0])
        Log("shop", to: output).debug("not written")
        let pulse = source.answer(PulseRequest())
        #expect(pulse.lines.map(\.message) == ["out of stock"])
        #expect(pulse.lines[0].level == .warning && pulse.lines[0].logger == "shop")
        #expect(pulse.lines[0].fields == [.init("product", "22423"), .init("left", "0")])
    }

    @Test func `a tail holds a bounded number of lines and bytes`() {
        func record(_ bytes: Int) -> LogRecord {
            LogRecord(time: 1, level: .info, logger: "l", message: String(repeating: "a", count: bytes))
        }
        for _ in 0..<LogTail.recordsMax + 10 { tail.append(record(10)) }
        let few = tail.lines(from: 0, most: .max)
        #expect(few.records.count == LogTail.recordsMax && few.missed == 10)
        for _ in 0..<2000 { tail.append(record(2000)) }
        let heavy = tail.lines(from: 0, most: .max)
        #expect(heavy.records.reduce(0) { $0 + $1.weight } <= LogTail.bytesMax)
        #expect(heavy.next == UInt64(LogTail.recordsMax + 10 + 2000))
    }

    @Test func `the share that a collector sets bounds what is kept of ordinary traces`() {
        var request = PulseRequest()
        request.share = 0
        _ = source.answer(request)
        let now = Instant(nanoseconds: 1_000_000_000)
        for _ in 0..<10 { tracer.finish(tracer.begin("work", at: now), at: now) }
        let failed = tracer.begin("failing", at: now)
        failed.fail()
        tracer.finish(failed, at: now)
        #expect(tracer.store.all().map(\.name) == ["failing"])
    }

    @Test func `a pulse survives being packed`() throws {
        metrics.counters("requests_total", help: "Requests.", labels: ["route"]).series("/a").add(3)
        metrics.gauge("level", help: "Level.").set(-4)
        metrics.observe("share", help: "Share.") { 0.25 }
        metrics.histogram("times_seconds", help: "Times.").record(.milliseconds(7))
        tail.append(
            LogRecord(
                time: 5,
                level: .error,
                logger: "l",
                message: "m",
                traceHigh: 1,
                traceLow: 2,
                spanID: 3,
                fields: [.init("k", "v")]
            )
        )
        let now = Instant(nanoseconds: 1_000_000_000)
        let span = tracer.begin("work", at: now)
        span.set(.httpRoute, "/a")
        tracer.finish(span, at: now)
        let pulse = source.answer(PulseRequest())
        #expect(try Pulse(packed: pulse.packed) == pulse)
        let request = PulseRequest(after: pulse, share: 0.5)
        #expect(PulseRequest(query: request.query) == request)
    }

    @Test func `bytes that are no pulse are refused, whatever they are`() throws {
        metrics.counter("requests_total", help: "Requests.").add(3)
        metrics.histogram("times_seconds", help: "Times.").record(.milliseconds(7))
        let sound = source.answer(PulseRequest()).packed
        let seed = SecureRandom.number()
        var random = SeededRandom(seed: seed)
        for _ in 0..<5000 {
            var bytes = sound
            for _ in 0...Int(random.next() % 4) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
            // Read or refused: neither takes memory beyond what the bytes can hold, and neither traps.
            _ = try? Pulse(packed: bytes)
        }
        #expect(throws: PackedDamage.self, "seed \(seed)") { try Pulse(packed: Array(sound.dropLast())) }
        #expect(throws: PackedDamage.self) { try Pulse(packed: []) }
    }

    @Test(arguments: [0.0, 1, -1, 63, -64, 1_099_511_627_776, 0.5, -1e300, 18_014_398_509_481_984])
    func `numbers come back as they went`(number: Double) throws {
        var writer = PackedWriter()
        writer.write(number)
        var reader = PackedReader(writer.bytes)
        #expect(try reader.double() == number)
        #expect(reader.isAtEnd)
    }
}
