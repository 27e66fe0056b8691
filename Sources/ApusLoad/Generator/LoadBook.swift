import ApusCore

/// What a run has counted so far: second by second, and all together.
//
// `@unchecked Sendable` is sound because only the run's first loop touches it, one task at a time.
final class LoadBook: @unchecked Sendable {
    private let plan: LoadPlan
    private let counted: Instant
    private var all = Tally()
    private var samples: [LoadReport.Sample] = []
    private var collectedAt: Instant
    private var cpu: [Int64]
    private var lastAnswer: Instant

    init(_ plan: LoadPlan, loops: Int, counted: Instant) {
        self.plan = plan
        self.counted = counted
        collectedAt = counted
        lastAnswer = counted
        cpu = [Int64](repeating: 0, count: loops)
    }

    /// Adds what the loops counted since the last time.
    ///
    /// - Returns: What this second was like; nil while the system warms up.
    func add(_ tallies: [Tally], at now: Instant) -> LoadReport.Sample? {
        var sum = Tally()
        for (index, tally) in tallies.enumerated() {
            sum.add(tally)
            cpu[index] += tally.cpu
        }
        all.add(sum)
        all.underWay = sum.underWay
        let (before, length) = (collectedAt, (now - collectedAt).seconds)
        collectedAt = max(now, counted)
        let kinds = sum.all
        if kinds.requests > 0 { lastAnswer = now }
        guard now > counted, length > 0 else { return nil }
        let middle = before - counted + (now - before) / 2
        let sample = LoadReport.Sample(
            at: (now - counted).seconds,
            seconds: length,
            wanted: plan.rate(after: middle),
            arrivals: sum.arrivals,
            requests: kinds.requests,
            failed: kinds.failed,
            underWay: sum.underWay,
            latency: LoadReport.Latency(kinds.latency),
            lag: (sum.lag.quantile(0.99) ?? 0) / 1e9
        )
        // The last one is a rest of whatever length: where nothing went on in it, it says nothing.
        if kinds.requests > 0 || sum.arrivals > 0 || length > 0.5 { samples.append(sample) }
        return sample
    }

    func report(_ run: LoadRun, began: Double) -> LoadReport {
        let elapsed = max((lastAnswer - counted).seconds, 1e-9)
        // Where answers come to the end, the rate is over the time in which they were asked for.
        let seconds = max(min(elapsed, plan.duration.seconds), elapsed - 1)
        let whole = all.all
        var kinds = zip(all.names, all.kinds).filter { $0.1.requests > 0 }.map {
            LoadReport.Kind($0.0, $0.1, seconds: seconds)
        }
        kinds.sort { ($1.requests, $0.name) < ($0.requests, $1.name) }
        let lag = LoadReport.Latency(all.lag)
        let busiest = Double(cpu.max() ?? 0) / 1e9 / max(elapsed + plan.warmUp.seconds, 1e-9)
        let total = LoadReport.Kind("all", whole, seconds: seconds)
        let isOpen = plan.isOpen
        return LoadReport(
            target: run.target.description,
            scenario: run.scenario,
            driver: run.driver,
            loop: isOpen ? "open" : "closed",
            seed: plan.seed,
            began: began,
            duration: plan.duration.seconds,
            elapsed: elapsed,
            arrivals: all.arrivals,
            wanted: wanted,
            finished: all.finished,
            abandoned: all.abandoned,
            all: total,
            kinds: kinds,
            samples: samples,
            histogram: LoadReport.histogram(whole.latency),
            checks: all.checks.sorted { $0.key < $1.key }.map {
                LoadReport.Check(what: $0.key, passed: $0.value.passed, failed: $0.value.failed)
            },
            generator: LoadReport.Generator(
                loops: cpu.count,
                lag: lag,
                busiest: busiest,
                cpuSeconds: Double(cpu.reduce(0, +)) / 1e9,
                connects: all.connects,
                resent: all.resent
            ),
            invalid: Validity.problems(
                lag: lag.p99,
                latency: total.latency.p99,
                lagMax: plan.lagMax.seconds,
                busiest: busiest,
                isOpen: isOpen,
                requests: whole.requests,
                answered: total.statuses.values.reduce(0, +)
            )
        )
    }

    private var wanted: Double? {
        guard case .open(let arrivals) = plan.driver else { return nil }
        return arrivals.count / max(arrivals.duration.seconds, 1e-9)
    }
}
