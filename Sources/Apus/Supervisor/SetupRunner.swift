import ApusCore
import ApusObserve
import ApusRuntime

/// Runs the setups of a system, one after the other.
struct SetupRunner: Sendable {
    let plan: SystemPlan
    let site: ProcessSite

    func run(report: @escaping @Sendable (SetupSite.Progress) -> Void) async throws {
        for part in plan.setups {
            guard case .setup(let run) = part.content else { continue }
            let place = SetupSite(
                loop: site.mainLoop,
                loops: site.group.loops,
                blocking: site.blocking,
                dataFolder: site.dataFolder,
                log: Log(part.name),
                report: report,
                step: part.name
            )
            do {
                try await run(place)
            } catch {
                throw StartFailure(wrapping: error, doing: "setup \"\(part.name)\"")
            }
        }
    }
}

/// Shows how far a setup is, on standard error.
enum SetupProgress {
    private static let shown = Lock<(step: String, percent: Int)>(("", -1))

    static func show(_ progress: SetupSite.Progress) {
        let percent = progress.all > 0 ? min(100, progress.done * 100 / progress.all) : 0
        let isTerminal = StandardStreams.isErrorTerminal
        let isNews = shown.withLock { shown in
            // Without a terminal to overwrite, a line in ten per cent is enough.
            let isNews = shown.step != progress.step || percent != shown.percent && (isTerminal || percent % 10 == 0)
            if isNews { shown = (progress.step, percent) }
            return isNews
        }
        guard isNews else { return }
        let unit = progress.unit.isEmpty ? "" : " \(progress.unit)"
        let line = "\(progress.step): \(progress.done) of \(progress.all)\(unit)"
        let isDone = progress.done >= progress.all
        StandardStreams.writeError(isTerminal ? "\r\u{1B}[K\(line)\(isDone ? "\n" : "")" : "\(line)\n")
    }
}
