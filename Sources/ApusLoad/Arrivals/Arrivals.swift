import ApusCore
import Glibc

/// When requests are to start, fixed before the run.
///
/// An open loop does not wait for answers: a server that stalls does not slow down those who come to it.
public enum Arrivals: Sendable, Hashable {
    /// Along a shape, evenly: the next one comes once the area under the shape has grown by one.
    case even(LoadShape)
    /// Along a shape, at random: independent arrivals (a Poisson process) whose mean rate the shape says.
    case poisson(LoadShape)
    /// At these times after the beginning, ascending, as somebody recorded them.
    case recorded([Duration])

    /// How long they come.
    public var duration: Duration {
        switch self {
        case .even(let shape), .poisson(let shape): shape.duration
        case .recorded(let times): times.last ?? .zero
        }
    }

    /// How many come; on average where they are random.
    public var count: Double {
        switch self {
        case .even(let shape), .poisson(let shape): shape.arrivals
        case .recorded(let times): Double(times.count)
        }
    }

    /// The rate wanted after `time`, in arrivals a second; of a recording its mean.
    public func rate(after time: Duration) -> Double {
        switch self {
        case .even(let shape), .poisson(let shape): shape.rate(after: time)
        case .recorded(let times): duration > .zero ? Double(times.count) / duration.seconds : 0
        }
    }

    /// The same with a stretch before them in which the system warms up; a recording begins as it is.
    func warmed(for duration: Duration) -> Arrivals {
        switch self {
        case .even(let shape): .even(shape.warmed(for: duration))
        case .poisson(let shape): .poisson(shape.warmed(for: duration))
        case .recorded(let times): .recorded(duration > .zero ? times.map { $0 + duration } : times)
        }
    }
}

/// The arrivals that one loop of several takes, one after the other.
///
/// Together the loops have exactly what ``Arrivals`` says: even and recorded ones are dealt out in turn, and independent
/// Poisson processes add up to one of the summed rate. The same seed gives the same times.
///
/// - SeeAlso: Çinlar, "Introduction to stochastic processes", 1975: a process with the rate λ(t) comes from one of rate 1
///   through the inverse of the integral of λ.
struct ArrivalSequence {
    private let arrivals: Arrivals
    private let stages: [LoadShape.Stage]
    private let isRandom: Bool
    private let index: Int
    private let loops: Int
    private var random: SeededRandom
    /// How many were given out.
    private(set) var taken = 0
    /// The area under the shape up to the next arrival.
    private var area = 0.0
    private var stage = 0
    /// Area and nanoseconds of the stages before `stage`.
    private var areaBefore = 0.0
    private var timeBefore = 0.0

    init(_ arrivals: Arrivals, loop index: Int, of loops: Int, seed: UInt64) {
        self.arrivals = arrivals
        self.index = index
        self.loops = loops
        random = SeededRandom(seed: seed ^ (UInt64(index) &* 0x9E37_79B9_7F4A_7C15))
        switch arrivals {
        case .even(let shape): (stages, isRandom) = (shape.stages, false)
        case .poisson(let shape): (stages, isRandom) = (shape.stages, true)
        case .recorded: (stages, isRandom) = ([], false)
        }
        area = isRandom ? exponential() : Double(index)
    }

    /// Nanoseconds from the beginning to the next arrival; nil after the last.
    mutating func next() -> Int64? {
        if case .recorded(let times) = arrivals {
            let position = index + taken * loops
            guard position < times.count else { return nil }
            taken += 1
            return times[position].nanoseconds
        }
        guard let time = time(ofArea: area) else { return nil }
        taken += 1
        area += isRandom ? exponential() : Double(loops)
        return Int64(time)
    }

    /// Inverse transform; 1 - u lies in (0, 1], so the logarithm is finite.
    private mutating func exponential() -> Double {
        -log(1 - Double.random(in: 0..<1, using: &random)) * Double(loops)
    }

    private mutating func time(ofArea area: Double) -> Double? {
        while stage < stages.count {
            let current = stages[stage]
            let rest = area - areaBefore
            // A hair's breadth, so that the last of 100 even arrivals does not slip over the end by rounding.
            if rest < current.arrivals - 1e-9 {
                let slope = (current.to - current.from) / current.duration.seconds
                let root = current.from + max(0, current.from * current.from + 2 * slope * rest).squareRoot()
                return timeBefore + (root > 0 ? 2 * rest / root * 1e9 : 0)
            }
            areaBefore += current.arrivals
            timeBefore += Double(current.duration.nanoseconds)
            stage += 1
        }
        return nil
    }
}
