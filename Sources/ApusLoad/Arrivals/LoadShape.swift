import ApusCore

/// How many arrivals a second are wanted over time: straight lines, one after the other.
public struct LoadShape: Sendable, Hashable {
    /// One straight line.
    public struct Stage: Sendable, Hashable {
        /// How long it takes; above 0.
        public var duration: Duration
        /// Arrivals a second at its beginning; 0 or more.
        public var from: Double
        /// Arrivals a second at its end; 0 or more.
        public var to: Double

        /// A line from one rate to another.
        public init(_ duration: Duration, from: Double, to: Double) {
            precondition(duration > .zero, "a stage takes some time")
            precondition(from >= 0 && to >= 0 && from.isFinite && to.isFinite, "a rate is 0 or more")
            self.duration = duration
            self.from = from
            self.to = to
        }

        /// How many arrivals it brings.
        var arrivals: Double { (from + to) / 2 * duration.seconds }
    }

    /// The lines in order; at least one.
    public let stages: [Stage]

    /// A shape of `stages`, at least one.
    public init(_ stages: [Stage]) {
        precondition(!stages.isEmpty, "a shape has a stage")
        self.stages = stages
    }

    /// How long all of it takes.
    public var duration: Duration { stages.reduce(.zero) { $0 + $1.duration } }
    /// The highest rate.
    public var peak: Double { stages.reduce(0) { max($0, $1.from, $1.to) } }
    /// How many arrivals it brings, on average where they are random.
    public var arrivals: Double { stages.reduce(0) { $0 + $1.arrivals } }

    /// The rate wanted after `time`; 0 outside.
    public func rate(after time: Duration) -> Double {
        var left = time
        guard left >= .zero else { return 0 }
        for stage in stages {
            if left < stage.duration {
                return stage.from + (stage.to - stage.from) * left.seconds / stage.duration.seconds
            }
            left -= stage.duration
        }
        return 0
    }

    /// The same shape with a stretch of its first rate before it, in which a system warms up.
    func warmed(for duration: Duration) -> LoadShape {
        guard duration > .zero, let first = stages.first else { return self }
        let rate = first.from > 0 ? first.from : peak / 10
        return LoadShape([Stage(duration, from: rate, to: rate)] + stages)
    }
}

extension LoadShape {
    /// The same rate all the time.
    public static func constant(_ rate: Double, for duration: Duration) -> LoadShape {
        LoadShape([Stage(duration, from: rate, to: rate)])
    }

    /// From a tenth of `rate` up to it.
    public static func ramp(to rate: Double, for duration: Duration) -> LoadShape {
        LoadShape([Stage(duration, from: rate / 10, to: rate)])
    }

    /// Up to `rate` in `count` steps of equal height and length.
    public static func steps(to rate: Double, count: Int = 5, for duration: Duration) -> LoadShape {
        precondition(count > 0, "there is a step")
        return LoadShape(
            (1...count).map { step in
                let rate = rate * Double(step) / Double(count)
                return Stage(duration / count, from: rate, to: rate)
            }
        )
    }

    /// A fifth of `rate`, then all of it for a fifth of the time, then a fifth again, in which it may recover.
    public static func spike(to rate: Double, for duration: Duration) -> LoadShape {
        LoadShape([
            Stage(duration * 2 / 5, from: rate / 5, to: rate / 5), Stage(duration / 5, from: rate, to: rate),
            Stage(duration * 2 / 5, from: rate / 5, to: rate / 5),
        ])
    }

    /// A recorded course of rates, scaled so that its peak is `peak` and all of it takes `duration`.
    ///
    /// - Parameters:
    ///   - rates: Rates at equal distances, in any unit; at least two, one above 0.
    ///   - peak: Arrivals a second at the highest.
    ///   - duration: How long all of it takes.
    /// - Returns: The shape.
    public static func recorded(_ rates: [Double], peak: Double, for duration: Duration) -> LoadShape {
        let highest = rates.max() ?? 0
        precondition(rates.count > 1 && highest > 0, "a recording has two rates, and one above 0")
        let scale = peak / highest
        return LoadShape(
            zip(rates, rates.dropFirst()).map { from, to in
                Stage(duration / (rates.count - 1), from: max(0, from) * scale, to: max(0, to) * scale)
            }
        )
    }
}
