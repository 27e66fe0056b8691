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
        logs.apply()
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
            accessLog: start.platform.logAccess ? AccessLog(to: logs.sink) : nil
        )
        let blocks = OpenBlocks(start.invocation.declared)
        let process = RoleProcess(start.plan.roles, site: site, blocks: blocks, isSplit: false)
        let drain = DrainSignals(system: start.system, signals: start.signals)
        let listening = Task(executorPreference: site.mainLoop) {
            await drain.run(on: site.mainLoop, onHangUp: {}) { process.drain() }
        }
        defer { listening.cancel() }
        try await blocks.open(site)
        do {
            try await SetupRunner(plan: start.plan, site: site).run { SetupProgress.show($0) }
        } catch {
            await blocks.close()
            throw error
        }
        try await process.run(opens: false) { addresses in
            let report = ReadyReport(start, addresses: addresses, blocks: blocks.facts(site))
            StandardStreams.write(report.text(isJSON: start.isJSON))
        }
    }
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
