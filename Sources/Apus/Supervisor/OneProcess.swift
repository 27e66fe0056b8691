import ApusCore
import ApusDashboard
import ApusObserve
import ApusRuntime
import Glibc

/// Runs a whole system in this process.
struct OneProcess: Sendable {
    let start: UpStart
    let group: LoopGroup

    /// - Returns: The process's exit code.
    func run() async -> Int32 {
        do {
            try await serve()
            return 0
        } catch {
            SystemProgram.complain("\(start.system): \(StartFailure(wrapping: error, doing: "the system"))")
            return SystemProgram.failure
        }
    }

    private func serve() async throws {
        let logs = try LogPlace(start)
        logs.apply(start.invocation.observe)
        let site = ProcessSite(
            system: start.system,
            role: start.system,
            replica: 0,
            generation: 0,
            group: group,
            blocking: BlockingPool(),
            dataFolder: start.folder.path,
            runFolder: start.run.sockets,
            configuration: start.configuration,
            platform: start.platform,
            observe: start.invocation.observe(role: start.system, replica: 0),
            accessLog: start.platform.logAccess ? AccessLog(to: logs.sink) : nil
        )
        let blocks = OpenBlocks(start.invocation.declared)
        let process = RoleProcess(start.plan.roles, site: site, blocks: blocks, isSplit: false)
        let drain = DrainSignals(system: start.system, signals: start.signals)
        let (loop, delay) = (site.mainLoop, start.platform.drainDelay)
        let end: @Sendable () -> Void = {
            loop.execute {
                process.leave()
                _ = loop.schedule(at: loop.now + delay) { process.drain() }
            }
        }
        let listening = Task(executorPreference: site.mainLoop) {
            await drain.run(on: site.mainLoop) {
                SystemProgram.complain(
                    "\(start.system): SIGHUP restarts replicas one by one; one process has none, so it goes on as it is"
                )
            } drain: {
                end()
            }
        }
        defer { listening.cancel() }
        try await blocks.open(site)
        let administration: DashboardServer
        let source = WholeAdministration(
            start: start,
            site: site,
            blocks: blocks.facts(site),
            process: process,
            ending: end
        )
        let dashboard = start.dashboard(of: source, on: site.mainLoop)
        do {
            administration = try await Task(executorPreference: site.mainLoop) {
                try await start.administer(dashboard)
            }.value
            try await SetupRunner(plan: start.plan, site: site).run { SetupProgress.show($0) }
        } catch {
            await blocks.close()
            throw error
        }
        let result = await serve(process, source, administration)
        await source.runner.end()
        await administration.end()
        try result.get()
    }

    private func serve(
        _ process: RoleProcess,
        _ source: WholeAdministration,
        _ administration: DashboardServer
    ) async -> Result<Void, any Error> {
        do {
            try await process.run(opens: false) { addresses in
                source.addresses.set(addresses)
                let report = ReadyReport(
                    start,
                    url: source.facts.url,
                    dashboard: start.tokened(administration.url),
                    blocks: source.blocks,
                    pids: [:]
                )
                report.show(isJSON: start.isJSON)
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}

/// One process that is a whole system, as its dashboard sees it.
struct WholeAdministration: DashboardSource {
    let start: UpStart
    let site: ProcessSite
    let blocks: [BlockFact]
    let process: RoleProcess
    let ending: @Sendable () -> Void
    let addresses = Promise<ProcessAddresses>()
    let runner: LoadRunner
    private let began = SystemClock().now()

    init(
        start: UpStart,
        site: ProcessSite,
        blocks: [BlockFact],
        process: RoleProcess,
        ending: @escaping @Sendable () -> Void
    ) {
        self.start = start
        self.site = site
        self.blocks = blocks
        self.process = process
        self.ending = ending
        runner = LoadRunner(start: start, on: site.mainLoop)
    }

    private var edge: Part? { start.plan.parts.first { $0.kind == .edge } }

    private var url: String? { edge.flatMap { addresses.now?.servers[$0.name] }.map { "http://\($0)/" } }

    var facts: SystemFacts { start.facts(url: url, blocks: blocks) }

    var targets: [PulseTarget] {
        let process = process
        return [
            PulseTarget(process: PartName(part: start.system, replica: 0)) { request in
                guard let pulse = await process.pulse(request) else { throw StartFailure("it is starting") }
                return pulse
            }
        ]
    }

    func problems() async -> [String] {
        site.readiness.findings.compactMap { finding in finding.problem.map { "\(finding.name): \($0)" } }
    }

    func parts(measured: Bool) async -> [PartStatus] {
        let usage = measured ? ProcessUsage(pid: Program.pid) : nil
        let up = (SystemClock().now() - began).seconds
        let problems = await problems()
        return start.plan.roles.map { part in
            PartStatus(
                name: part.name,
                kind: part.kind.rawValue,
                replica: 0,
                pid: Program.pid,
                state: addresses.now == nil ? "starting" : "ready",
                restarts: 0,
                // As of a system of many processes: an edge is named by its URL.
                addresses: part.kind == .edge
                    ? [url ?? ""] : addresses.now?.servers[part.name].map { [$0] } ?? [],
                upSeconds: Int(up),
                cpuSeconds: usage?.cpuSeconds ?? 0,
                cpuShare: up > 0 ? (usage?.cpuSeconds ?? 0) / up : 0,
                memoryBytes: usage?.memoryBytes ?? 0,
                problems: problems
            )
        }
    }

    func metrics() async -> String { await process.metrics() }

    func change(_ change: PartChange, of name: String, replica: Int?) async throws(ChangeRefused) {
        throw ChangeRefused(
            "\(name) shares its process with all others; without --one-process one can \(change) it alone"
        )
    }

    func scale(_ name: String, to replicas: Int) async throws(ChangeRefused) {
        throw ChangeRefused("\(name) shares its process with all others; without --one-process one can scale it")
    }

    var loads: (any LoadRunning)? { runner }

    private var look: BlockLook { BlockLook(blocks: start.invocation.declared.blocks) }

    func details(of kind: String, _ name: String) async -> [(process: PartName, detail: BlockDetail)] {
        await look.detail(of: kind, name).map { [(PartName(part: start.system, replica: 0), $0)] } ?? []
    }

    func countRows(of store: String) async throws(ChangeRefused) -> RowCounts { try await look.rows(of: store) }

    func end() { ending() }
}

/// Ends a process by signals: the first drains, the second ends it now.
struct DrainSignals: Sendable {
    let system: String
    let signals: Signals
    /// Says nothing: the supervisor speaks for its processes.
    var isQuiet = false

    func run(
        on loop: EventLoop,
        onHangUp: @escaping @Sendable () -> Void,
        drain: @escaping @Sendable () -> Void
    ) async {
        var isDraining = false
        do {
            try await signals.run(on: loop) { number in
                if number == SIGHUP {
                    onHangUp()
                } else if isDraining {
                    exit(128 + number)
                } else {
                    isDraining = true
                    if !isQuiet { SystemProgram.complain("\(system): draining; once more ends it now") }
                    _ = loop.schedule(at: loop.now + RoleProcess.drainLimit) {
                        SystemProgram.leave("\(system): not drained within 25 s, ending now")
                    }
                    drain()
                }
            }
        } catch {
            SystemProgram.complain("\(system): signals cannot be read (\(error)); ending")
            drain()
        }
    }
}
