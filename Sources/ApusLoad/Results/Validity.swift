/// Whether a run measured the target, or the generator itself.
enum Validity {
    /// Why a run proves nothing.
    ///
    /// A request that starts late for a reason of the generator's own counts the delay as the target's. Where that is more
    /// than a tenth of what was measured, the measurement is of the generator.
    ///
    /// - Parameters:
    ///   - lag: The generator's lag at the 99th percentile, in seconds.
    ///   - latency: The latency there, in seconds.
    ///   - lagMax: Lag that is forgiven, in seconds.
    ///   - busiest: The share of a core that the generator's busiest loop used.
    ///   - isOpen: Whether arrivals were fixed beforehand; a closed loop has no lag, it just asks less.
    ///   - requests: How many requests counted.
    ///   - answered: How many of them had an answer, whatever it said.
    /// - Returns: A sentence for each reason; none for a valid run.
    static func problems(
        lag: Double,
        latency: Double,
        lagMax: Double,
        busiest: Double,
        isOpen: Bool,
        requests: Int,
        answered: Int
    ) -> [String] {
        var problems: [String] = []
        if requests == 0 {
            problems.append("no request was counted")
        } else if answered == 0 {
            problems.append("no request was answered")
        }
        let allowed = max(lagMax, latency / 10)
        if isOpen, lag > allowed {
            problems.append(
                "the generator itself was late by \(shown(lag)) at p99, at most \(shown(allowed)) is allowed: "
                    + "give it a core of its own, or ask for less"
            )
        }
        if isOpen, busiest > 0.95 {
            problems.append(
                "the generator's busiest loop used \(Figures.percent(busiest)) of a core: it is the limit itself"
            )
        }
        return problems
    }

    private static func shown(_ seconds: Double) -> String { Duration.nanoseconds(Int64(seconds * 1e9)).shown }
}
