import ApusCore
import ApusLoad
import ApusRuntime

/// Looks for the limit of a running system: load, look at the processes, decide, load again.
struct LimitSearch: Sendable {
    let session: LoadSession
    let mix: Mix
    let target: LoadTarget
    let scenario: Scenario
    let running: RunningParts
    let blocking: BlockingPool

    /// How long a step takes while the search climbs, and after.
    private static let quick: Duration = .seconds(5)
    private static let thorough: Duration = .seconds(10)

    /// Searches; the report is that of the last step that held at the knee.
    func run(on loops: [EventLoop]) async throws -> LoadReport {
        let options = session.options
        var finder = LimitFinder(options.limit, from: options.rate ?? scenario.rate)
        var best: (rate: Double, report: LoadReport)?
        var last: LoadReport?
        var hasBroken = false
        let audience = LoadAudience(follows: options.follows)
        let aim = "looking for the highest rate that keeps " + options.limit.map(\.description).joined(separator: ", ")
        if options.follows {
            audience.begin(scenario.name, aim, target)
        } else {
            SystemProgram.complain("\(scenario.name), \(target): \(aim)")
        }
        while case .measure(let rate) = finder.next, !Task.isCancelled {
            let length = options.duration ?? (hasBroken ? Self.thorough : Self.quick)
            let driver = LoadPlan.Driver.open(
                options.isRandom ? .poisson(.constant(rate, for: length)) : .even(.constant(rate, for: length))
            )
            let plan = options.plan(driver, warmUp: min(.seconds(2), length / 5))
            let run = LoadRun(plan, mix, target: target, scenario: scenario.name)
            let readings = Readings()
            let processes = await running.processes()
            let report = try await run.run(on: loops) { sample in
                guard sample.at <= length.seconds + 0.2, !processes.isEmpty else { return }
                let now = loops[0].preciseNow()
                if let reading = try? await blocking.run({ MachineReading(of: processes, at: now) }) {
                    readings.add(reading)
                }
            }
            let step = LimitFinding.Step(
                rate: rate,
                report,
                options.limit,
                bottleneck: readings.bottleneck(isGenerator: !report.isValid)
            )
            audience.show(step)
            finder.measured(step)
            hasBroken = hasBroken || !step.holds
            if step.holds, rate >= best?.rate ?? 0 { best = (rate, report) }
            last = report
            // What still waits in queues belongs to this step, not to the next.
            try await loops[0].sleep(for: .milliseconds(500))
        }
        guard case .done(let finding) = finder.next, var report = best?.report ?? last else {
            throw StartFailure("the search was ended before it found a limit")
        }
        report.limit = finding
        return report
    }

    /// The first and the last look at the processes while a step was under way.
    private final class Readings: Sendable {
        private let state = Lock<(first: MachineReading?, last: MachineReading?)>((nil, nil))

        func add(_ reading: MachineReading) {
            state.withLock { state in
                if state.first == nil { state.first = reading } else { state.last = reading }
            }
        }

        func bottleneck(isGenerator: Bool) -> Bottleneck? {
            state.withLock { state in
                guard let first = state.first, let last = state.last else { return nil }
                return Bottleneck(from: first, to: last, isGenerator: isGenerator)
            }
        }
    }
}
