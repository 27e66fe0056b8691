import ApusCore
import ApusLoad
import ApusObserve
import ApusRuntime
import Glibc
import Testing

@testable import ApusDashboard

/// A folder that is gone when the test is.
final class TemporaryFolder: Sendable {
    let path = "/tmp/apus-test-\(SecureRandom.token(bits: 64))"
    init() throws { try Files.makeFolder(path) }
    deinit { try? Files.remove(path) }
}

/// Runs `body` on a loop of its own.
func onLoop<Result: Sendable>(_ body: @escaping @Sendable (EventLoop) async throws -> Result) async throws -> Result {
    let group = try LoopGroup(count: 1)
    let loop = group.loops[0]
    let result = await Task(executorPreference: loop) { () async -> Swift.Result<Result, any Error> in
        do { return .success(try await body(loop)) } catch { return .failure(error) }
    }.value
    group.shutdown()
    return try result.get()
}

/// A system that a test makes up: processes whose numbers it sets.
final class MadeUpSystem: DashboardSource {
    struct State {
        var parts: [PartStatus] = []
        var changes: [String] = []
        var hasEnded = false
        var details: [(process: PartName, detail: BlockDetail)] = []
        var counts = 0
    }

    let state = Lock(State())
    let processes: [(process: PartName, metrics: Metrics, tail: LogTail, tracer: Tracer)]
    private let sources: [PulseSource]
    let system: String
    let blocks: [BlockFact]

    /// Parts of these names, an `edge` and a `web` as what they are called, all others services.
    init(
        _ names: [String],
        system: String = "shop",
        blocks: [BlockFact] = [
            BlockFact(name: "books", kind: "store", place: "/nowhere/store-books", stockClient: "sqlite3 x"),
            BlockFact(name: "pages", kind: "cache", place: "/nowhere/cache-pages", stockClient: nil),
        ]
    ) {
        self.system = system
        self.blocks = blocks
        processes = names.map { name in
            let metrics = Metrics()
            let tracer = Tracer(store: SpanStore(capacity: 64), metrics: metrics)
            return (PartName(part: name, replica: 0), metrics, LogTail(), tracer)
        }
        sources = processes.map { PulseSource(metrics: $0.metrics, tracer: $0.tracer, tail: $0.tail) }
        let kinds = ["edge": "edge", "web": "web"]
        state.withLock { state in
            state.parts = names.enumerated().map { index, name in
                PartStatus(
                    name: name,
                    kind: kinds[name] ?? "service",
                    replica: 0,
                    pid: Int32(100 + index),
                    state: "ready",
                    restarts: 0,
                    addresses: [],
                    upSeconds: 1,
                    cpuSeconds: 0,
                    cpuShare: 0,
                    memoryBytes: 0,
                    problems: []
                )
            }
        }
    }

    func metrics(_ name: String) -> Metrics {
        guard let found = processes.first(where: { $0.process.part == name }) else { preconditionFailure("no \(name)") }
        return found.metrics
    }

    var facts: SystemFacts {
        SystemFacts(
            system: system,
            summary: "a test",
            pid: 1,
            url: nil,
            data: "/nowhere",
            blocks: blocks,
            settings: [
                SettingFact(
                    key: "password",
                    value: "[redacted]",
                    from: "environment",
                    variable: "PASSWORD",
                    help: "A secret.",
                    accepted: "text"
                )
            ],
            targets: ["edge": "web"]
        )
    }

    func problems() async -> [String] { [] }
    func parts(measured: Bool) async -> [PartStatus] { state.withLock { $0.parts } }

    var targets: [PulseTarget] {
        zip(processes, sources).map { process, source in
            PulseTarget(process: process.process) { source.answer($0) }
        }
    }

    func metrics() async -> String { "" }

    func change(_ change: PartChange, of name: String, replica: Int?) async throws(ChangeRefused) {
        if name == "web", change == .stop { throw ChangeRefused("the web part stays") }
        state.withLock { $0.changes.append("\(change) \(name)\(replica.map { "/\($0)" } ?? "")") }
    }

    func scale(_ name: String, to replicas: Int) async throws(ChangeRefused) {
        state.withLock { $0.changes.append("scale \(name) \(replicas)") }
    }

    func end() { state.withLock { $0.hasEnded = true } }

    func details(of kind: String, _ name: String) async -> [(process: PartName, detail: BlockDetail)] {
        state.withLock { $0.details }
    }

    func countRows(of store: String) async throws(ChangeRefused) -> RowCounts {
        let count = state.withLock { state in
            state.counts += 1
            return state.counts
        }
        return RowCounts(
            time: SystemClock().wallNanoseconds(),
            shards: [0],
            tables: [RowCounts.Table(name: "books", rows: [count])],
            isComplete: true
        )
    }

    var loads: (any LoadRunning)? { runner }
    let runner = MadeUpRunner()
}

/// Runs that a test makes up: they go on until they are stopped.
final class MadeUpRunner: LoadRunning {
    private let run = Lock<LoadStatus?>(nil)

    let scenarios = [
        ScenarioFact(Scenario("reading", "people read", rate: 20) { _ in Mix([Journey("read") { _ in }]) })
    ]
    var status: LoadStatus? { run.withLock { $0 } }

    func change(_ body: (inout LoadStatus) -> Void) {
        run.withLock { run in
            guard var status = run else { return }
            body(&status)
            status.revision += 1
            run = status
        }
    }

    func start(_ question: LoadQuestion) throws(ChangeRefused) {
        if status?.state.isUnderWay == true { throw ChangeRefused("a load is under way") }
        run.withLock { $0 = LoadStatus(number: ($0?.number ?? 0) + 1, question, began: 1) }
    }

    func stop() throws(ChangeRefused) {
        if status?.state.isUnderWay != true { throw ChangeRefused("no load is under way") }
        change { $0.state = .stopped }
    }
}

/// A span of a made-up request.
func span(
    _ name: String,
    trace: UInt64,
    id: UInt64,
    parent: UInt64 = 0,
    began: Int64 = 1_000_000_000,
    milliseconds: Int64 = 5,
    failed: Bool = false,
    attributes: [CollectedSpan.Attribute] = []
) -> CollectedSpan {
    CollectedSpan(
        traceHigh: 7,
        traceLow: trace,
        spanID: id,
        parentID: parent,
        name: name,
        kind: .server,
        began: began,
        nanoseconds: milliseconds * 1_000_000,
        failed: failed,
        attributes: attributes
    )
}
