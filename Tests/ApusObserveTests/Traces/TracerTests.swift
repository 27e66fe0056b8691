import ApusCore
import ApusRuntime
import ApusTesting
import FoundationEssentials
import Testing

@testable import ApusObserve

@Suite(.timeLimit(.minutes(5)))
struct TracerTests {
    let metrics = Metrics()
    let store = SpanStore(capacity: 100)

    func tracer(spansMax: Int = 64, _ change: (inout TraceConfiguration) -> Void = { _ in }) -> Tracer {
        var configuration = TraceConfiguration()
        change(&configuration)
        return Tracer(configuration, store: store, spansMax: spansMax, clock: ManualClock(start: 0), metrics: metrics)
    }

    func time(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func `a trace is kept with its spans, attributes and times`() throws {
        let tracer = tracer()
        let parent = try #require(TraceContext(traceparent: TraceParentTests.valid))
        let root = tracer.begin("GET /x", parent: parent, at: time(1))
        root.set(.httpRequestMethod, "GET" as SpanName)
        root.set(.httpResponseStatusCode, 200)
        root.set("ratio", 0.5)
        root.set("cached", true)
        root.set(.urlPath, "/x")
        let child = tracer.begin("load", kind: .client, under: root, at: time(2))
        #expect(child.context.traceLow == parent.traceLow)
        child.fail(CancellationError())
        tracer.finish(child, at: time(5))
        tracer.finish(root, at: time(7))
        let spans = store.spans(traceHigh: parent.traceHigh, traceLow: parent.traceLow)
        #expect(spans.map(\.name) == ["GET /x", "load"])
        #expect(spans[0].parentID == parent.spanID)
        #expect(spans[0].kind == .server)
        #expect(
            spans[0].attributes.map(\.value) == [.string("GET"), .int(200), .double(0.5), .bool(true), .string("/x")]
        )
        #expect(spans[0].ended - spans[0].began == 6_000_000)
        #expect(spans[0].began == 1_767_225_600_001_000_000)
        #expect(spans[1].parentID == spans[0].context.spanID)
        #expect(spans[1].failed && !spans[0].failed)
        #expect(spans[1].attributes.map(\.value) == [.string("CancellationError")])
        let json = try #require(store.json(traceID: parent.traceIDText))
        #expect(throws: Never.self) { try JSONDecoder().decode([String: AnyJSON].self, from: Data(json.utf8)) }
        #expect(store.json(traceID: "00") == nil)
        #expect(store.recentRoots().count == 1)
        #expect(json.contains("\"http.response.status_code\":200"))
    }

    /// Any JSON at all.
    struct AnyJSON: Decodable { init(from decoder: any Decoder) throws {} }

    @Test func `what a span does not hold is cut or counted`() {
        let tracer = tracer()
        let root = tracer.begin("root", at: time(0))
        root.set("long", String(repeating: "é", count: 100))
        root.set("more", "x")
        for index in 0..<10 { root.set("n", index) }
        tracer.finish(root, at: time(1))
        let span = store.all()[0]
        #expect(span.attributes.count == 8)
        #expect(span.attributesDropped == 4)
        #expect(span.attributes[0].value == .string(String(repeating: "é", count: 64)))
        #expect(span.attributes[1].value == .string(""))
    }

    @Test func `ending twice, setting after the end, ending a child late: nothing happens`() {
        let tracer = tracer()
        let root = tracer.begin("root", at: time(0))
        let child = tracer.begin("child", under: root, at: time(0))
        let late = tracer.begin("late", under: root, at: time(0))
        tracer.finish(child, at: time(1))
        tracer.finish(child, at: time(2))
        child.set("x", 1)
        tracer.finish(root, at: time(3))
        tracer.finish(root, at: time(4))
        tracer.finish(late, at: time(5))
        #expect(!tracer.begin("after", under: root, at: time(6)).isRecording)
        #expect(store.all().map(\.name).sorted { $0.description < $1.description } == ["child", "root"])
    }

    @Test func `head sampling follows the parent, else its own rule`() throws {
        let sampled = try #require(TraceContext(traceparent: TraceParentTests.valid))
        var unsampled = sampled
        unsampled.isSampled = false
        let parentBased = tracer { $0.root = .alwaysOff }
        #expect(parentBased.begin("x", parent: sampled, at: time(0)).isRecording)
        #expect(!parentBased.begin("x", parent: unsampled, at: time(0)).isRecording)
        #expect(!parentBased.begin("x", at: time(0)).isRecording)
        let alwaysOn = tracer { $0.followsParent = false }
        let span = alwaysOn.begin("x", parent: unsampled, at: time(0))
        #expect(span.isRecording && span.context.isSampled)
        #expect(span.context.traceLow == sampled.traceLow)
        // An unrecorded span still has a context to hand on.
        let skipped = parentBased.begin("x", parent: unsampled, at: time(0))
        #expect(skipped.context.traceLow == unsampled.traceLow)
        #expect(skipped.context.spanID != unsampled.spanID && !skipped.context.isSampled)
    }

