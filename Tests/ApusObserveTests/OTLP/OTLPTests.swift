import ApusCore
import ApusRuntime
import ApusTesting
import FoundationEssentials
import Testing

@testable import ApusObserve

/// The interpreter that has PyPI's opentelemetry-proto.
private let python = RealPart.variable("APUS_TEST_OTLP_PYTHON")

@Suite(.timeLimit(.minutes(5)))
struct OTLPTests {
    static let span = FinishedSpan(
        context: TraceContext(traceHigh: 0x0102_0304_0506_0708, traceLow: 9, spanID: 0xAA, flags: 1),
        parentID: 0xBB,
        name: "GET /é",
        kind: .server,
        began: 1_767_225_600_000_000_001,
        ended: 1_767_225_600_000_000_500,
        failed: true,
        attributes: [
            .init(key: .httpRoute, value: .string("/x")), .init(key: "empty", value: .string("")),
            .init(key: .httpResponseStatusCode, value: .int(-1)), .init(key: "zero", value: .int(0)),
            .init(key: "ratio", value: .double(0.5)), .init(key: "flag", value: .bool(false)),
        ],
        attributesDropped: 3
    )

    /// Decodes a body with OpenTelemetry's own classes.
    static func decode(_ kind: String, _ body: [UInt8]) throws -> String {
        let interpreter = try #require(python, "APUS_TEST_ALL=1, but APUS_TEST_OTLP_PYTHON is not set")
        let folder = try TemporaryFolder()
        try Files.writeAtomically(body, to: folder.file("body"))
        let script = #filePath.replacing("OTLP/OTLPTests.swift", with: "Fixtures/otlp_receiver.py")
        let result = try shell("'\(interpreter)' '\(script)' \(kind) < '\(folder.file("body"))' 2>&1")
        try #require(result.code == 0, "\(result.output)")
        return result.output
    }

    @Test(
        .enabled("set APUS_TEST_OTLP_PYTHON to a Python with opentelemetry-proto") { python != nil || RealPart.mustRun }
    )
    func `OpenTelemetry's own classes read our spans`() throws {
        let body = OTLP.encode([Self.span], resource: [(key: "service.name", value: "shop")])
        let expected = """
            {"resource_spans": [{"resource": {"attributes": [{"key": "service.name", "value": {"string_value": "shop"}}]}, \
            "scope_spans": [{"scope": {"name": "apus"}, "spans": [{"attributes": [\
            {"key": "http.route", "value": {"string_value": "/x"}}, {"key": "empty", "value": {"string_value": ""}}, \
            {"key": "http.response.status_code", "value": {"int_value": "-1"}}, {"key": "zero", "value": {"int_value": "0"}}, \
            {"key": "ratio", "value": {"double_value": 0.5}}, {"key": "flag", "value": {"bool_value": false}}], \
            "dropped_attributes_count": 3, "end_time_unix_nano": "1767225600000000500", "flags": 1, \
            "kind": "SPAN_KIND_SERVER", "name": "GET /\\u00e9", "parent_span_id": "AAAAAAAAALs=", \
            "span_id": "AAAAAAAAAKo=", "start_time_unix_nano": "1767225600000000001", \
            "status": {"code": "STATUS_CODE_ERROR"}, "trace_id": "AQIDBAUGBwgAAAAAAAAACQ=="}]}]}]}
            """
        #expect(try Self.decode("traces", body) == expected)
    }

    @Test(
        .enabled("set APUS_TEST_OTLP_PYTHON to a Python with opentelemetry-proto") { python != nil || RealPart.mustRun }
    )
    func `OpenTelemetry's own classes read our metrics`() throws {
        let metrics = Metrics()
        metrics.counters("c_total", help: "C.", labels: ["l"]).series("v").add(5)
        metrics.gauge("g", help: "G.").set(-2)
        metrics.histogram("h_seconds", help: "H.", bounds: [1_000_000_000]).record(.milliseconds(500))
        metrics.observe("o", help: "O.") { 0.5 }
        let body = OTLP.encode(metrics.snapshot(), resource: [], started: 1, now: 2)
        let expected = """
            {"resource_metrics": [{"resource": {}, "scope_metrics": [{"metrics": [\
            {"description": "C.", "name": "c_total", "sum": {"aggregation_temporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", \
            "data_points": [{"as_int": "5", "attributes": [{"key": "l", "value": {"string_value": "v"}}], \
            "start_time_unix_nano": "1", "time_unix_nano": "2"}], "is_monotonic": true}, "unit": "1"}, \
            {"description": "G.", "gauge": {"data_points": [{"as_int": "-2", "time_unix_nano": "2"}]}, "name": "g", "unit": "1"}, \
            {"description": "H.", "histogram": {"aggregation_temporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", \
            "data_points": [{"bucket_counts": ["1", "0"], "count": "1", "explicit_bounds": [1.0], \
            "start_time_unix_nano": "1", "sum": 0.5, "time_unix_nano": "2"}]}, "name": "h_seconds", "unit": "s"}, \
            {"description": "O.", "gauge": {"data_points": [{"as_double": 0.5, "time_unix_nano": "2"}]}, "name": "o", \
            "unit": "1"}], "scope": {"name": "apus"}}]}]}
            """
        #expect(try Self.decode("metrics", body) == expected)
    }
}

