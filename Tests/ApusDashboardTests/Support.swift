import ApusCore
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
    }

    let state = Lock(State())
    let processes: [(process: PartName, metrics: Metrics, tail: LogTail, tracer: Tracer)]
    private let sources: [PulseSource]
    let system: String

    init(_ names: [String], system: String = "shop") {
        self.system = system
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
            blocks: [
                BlockFact(name: "books", kind: "store", place: "/nowhere/store-books", stockClient: "sqlite3 x"),
                BlockFact(name: "pages", kind: "cache", place: "/nowhere/cache-pages", stockClient: nil),
            ],
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
