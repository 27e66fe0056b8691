/// How a run is driven.
public struct LoadPlan: Sendable {
    /// What begins a request or a visitor.
    public enum Driver: Sendable {
        /// Arrivals fixed beforehand: who comes does not wait for those before.
        case open(Arrivals)
        /// So many clients that each wait for an answer before they ask again, for so long.
        ///
        /// It hides what a stall costs (coordinated omission), so it has to be asked for.
        case closed(clients: Int, Duration)
    }

    /// What begins a request or a visitor.
    public var driver: Driver
    /// Before the run, at its first rate, and not counted; none unless set.
    public var warmUp: Duration = .zero
    /// Longest wait for an answer; 10 s unless set.
    public var timeLimit: Duration = .seconds(10)
    /// Most requests, or visitors, under way at once; 10,000 unless set.
    ///
    /// Who is due beyond that waits, and the wait counts from when they were due.
    public var underWayMax = 10_000
    /// How long those under way may go on after the last arrival; a minute unless set.
    public var drainLimit: Duration = .seconds(60)
    /// Decides what chance decides; the same seed is the same run.
    public var seed: UInt64 = 1
    /// What visitors' think times are multiplied by; 1 unless set.
    public var thinkFactor = 1.0
    /// How late the generator itself may be before the run is invalid: at the 99th percentile, the larger of this and a
    /// tenth of the latency there; 1 ms unless set.
    public var lagMax: Duration = .milliseconds(1)

    /// A plan with the defaults.
    public init(_ driver: Driver) { self.driver = driver }

    /// How long arrivals come, without the warm-up.
    public var duration: Duration {
        switch driver {
        case .open(let arrivals): arrivals.duration
        case .closed(_, let duration): duration
        }
    }

    /// The rate wanted after `time`; nil in a closed loop, which has none.
    func rate(after time: Duration) -> Double? {
        switch driver {
        case .open(let arrivals): arrivals.rate(after: time)
        case .closed: nil
        }
    }
}
