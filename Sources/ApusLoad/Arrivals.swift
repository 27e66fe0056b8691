import Glibc

/// When requests are to start, fixed before the run.
///
/// An open loop does not wait for answers: a server that stalls does not slow down those who come to it.
public enum Arrivals: Sendable, Equatable {
    /// Evenly spaced, `rate` a second; above 0.
    case constant(rate: Double)
    /// Independent arrivals (a Poisson process) with a mean of `rate` a second; above 0.
    case poisson(rate: Double)

    /// The mean rate a second.
    public var rate: Double {
        switch self {
        case .constant(let rate), .poisson(let rate): rate
        }
    }

    /// The pause between an arrival and the next.
    public func pause<Random: RandomNumberGenerator>(using random: inout Random) -> Duration {
        switch self {
        case .constant(let rate): .seconds(1 / rate)
        // Inverse transform of the exponential distribution; 1 - u lies in (0, 1], so the logarithm is finite.
        case .poisson(let rate): .seconds(-log(1 - .random(in: 0..<1, using: &random)) / rate)
        }
    }
}
