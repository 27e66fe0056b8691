public import ApusCore

/// Which traces are recorded, and which of those are kept.
public struct TraceConfiguration: Sendable, Hashable {
    /// Decides when a trace begins, before anything is known about it.
    public enum Sampler: Sendable, Hashable {
        /// Every trace.
        case alwaysOn
        /// No trace.
        case alwaysOff
        /// A share of all traces (0...1), the same ones in every process.
        case ratio(Double)
    }

    /// How a trace that begins here is decided; every trace unless set.
    public var root = Sampler.alwaysOn
    /// Whether a caller's decision counts more than ``root``; it does unless set.
    public var followsParent = true
    /// A trace whose local root took at least this long is kept; 250 ms unless set.
    public var slowThreshold: Duration = .milliseconds(250)
    /// The share of traces that is kept of those that neither failed nor were slow; all of them unless set.
    public var ordinaryRatio = 1.0
    /// Most ordinary traces kept in a second by each thread; 50 unless set.
    ///
    /// The share falls until it holds, and in every process the same traces are the first to go.
    public var ordinaryTracesPerSecondMax = 50

    /// Starts from the defaults.
    public init() {}

    /// The configuration itself.
    ///
    /// - Throws: `ConfigurationError` for a share outside 0...1 or a negative number.
    public func checked() throws(ConfigurationError) -> Self {
        if case .ratio(let ratio) = root, !(0...1).contains(ratio) {
            throw ConfigurationError(field: "OTEL_TRACES_SAMPLER_ARG", value: "\(ratio)", accepted: "0 to 1")
        }
        guard (0...1).contains(ordinaryRatio) else {
            throw ConfigurationError(field: "ordinaryRatio", value: "\(ordinaryRatio)", accepted: "0 to 1")
        }
        guard ordinaryTracesPerSecondMax >= 0 else {
            let value = "\(ordinaryTracesPerSecondMax)"
            throw ConfigurationError(field: "ordinaryTracesPerSecondMax", value: value, accepted: "0 or more")
        }
        return self
    }

    /// Below which number the lower half of a trace id (63 bits of it) has to lie to be in `ratio`.
    static func bound(_ ratio: Double) -> UInt64 {
        ratio >= 1 ? 1 << 63 : ratio <= 0 ? 0 : UInt64(ratio * 0x1p63)
    }
}

/// The part of a ``TraceConfiguration`` that is read for each span, in words that may change at any time.
//
// `@unchecked Sendable` is sound because all accesses are relaxed atomics and the memory lives as long as its tracer.
final class TraceSettings: @unchecked Sendable {
    private let words: UnsafeMutablePointer<UInt64>

    init(_ configuration: TraceConfiguration) {
        words = .allocate(capacity: 5)
        words.initialize(repeating: 0, count: 5)
        set(configuration)
    }

    deinit { words.deallocate() }

    func set(_ configuration: TraceConfiguration) {
        let ratio =
            switch configuration.root {
            case .alwaysOn: 1.0
            case .alwaysOff: 0.0
            case .ratio(let ratio): ratio
            }
        (words + 0).relaxedStore(TraceConfiguration.bound(ratio))
        (words + 1).relaxedStore(configuration.followsParent ? 1 : 0)
        (words + 2).relaxedStore(UInt64(max(0, configuration.slowThreshold.nanoseconds)))
        (words + 3).relaxedStore(TraceConfiguration.bound(configuration.ordinaryRatio))
        (words + 4).relaxedStore(UInt64(max(0, configuration.ordinaryTracesPerSecondMax)))
    }

    @inline(__always) var rootBound: UInt64 { (words + 0).relaxedLoad() }
    @inline(__always) var followsParent: Bool { (words + 1).relaxedLoad() != 0 }
    @inline(__always) var slowNanoseconds: Int64 { Int64(bitPattern: (words + 2).relaxedLoad()) }
    @inline(__always) var ordinaryBound: UInt64 { (words + 3).relaxedLoad() }
    @inline(__always) var ordinaryMax: Int { Int((words + 4).relaxedLoad()) }
}
