import ApusCore
import ApusObserve
import ApusRuntime

/// A supervisor as its administration sees it; asked on the supervisor's loop.
struct SplitAdministration: AdministrationSource {
    let supervisor: Supervisor
    let start: UpStart
    let url: String?
    let ending: Promise<Void>

    var facts: AdministrationFacts {
        AdministrationFacts(
            system: start.system,
            summary: start.invocation.summary,
            pid: Program.pid,
            url: url,
            data: start.folder.path,
            blocks: supervisor.blocks,
            configuration: start.configuration
        )
    }

    func problems() async -> [String] {
        if supervisor.isEnding { return ["it is draining"] }
        return supervisor.replicas.filter(\.isWanted).flatMap { replica in
            guard let child = replica.current, child.isReady else { return ["\(replica.label) is \(replica.state)"] }
            return child.problems.map { "\(replica.label): \($0)" }
        }
    }

    func parts() async -> [PartStatus] {
        let now = supervisor.loop.preciseNow()
        return supervisor.replicas.map { replica in
            let child = replica.current ?? replica.next
            let usage = child.map { ProcessUsage(pid: $0.pid) }
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

    func spans(_ trace: TraceID?) async -> [SpanFact] {
        let answers = await ask { .spans(question: $0, trace: trace) }
        return answers.flatMap { answer in
            if case .spans(_, let spans) = answer.1 { spans } else { [SpanFact]() }
        }.sorted { $0.began < $1.began }
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

    func change(_ change: PartChange, of name: String, replica: Int?) async throws(StartFailure) {
        for one in supervisor.replicas(of: name) where replica == nil || one.number == replica {
            switch change {
            case .start: try await supervisor.start(one)
            case .stop: await supervisor.stop(one)
            case .restart: try await supervisor.replace(one)
            }
        }
    }

    func end() { ending.set(()) }
}
