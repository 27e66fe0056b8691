import ApusCore
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
        let administration: AdministrationServer
        let source = WholeAdministration(start: start, site: site, blocks: blocks.facts(site)) {
            end()
        } measured: {
            await process.metrics()
        }
        do {
            administration = try await start.administer(source, on: site.mainLoop)
            try await SetupRunner(plan: start.plan, site: site).run { SetupProgress.show($0) }
        } catch {
            await blocks.close()
            throw error
        }
        let result = await serve(process, source, administration)
        await administration.end()
        try result.get()
    }

    private func serve(
        _ process: RoleProcess,
        _ source: WholeAdministration,
        _ administration: AdministrationServer
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

/// One process that is a whole system, as its administration sees it.
struct WholeAdministration: AdministrationSource {
    let start: UpStart
    let site: ProcessSite
    let blocks: [ReadyReport.BlockFact]
    let drain: @Sendable () -> Void
    let measured: @Sendable () async -> String
    let addresses = Promise<ProcessAddresses>()
    private let began = SystemClock().now()

    init(
        start: UpStart,
        site: ProcessSite,
        blocks: [ReadyReport.BlockFact],
        drain: @escaping @Sendable () -> Void,
        measured: @escaping @Sendable () async -> String
    ) {
        self.measured = measured
        self.start = start
        self.site = site
        self.blocks = blocks
        self.drain = drain
    }

    private var edge: Part? { start.plan.parts.first { $0.kind == .edge } }

    var facts: AdministrationFacts {
        AdministrationFacts(
            system: start.system,
            summary: start.invocation.summary,
            pid: Program.pid,
            url: edge.flatMap { addresses.now?.servers[$0.name] }.map { "http://\($0)/" },
            data: start.folder.path,
            blocks: blocks,
            configuration: start.configuration
        )
    }

    func problems() async -> [String] {
        site.readiness.findings.compactMap { finding in finding.problem.map { "\(finding.name): \($0)" } }
    }

    func parts() async -> [PartStatus] {
        let usage = ProcessUsage(pid: Program.pid)
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
                addresses: addresses.now?.servers[part.name].map { [$0] } ?? [],
                upSeconds: Int(up),
                cpuSeconds: usage.cpuSeconds,
                cpuShare: up > 0 ? usage.cpuSeconds / up : 0,
                memoryBytes: usage.memoryBytes,
                problems: problems
            )
        }
    }

    func spans(_ trace: TraceID?) async -> [SpanFact] { SpanFact.known(trace, part: start.system) }

    func metrics() async -> String { await measured() }

    func change(_ change: PartChange, of name: String, replica: Int?) async throws(StartFailure) {
        throw StartFailure(
            "\(name) shares its process with all others; without --one-process one can \(change) it alone"
        )
    }

    func end() { drain() }
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
