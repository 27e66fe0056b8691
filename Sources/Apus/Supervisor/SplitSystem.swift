import ApusCore
import ApusDashboard
import ApusObserve
import ApusRuntime
import Glibc

/// Runs a system as a process a replica, with this process as their supervisor.
struct SplitSystem: Sendable {
    let start: UpStart
    let loop: EventLoop

    /// - Returns: The process's exit code.
    func run() async -> Int32 {
        do {
            try await supervise()
            return 0
        } catch {
            SystemProgram.complain("\(start.system): \(StartFailure(wrapping: error, doing: "the system"))")
            return SystemProgram.failure
        }
    }

    private func supervise() async throws {
        let logs = try LogPlace(start)
        logs.apply(start.invocation.observe)
        Metrics.process.observeProcess()
        let ports = try OpenPorts(start)
        let supervisor = Supervisor(
            system: start.system,
            plan: start.plan,
            launch: try launch(logs, ports),
            on: loop
        )
        let (isUp, ending) = (Promise<Void>(), Promise<Void>())
        let drain = DrainSignals(system: start.system, signals: start.signals)
        let listening = Task(executorPreference: loop) {
            await drain.run(on: loop, onHangUp: { restartAll(supervisor) }) { ending.set(()) }
        }
        defer { listening.cancel() }
        let starting = Task(executorPreference: loop) {
            try await supervisor.startAll(onProgress: { SetupProgress.show($0) })
        }
        let runner = LoadRunner(start: start, on: loop)
        let draining = Task(executorPreference: loop) {
            await ending.wait()
            // A run that goes on would count what is refused from here on.
            try? runner.stop()
            // Nobody was sent here before it was ready.
            await supervisor.drainAll(after: isUp.now == nil ? .zero : start.platform.drainDelay)
        }
        do {
            let source = SplitAdministration(
                supervisor: supervisor,
                start: start,
                url: ports.url,
                ending: ending,
                runner: runner
            )
            let dashboard = start.dashboard(of: source, on: loop)
            supervisor.onNote = { line, isTrouble in dashboard.note(isTrouble ? .warning : .info, line) }
            supervisor.onErrorLine = { name, replica, line in
                let process = PartName(part: name, replica: replica)
                dashboard.note(.warning, line, from: process, logger: "standard error")
            }
            let administration = try await start.administer(dashboard)
            try await starting.value
            report(supervisor, ports, administration)
            isUp.set(())
            await draining.value
            await runner.end()
            await administration.end()
        } catch {
            let wasAsked = ending.now != nil
            if wasAsked { await draining.value } else { await supervisor.drainAll() }
            if wasAsked { return }
            throw error
        }
    }

    private func report(_ supervisor: Supervisor, _ ports: OpenPorts, _ administration: DashboardServer) {
        var pids: [String: [Int32]] = [:]
        for replica in supervisor.replicas {
            if let child = replica.current { pids[replica.part.name, default: []].append(child.pid) }
        }
        let report = ReadyReport(
            start,
            url: ports.url,
            dashboard: start.tokened(administration.url),
            blocks: supervisor.blocks,
            pids: pids
        )
        report.show(isJSON: start.isJSON)
    }

    private func restartAll(_ supervisor: Supervisor) {
        Task(executorPreference: loop) {
            do {
                supervisor.say("restarting every part, one replica at a time")
                try await supervisor.replaceAll()
                supervisor.say("every part has been restarted")
            } catch {
                supervisor.say("the restart stopped: \(error)")
            }
        }
    }

    private func launch(_ logs: LogPlace, _ ports: OpenPorts) throws -> Launch {
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard null >= 0 else { throw SystemError("open /dev/null") }
        var output: Int32 = 1
        if let path = logs.path {
            output = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
            guard output >= 0 else { throw SystemError("open \(path)") }
        }
        var flags: [String] = []
        var settings = start.invocation.arguments.settings
        settings["data"] = start.folder.path
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) { flags += ["--\(name)=\(value)"] }
        return Launch(
            system: start.system,
            path: Program.path,
            flags: flags,
            environment: start.invocation.environment,
            input: null,
            output: output,
            sockets: start.run.sockets,
            inherited: ports.descriptors
        )
    }
}

/// The listening sockets of the edges and of the cache server.
///
/// The supervisor opens them and its processes inherit them: a port in use is known before
/// anything is started, and while such a process is started anew the kernel holds the connections that come.
struct OpenPorts: Sendable {
    /// By the part's name.
    private(set) var descriptors: [String: [Int32]] = [:]
    /// Where clients go: the first edge.
    private(set) var url: String?

    init(_ start: UpStart) throws {
        let loops = start.platform.loops == 0 ? LoopGroup.coreCount : start.platform.loops
        for part in start.plan.parts where part.kind == .edge || part.kind == .cache {
            let isEdge = part.kind == .edge
            do {
                let address = SystemPlan.listens(part, start.platform, start.run.sockets)
                let opened = try Listener.open(isEdge ? min(loops, 8) : 1, at: address)
                descriptors[part.name] = opened.descriptors
                if isEdge, url == nil { url = "http://\(opened.address)/" }
            } catch {
                throw StartFailure(wrapping: error, doing: part.name + (isEdge ? ", with --port" : ""))
            }
        }
    }
}
