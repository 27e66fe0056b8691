/// What one step of an instrument is worth in the unit it is shown in.
///
/// Instruments count whole numbers; a time is counted in nanoseconds and shown in seconds, as Prometheus wants it.
public enum MetricUnit: Sendable, Hashable {
    /// Shown as counted: requests, bytes, entries.
    case one
    /// Counted in nanoseconds, shown in seconds; the metric's name ends in `_seconds` or `_seconds_total`.
    case nanosecondsAsSeconds

    var divisor: Double {
        switch self {
        case .one: 1
        case .nanosecondsAsSeconds: 1e9
        }
    }
}

extension [UInt64] {
    /// The bounds that OpenTelemetry advises for `http.server.request.duration`, 5 ms to 10 s, in nanoseconds.
    ///
    /// - SeeAlso: OpenTelemetry semantic conventions 1.27, HTTP metrics.
    public static var requestDurations: [UInt64] {
        [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000].map { $0 * 1_000_000 }
    }

    /// From 10 us to 21 s, three to a power of two, in nanoseconds: times of calls between processes, where a quantile
    /// that is read from the bounds is off by an eighth at most.
    public static var callDurations: [UInt64] {
        (0..<21).flatMap { power in [8, 10, 13].map { ($0 * 1_250) << UInt64(power) } } + [20_971_520_000]
    }

    /// Powers of four from 64 bytes to 16 MiB.
    public static var byteSizes: [UInt64] { (3...12).map { 1 << UInt64(2 * $0) } }
}
