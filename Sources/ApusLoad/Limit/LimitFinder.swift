/// Finds the highest rate at which a system keeps its promises, from measurements that somebody else makes.
///
/// It climbs by doubling until a promise is broken twice in a row, halves the interval on a logarithmic scale, and then
/// tries the rate below and the rate above again, since one lucky or unlucky measurement is none. A value: nothing is
/// awaited here.
public struct LimitFinder: Sendable {
    /// What is to be done next.
    public enum Order: Sendable, Equatable {
        /// Load at this rate and tell ``measured(_:)``.
        case measure(rate: Double)
        /// The search is over.
        case done(LimitFinding)
    }

    private enum Phase { case climbing, falling, narrowing, confirming, doubting, done }

    /// How close the rates above and below have to be: the upper is at most so many times the lower.
    public static let precision = 1.08
    /// How often the rate below has to be tried, and the rate above to fail.
    public static let tries = 3
    /// Most measurements; a search that needs more has no clear knee.
    public static let stepsMax = 32
    /// The share of the knee that is called safe.
    public static let safeShare = 0.7

    private let requirements: [Threshold]
    private let rateMax: Double
    private var phase = Phase.climbing
    private var rate: Double
    private var lower = 0.0
    private var upper: Double?
    private var heldAtLower = 0
    private var failedAtLower = 0
    private var failedAtUpper = 0
    /// The measurement under way repeats one that failed.
    private var isSecond = false
    /// How far down the next rate is while the search falls.
    private var fall = 0.25
    private var steps: [LimitFinding.Step] = []

    /// A search.
    ///
    /// - Parameters:
    ///   - requirements: What has to be kept; at least one.
    ///   - start: The first rate tried, above 0.
    ///   - rateMax: The highest rate tried.
    public init(_ requirements: [Threshold], from start: Double, to rateMax: Double = 1_000_000) {
        precondition(!requirements.isEmpty, "a limit is a limit of something")
        precondition(start > 0 && start <= rateMax, "a search starts above 0")
        self.requirements = requirements
        self.rateMax = rateMax
        rate = start
    }

    /// What is to be done next.
    public var next: Order { phase == .done ? .done(finding) : .measure(rate: rate) }

    /// What came of the measurement that ``next`` asked for.
    public mutating func measured(_ step: LimitFinding.Step) {
        precondition(phase != .done, "the search is over")
        steps.append(step)
        // One unlucky measurement is none: a rate has failed once it has failed twice in a row.
        if !step.holds, [.climbing, .falling, .narrowing].contains(phase), !isSecond {
            isSecond = true
            if steps.count >= Self.stepsMax { phase = .done }
            return
        }
        let failures = isSecond && !step.holds ? 2 : 1
        isSecond = false
        switch phase {
        case .climbing: climbed(step.holds)
        case .falling: fell(step.holds)
        case .narrowing: narrowed(step.holds)
        case .confirming: confirmed(step.holds)
        case .doubting: doubted(step.holds)
        case .done: break
        }
        if failures == 2, upper == step.rate { failedAtUpper = max(failedAtUpper, 2) }
        if steps.count >= Self.stepsMax { phase = .done }
    }

    private mutating func climbed(_ holds: Bool) {
        guard holds else {
            upper(rate)
            if lower == 0 {
                phase = .falling
                rate *= fall
            } else {
                narrow()
            }
            return
        }
        lower(rate)
        if rate >= rateMax { return confirm() }
        rate = min(rate * 2, rateMax)
    }

    private mutating func fell(_ holds: Bool) {
        if holds {
            lower(rate)
            return narrow()
        }
        upper(rate)
        rate *= fall
        // Down to what held before: there the narrowing goes on.
        if rate <= lower { return narrow() }
        if rate < 0.1 { phase = .done }
    }

    private mutating func narrowed(_ holds: Bool) {
        if holds { lower(rate) } else { upper(rate) }
        narrow()
    }

    /// Tries the rate below again; where it fails as often as it holds, the knee lies lower.
    private mutating func confirmed(_ holds: Bool) {
        if holds { heldAtLower += 1 } else { failedAtLower += 1 }
        if failedAtLower * 2 > Self.tries {
            upper(lower)
            let below = steps.filter { $0.holds && $0.rate < lower }.map(\.rate).max() ?? 0
            // Between what failed now and what held before, but never further down than a tenth at a time.
            rate = max(below, rate * 0.9)
            lower = below
            heldAtLower = steps.count { $0.rate == below && $0.holds }
            failedAtLower = steps.count { $0.rate == below && !$0.holds }
            fall = 0.9
            phase = .falling
            return
        }
        confirm()
    }