    @Test func `a ratio takes about that share, and the same traces everywhere`() {
        let tenth = tracer(spansMax: 10_000) { $0.root = .ratio(0.1) }
        let fifth = tracer(spansMax: 10_000) {
            $0.root = .ratio(0.2)
            $0.followsParent = false
        }
        var count = 0
        for _ in 0..<20_000 {
            let span = tenth.begin("x", at: time(0))
            if span.isRecording {
                count += 1
                let there = fifth.begin("x", parent: span.context, at: time(0))
                #expect(there.isRecording)
                fifth.finish(there, at: time(0))
            }
            tenth.finish(span, at: time(0))
        }
        #expect(count > 1700 && count < 2300)
    }

    @Test func `of finished traces failed and slow ones are kept, others by their share`() {
        let tracer = tracer { $0.ordinaryRatio = 0 }
        func run(_ name: SpanName, milliseconds: Int64, failsIn part: Int? = nil) {
            let root = tracer.begin(name, at: time(0))
            let child = tracer.begin("child", under: root, at: time(0))
            if part == 1 { child.fail() }
            tracer.finish(child, at: time(1))
            if part == 0 { root.fail() }
            tracer.finish(root, at: time(milliseconds))
        }
        run("ordinary", milliseconds: 249)
        run("slow", milliseconds: 250)
        run("failed", milliseconds: 1, failsIn: 0)
        run("failed inside", milliseconds: 1, failsIn: 1)
        #expect(store.recentRoots().map(\.name) == ["failed inside", "failed", "slow"])
    }

    @Test func `ordinary traces are bounded by the second`() {
        let store = SpanStore(capacity: 10_000)
        var configuration = TraceConfiguration()
        configuration.ordinaryTracesPerSecondMax = 10
        let bounded = Tracer(configuration, store: store, clock: ManualClock(), metrics: metrics)
        for second in 0..<20 {
            for request in 0..<1000 {
                let at = time(Int64(second * 1000 + request))
                bounded.finish(bounded.begin("x", at: at), at: at)
            }
        }
        let kept = store.all().count
        #expect(kept > 100 && kept <= 20 * 20)
    }

    @Test func `memory is bounded and given back`() {
        let tracer = tracer(spansMax: 10)
        for _ in 0..<50 {
            let root = tracer.begin("root", at: time(0))
            let children = (0..<20).map { _ in tracer.begin("child", under: root, at: time(0)) }
            #expect(children.count { $0.isRecording } == 9)
            for child in children { tracer.finish(child, at: time(1)) }
            tracer.finish(root, at: time(1))
        }
        #expect(tracer.dropped.value == 50 * 11)
        #expect(store.all().count == 100)
    }

    @Test func `spans from many threads meet in their trace`() async {
        let store = SpanStore(capacity: 20_000)
        var configuration = TraceConfiguration()
        configuration.ordinaryTracesPerSecondMax = 1 << 20
        let tracer = Tracer(configuration, store: store, spansMax: 4096, clock: ManualClock(), metrics: metrics)
        for _ in 0..<20 {
            let root = tracer.begin("root", at: time(0))
            let early = tracer.begin("early", under: root, at: time(0))
            await onThreads(8) { index in
                for _ in 0..<10 {
                    let span = tracer.begin("there", under: root, at: Instant(nanoseconds: 1))
                    span.set("thread", index)
                    tracer.finish(span, at: Instant(nanoseconds: 2))
                }
                if index == 0 { tracer.finish(early, at: Instant(nanoseconds: 3)) }
            }
            tracer.finish(root, at: time(1))
            // The task may have moved: what was ended away from home is decided when home begins its next.
            tracer.finish(tracer.begin("next", at: time(2)), at: time(2))
        }
        await onThreads(4) { _ in
            tracer.finish(tracer.begin("next", at: Instant(nanoseconds: 0)), at: Instant(nanoseconds: 0))
        }
        let roots = store.recentRoots(most: 20_000).filter { $0.name == "root" }
        #expect(!roots.isEmpty)
        for root in roots {
            let spans = store.spans(traceHigh: root.context.traceHigh, traceLow: root.context.traceLow)
            #expect(spans.count == 82)
        }
        #expect(tracer.dropped.value == 0)
    }

    @Test func `a span of user code is found under the task's current one`() async throws {
        let root = Tracer.process.begin("user root", at: Trace.now())
        let result = await Trace.$current.withValue(root) {
            await Trace.span("outer") { outer in
                outer.set("k", 1)
                #expect(Trace.current == outer)
                await #expect(throws: CancellationError.self) {
                    try await Trace.span("inner") { _ in throw CancellationError() }
                }
                return Trace.measure("sync") { _ in 7 }
            }
        }
        #expect(result == 7)
        #expect(Trace.current == .none)
        // Without a trace the body is just called.
        #expect(await Trace.span("none") { $0.isRecording } == false)
    }
}
