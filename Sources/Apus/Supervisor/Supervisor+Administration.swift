import ApusCore
import ApusDashboard
import ApusHTTP
import ApusObserve
import ApusRuntime

/// A supervisor as its dashboard sees it; asked on the supervisor's loop.
struct SplitAdministration: DashboardSource {
    let supervisor: Supervisor
    let start: UpStart
    let url: String?
    let ending: Promise<Void>
    let runner: LoadRunner
    /// What this process tells about itself.
    private let own: ProcessPulse

    init(supervisor: Supervisor, start: UpStart, url: String?, ending: Promise<Void>, runner: LoadRunner) {
        self.supervisor = supervisor
        self.start = start
        self.url = url
        self.ending = ending
        self.runner = runner
        own = ProcessPulse(loops: [supervisor.loop], limitsTraces: true, tail: LogTail())
    }

    var facts: SystemFacts { start.facts(url: url, blocks: supervisor.blocks) }

    var targets: [PulseTarget] {
        let own = own
        let children = supervisor.replicas.compactMap { replica in replica.current.map { (replica, $0) } }
        return [PulseTarget(process: PartName(part: "supervisor", replica: 0)) { own.answer($0) }]
            + children.filter(\.1.isReady).map { replica, child in
                PulseTarget(process: PartName(part: replica.part.name, replica: replica.number)) { request in
                    try await child.pulse(request)
                }
            }
    }

    func problems() async -> [String] {
        if supervisor.isEnding { return ["it is draining"] }
        return supervisor.replicas.filter(\.isWanted).flatMap { replica in
            guard let child = replica.current, child.isReady else { return ["\(replica.label) is \(replica.state)"] }
            return child.problems.map { "\(replica.label): \($0)" }
        }
    }

    func parts(measured: Bool) async -> [PartStatus] {
        let now = supervisor.loop.preciseNow()
        return supervisor.replicas.map { replica in
            let child = replica.current ?? replica.next
            let usage = measured ? child.map { ProcessUsage(pid: $0.pid) } : nil
            let up = child.map { (now - $0.started).seconds } ?? 0
            return PartStatus(
                name: replica.part.name,
                kind: replica.part.kind.rawValue,
                replica: replica.number,
                pid: child?.pid,
                state: replica.state.rawValue,
                restarts: replica.restarts,
                addresses: replica.part.kind == .edge ? [url ?? ""] : replica.member?.addresses ?? [],
                upSeconds: Int(up),
                cpuSeconds: usage?.cpuSeconds ?? 0,
                cpuShare: up > 0 ? (usage?.cpuSeconds ?? 0) / up : 0,
                memoryBytes: usage?.memoryBytes ?? 0,
                problems: (child?.problems ?? []) + [replica.lastFailure].compactMap(\.self)
            )
        }
    }

    func metrics() async -> String {
        let answers = await ask { .metrics(question: $0) }
        let own = MetricsMerge.Source(
            part: "supervisor",
            replica: 0,
            text: Exposition.prometheus.text(Metrics.process.snapshot())
        )
        return MetricsMerge.text(
            [own]
                + answers.compactMap { child, answer in
                    guard case .metrics(_, let text) = answer else { return nil }
                    return MetricsMerge.Source(part: child.name, replica: child.replica, text: text)
                }
        )
    }

    /// Asks all processes at once.
    private func ask(_ order: @escaping @Sendable (Int) -> Order) async -> [(Child, Report)] {
        let loop = supervisor.loop
        let children = supervisor.replicas.compactMap(\.current).filter(\.isReady)
        return await withTaskGroup(of: (Int, Report?).self) { group in
            for (index, child) in children.enumerated() {
                group.addTask(executorPreference: loop) { (index, await child.ask(order)) }
            }
            var answers: [(Int, Report)] = []
            for await (index, answer) in group {
                if let answer { answers.append((index, answer)) }
            }
            return answers.sorted { $0.0 < $1.0 }.map { (children[$0.0], $0.1) }
        }
    }

    func change(_ change: PartChange, of name: String, replica: Int?) async throws(ChangeRefused) {
        do throws(StartFailure) {
            for one in supervisor.replicas(of: name) where replica == nil || one.number == replica {
                switch change {
                case .start: try await supervisor.start(one)
                case .stop: await supervisor.stop(one)
                case .restart: try await supervisor.replace(one)
                case .kill:
                    guard let child = one.current else { throw StartFailure("\(name)/\(one.number) does not run") }
                    child.kill()
                }
            }
        } catch {
            throw ChangeRefused("\(error)")
        }
    }

    func scale(_ name: String, to replicas: Int) async throws(ChangeRefused) {
        do throws(StartFailure) {
            try await supervisor.scale(name, to: replicas)
        } catch {
            throw ChangeRefused("\(error)")
        }
    }

    var loads: (any LoadRunning)? { runner }

    func details(of kind: String, _ name: String) async -> [(process: PartName, detail: BlockDetail)] {
        let loop = supervisor.loop
        let path = "/blocks/\(kind)/\(PercentCoding.encode(name))"
        let children = supervisor.replicas.compactMap { replica in replica.current.map { (replica, $0) } }
        return await withTaskGroup(of: (PartName, BlockDetail)?.self) { group in
            for (replica, child) in children where child.isReady {
                group.addTask(executorPreference: loop) {
                    guard let bytes = try? await child.document(path, within: .milliseconds(900)),
                        let detail = try? JSONDocument.decode(BlockDetail.self, from: bytes)
                    else { return nil }
                    return (PartName(part: replica.part.name, replica: replica.number), detail)
                }
            }
            var details: [(process: PartName, detail: BlockDetail)] = []
            for await case let detail? in group { details.append(detail) }
            return details.sorted { $0.process < $1.process }
        }
    }

    func countRows(of store: String) async throws(ChangeRefused) -> RowCounts {
        // Those who answer calls may look into a store; the edge has better things to do.
        let ready = supervisor.replicas.filter { $0.current?.isReady == true }
        let able = ready.first { $0.part.kind == .service } ?? ready.first
        guard let child = able?.current else { throw ChangeRefused("no process serves yet") }
        do {
            let bytes = try await child.document(
                "/blocks/store/\(PercentCoding.encode(store))/rows",
                within: .seconds(8)
            )
            return try JSONDocument.decode(RowCounts.self, from: bytes)
        } catch {
            throw ChangeRefused("\(child.label) could not count them: \(error)")
        }
    }

    func end() { ending.set(()) }
}

extension UpStart {
    /// What the dashboard knows of the system from the start.
    func facts(url: String?, blocks: [BlockFact]) -> SystemFacts {
        SystemFacts(
            system: system,
            summary: invocation.summary,
            pid: Program.pid,
            url: url,
            data: folder.path,
            blocks: blocks,
            settings: configuration.entries.map(SettingFact.init),
            targets: Dictionary(
                plan.parts.compactMap { part in part.target.map { (part.name, $0) } }
            ) { first, _ in first }
        )
    }
}

extension SettingFact {
    init(_ entry: Configuration.Entry) {
        self.init(
            key: entry.key,
            value: entry.value,
            from: "\(entry.origin)",
            variable: entry.variable,
            help: entry.help,
            accepted: entry.accepted
        )
    }
}