    /// Tries the rate above again: perhaps it was only unlucky.
    private mutating func doubted(_ holds: Bool) {
        guard let upper else { return }
        if holds {
            lower(upper)
            self.upper = nil
            failedAtUpper = 0
            let above = steps.filter { !$0.holds && $0.rate > lower }.map(\.rate).min()
            if let above {
                self.upper(above)
                narrow()
            } else {
                phase = .climbing
                rate = min(lower * 1.25, rateMax)
            }
            return
        }
        failedAtUpper += 1
        phase = .done
    }

    private mutating func lower(_ rate: Double) {
        if rate != lower { (heldAtLower, failedAtLower) = (0, 0) }
        lower = rate
        heldAtLower += 1
    }

    private mutating func upper(_ rate: Double) {
        if rate != upper { failedAtUpper = 0 }
        upper = rate
        failedAtUpper += 1
    }

    private mutating func narrow() {
        guard let upper else { return }
        if upper / lower <= Self.precision { return confirm() }
        phase = .narrowing
        rate = (upper * lower).squareRoot()
    }

    private mutating func confirm() {
        if heldAtLower + failedAtLower < Self.tries {
            phase = .confirming
            rate = lower
        } else if let upper, failedAtUpper < Self.tries {
            phase = .doubting
            rate = upper
        } else {
            phase = .done
        }
    }

    // MARK: The finding

    private var finding: LimitFinding {
        let failures = steps.filter { !$0.holds }
        let atUpper = failures.filter { $0.rate == upper }
        let broke = atUpper.last { $0.bottleneck != nil } ?? failures.last { $0.bottleneck != nil }
        let isGenerator = !atUpper.isEmpty && atUpper.allSatisfy(\.isGenerator)
        let tries = heldAtLower + failedAtLower
        let (confidence, reason) = sureness(isGenerator: isGenerator, tries: tries)
        return LimitFinding(
            requirements: requirements.map(\.description),
            knee: lower,
            from: lower,
            to: upper,
            safe: lower * Self.safeShare,
            tries: tries,
            held: heldAtLower,
            confidence: confidence,
            reason: reason,
            bottleneck: broke?.bottleneck,
            steps: steps
        )
    }

    private func sureness(isGenerator: Bool, tries: Int) -> (String, String) {
        if lower == 0 { return ("low", "no rate that was tried kept the promise") }
        if isGenerator { return ("low", "above it the generator did not keep up: the system may carry more") }
        guard let upper else { return ("low", "nothing that was tried broke the promise: the system may carry more") }
        let width = "between \(Figures.short(lower)) and \(Figures.short(upper)) a second"
        if steps.count >= Self.stepsMax && phase == .done && upper / lower > Self.precision {
            return ("low", "after \(steps.count) measurements the knee is only known to lie \(width)")
        }
        if failedAtLower == 0, tries >= Self.tries, failedAtUpper >= Self.tries {
            return (
                "high",
                "\(width): the lower held \(heldAtLower) of \(tries) times, the upper failed \(failedAtUpper) of \(failedAtUpper)"
            )
        }
        return ("medium", "\(width): the lower held \(heldAtLower) of \(tries) times, so something else moves it too")
    }
}

extension LimitFinding.Step {
    /// A step from a run's report.
    ///
    /// - Parameters:
    ///   - rate: What was asked for.
    ///   - report: What came of it.
    ///   - requirements: What has to be kept.
    ///   - bottleneck: What was busy.
    public init(rate: Double, _ report: LoadReport, _ requirements: [Threshold], bottleneck: Bottleneck?) {
        let outcomes = requirements.map { $0.outcome(for: report) }
        let broken = outcomes.filter { !$0.holds }.map { "\($0.threshold) was \($0.measured)" }
        self.init(
            rate: rate,
            answered: report.all.rate,
            p50: report.all.latency.p50,
            p99: report.all.latency.p99,
            errors: report.all.errors,
            holds: broken.isEmpty && report.isValid,
            why: (broken + report.invalid).first,
            // A promise that is broken by far more than the lag is the system's breaking.
            isGenerator: !report.isValid && (broken.isEmpty || report.generator.lag.p99 > report.all.latency.p99 / 2),
            bottleneck: bottleneck
        )
    }
}
