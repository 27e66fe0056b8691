import ApusCore
import ApusDashboard
import ApusHTTP
import ApusLoad
import ApusRuntime

/// One call of `load`: finds the target, runs, and tells.
struct LoadSession: Sendable {
    let invocation: Invocation
    let options: LoadOptions
    let group: LoopGroup
    private let blocking = BlockingPool()

    private var loop: EventLoop { group.loops[0] }

    init(invocation: Invocation, options: LoadOptions, group: LoopGroup) {
        self.invocation = invocation
        self.options = options
        self.group = group
    }

    /// - Returns: The exit code.
    func run() async -> Int32 {
        do {
            let old = try options.compared.map { try Self.read($0) }
            let running = RunningParts(try? RemoteSystem(invocation, on: loop))
            defer { running.close() }
            // Before the scenarios are asked for: they may look at the system's settings.
            _ = try invocation.configure()
            let scenario = try self.scenario()
            let target = try await self.target(running)
            let blocks = OpenBlocks(invocation.declared)
            if scenario.needsBlocks {
                guard let folder = Files.resolve(invocation.dataFolder), running.isThere else {
                    throw StartFailure(
                        "\(scenario.name) looks into the store of the system it loads: it must run here, on --data"
                    )
                }
                try await blocks.open(in: folder)
            }
            do {
                let code = try await load(scenario, target, running, old)
                await blocks.close()
                return code
            } catch {
                await blocks.close()
                throw error
            }
        } catch let error as UsageError {
            SystemProgram.complain("\(invocation.system): \(error)")
            return SystemProgram.usage
        } catch {
            SystemProgram.complain("\(invocation.system): \(StartFailure(wrapping: error, doing: "load"))")
            return SystemProgram.failure
        }
    }

    private func load(
        _ scenario: Scenario,
        _ target: LoadTarget,
        _ running: RunningParts,
        _ old: LoadReport?
    ) async throws -> Int32 {
        let client = Client(target.address, on: loop, host: target.host)
        defer { client.close() }
        let isLimit = !options.limit.isEmpty
        let driver = try options.driver(
            rate: options.rate ?? scenario.rate,
            duration: options.duration ?? wanted(scenario)
        )
        let plan = options.plan(driver, warmUp: .zero)
        let site = LoadSite(
            target: target,
            client: client,
            loop: loop,
            blocking: blocking,
            duration: plan.duration,
            seed: options.seed,
            say: { SystemProgram.complain($0) }
        )
        let mix = try await LoadRun.prepare(scenario, site)
        var report: LoadReport
        if isLimit {
            report = try await LimitSearch(
                session: self,
                mix: mix,
                target: target,
                scenario: scenario,
                running: running,
                blocking: blocking
            ).run(on: group.loops)
        } else {
            let audience = LoadAudience(follows: options.follows)
            let run = LoadRun(plan, mix, target: target, scenario: scenario.name)
            audience.begin(scenario.name, run.driver, target)
            report = try await run.run(on: group.loops) { audience.show($0) }
            audience.end()
            report.findings = try await run.audit(site)
        }
        report.thresholds = options.requirements.map { $0.outcome(for: report) }
        try tell(report, old)
        if isLimit { return report.limit.map { $0.knee > 0 } == true ? 0 : Self.found }
        return report.holds ? 0 : Self.found
    }

    /// The exit code where a check found something.
    private static let found: Int32 = 3

    private func wanted(_ scenario: Scenario) -> Duration? {
        // A soak is long unless it is told otherwise.
        options.shape == "soak" ? nil : scenario.duration
    }

    private func tell(_ report: LoadReport, _ old: LoadReport?) throws {
        let comparison = old.map { Comparison($0, report) }
        if let path = options.saved {
            try Files.writeAtomically(try JSONDocument.encode(report, pretty: true) + "\n", to: path, mode: 0o644)
        }
        if let path = options.page {
            try Files.writeAtomically(
                HTMLReport.page(report, comparison: comparison, old: old),
                to: path,
                mode: 0o644
            )
        }
        if options.follows { return LoadAudience.tell(LoadEvent(report: report)) }
        StandardStreams.write(
            options.isJSON
                ? try JSONDocument.encode(report, pretty: true) + "\n"
                : TextReport.text(report, comparison: comparison)
        )
    }

    // MARK: What and where

    private func scenario() throws -> Scenario {
        let known = invocation.loads()
        if let name = options.scenario {
            if let found = known.first(where: { $0.name == name }) { return found }
            let hint = Spelling.nearest(to: name, among: known.map(\.name)).map { "; did you mean \($0)?" } ?? ""
            throw UsageError("\(invocation.system) declares no load \"\(name)\"\(hint)")
        }
        let path = try options.url.map { try LoadTarget(url: $0, allowsRemote: options.allowsRemote).path }
        if let first = known.first, path == nil { return first }
        return .request(ClientRequest(.get, path ?? "/"))
    }

    private func target(_ running: RunningParts) async throws -> LoadTarget {
        if let url = options.url { return try LoadTarget(url: url, allowsRemote: options.allowsRemote) }
        guard running.isThere else {
            throw StartFailure(
                "no system runs on \(invocation.dataFolder); start one with \(invocation.system) up, or name a --url"
            )
        }
        guard let url = try await running.parts().first(where: { $0.kind == "edge" })?.addresses.first,
            !url.isEmpty
        else { throw StartFailure("the running system has no edge; name a --url") }
        // Its own edge: where it listens on all addresses, it is reached by loopback.
        return try LoadTarget(
            url: url.replacing("//0.0.0.0:", with: "//127.0.0.1:"),
            allowsRemote: options.allowsRemote
        )
    }

    private static func read(_ path: String) throws -> LoadReport {
        do {
            return try JSONDocument.decode(LoadReport.self, from: try Files.read(path, bytesMax: 256 << 20))
        } catch {
            throw LoadError(.badReport, "\(path) is no report that --save or --json has written", cause: error)
        }
    }
}

/// The parts of a system that runs here, or of none.
struct RunningParts: Sendable {
    private let remote: RemoteSystem?

    init(_ remote: RemoteSystem?) { self.remote = remote }

    var isThere: Bool { remote != nil }
    func close() { remote?.close() }

    func parts() async throws -> [PartStatus] {
        guard let remote else { return [] }
        return try JSONDocument.decode([String: [PartStatus]].self, from: try await remote.get("/api/parts").utf8)[
            "parts"
        ]
            ?? []
    }

    /// Process ids by the names of the replicas; of a system in one process, one.
    func processes() async -> [String: Int32] {
        let parts = (try? await parts()) ?? []
        var names: [Int32: [String]] = [:]
        for part in parts {
            if let pid = part.pid { names[pid, default: []].append("\(part.name)/\(part.replica)") }
        }
        return Dictionary(
            names.map { ($0.value.count == 1 ? $0.value[0] : "all parts", $0.key) },
            uniquingKeysWith: { first, _ in first }
        )
    }
}