@Suite(.timeLimit(.minutes(5)))
struct OTLPExporterTests {
    struct NoAnswer: Error {}

    /// What the collector answers next, and what it got.
    final class Collector: Sendable {
        let state: Lock<(answers: [Int?], requests: [OTLPRequest])>
        init(_ answers: [Int?]) { state = Lock((answers: answers, requests: [])) }
        func send(_ request: OTLPRequest) throws -> Int {
            try state.withLock { state in
                state.requests.append(request)
                // 200 once the list is used up.
                guard let answer = state.answers.isEmpty ? 200 : state.answers.removeFirst() else { throw NoAnswer() }
                return answer
            }
        }
        var requests: [OTLPRequest] { state.withLock { $0.requests } }
    }

    let metrics = Metrics()
    let store = SpanStore()

    func exporter(_ collector: Collector, _ change: (inout OTLPConfiguration) -> Void = { _ in }) -> OTLPExporter {
        var configuration = OTLPConfiguration()
        configuration.tracesURL = "http://collector/v1/traces"
        configuration.headers = Secret(["x-key": "k"])
        change(&configuration)
        let clock = ManualClock()
        return OTLPExporter(configuration, resource: [], store: store, metrics: metrics, clock: clock) {
            try collector.send($0)
        }
    }

    func record(_ count: Int) {
        let tracer = Tracer(store: store, clock: ManualClock(), metrics: metrics)
        for _ in 0..<count {
            let span = tracer.begin("x", at: Instant(nanoseconds: 0))
            span.fail()
            tracer.finish(span, at: Instant(nanoseconds: 1))
        }
    }

    @Test func `spans go in batches`() async {
        let collector = Collector([200, 200])
        let exporter = exporter(collector) { $0.batchMax = 2 }
        #expect(await exporter.exportBatch() == .idle)
        record(3)
        #expect(await exporter.exportBatch() == .sent)
        #expect(await exporter.exportBatch() == .sent)
        #expect(await exporter.exportBatch() == .idle)
        #expect(collector.requests.map(\.url) == ["http://collector/v1/traces", "http://collector/v1/traces"])
        #expect(collector.requests[0].headers.reveal() == ["x-key": "k", "Content-Type": "application/x-protobuf"])
    }

    @Test func `a collector that is away is tried again, more and more slowly, and a bounded number of times`() async {
        let collector = Collector([nil, 503, 429, 502, 504, 200])
        let exporter = exporter(collector) { $0.retryPauseMax = .seconds(5) }
        record(1)
        let pauses = [1, 2, 4, 5].map { OTLPExporter.Outcome.retry(after: .seconds($0)) }
        for pause in pauses { #expect(await exporter.exportBatch() == pause) }
        #expect(await exporter.exportBatch() == .dropped)
        record(1)
        #expect(await exporter.exportBatch() == .sent)
        #expect(Set(collector.requests.prefix(5).map(\.body)).count == 1)
    }

    @Test func `a refusal drops the batch at once`() async {
        let exporter = exporter(Collector([400]))
        record(2)
        #expect(await exporter.exportBatch() == .dropped)
        #expect(metrics.counter("apus_otlp_dropped_total", help: "").value == 2)
    }

    @Test func `the queue is bounded`() async {
        let collector = Collector([200])
        let exporter = exporter(collector) { $0.queueMax = 10 }
        record(25)
        #expect(store.waitingCount == 10)
        #expect(await exporter.exportBatch() == .sent)
    }

    @Test func `it runs on a loop until cancelled, and flushes`() async throws {
        let collector = Collector([])
        let exporter = exporter(collector) {
            $0.delay = .milliseconds(1)
            $0.metricsURL = "http://collector/v1/metrics"
            $0.metricsInterval = .milliseconds(1)
        }
        let group = try LoopGroup(count: 1)
        let loop = group.loops[0]
        let running = Task(executorPreference: loop) { await exporter.run(on: loop) }
        record(1)
        while Set(collector.requests.map(\.url)).count < 2 { await Task.yield() }
        running.cancel()
        await running.value
        record(1)
        await exporter.flush()
        #expect(store.waitingCount == 0)
        await Task.detached { group.shutdown() }.value
    }
}
