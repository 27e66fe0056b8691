/// Which trace a piece of work belongs to, as the W3C `traceparent` header carries it.
///
/// A trivial value of 32 bytes: copy it freely.
///
/// - SeeAlso: W3C Trace Context Level 2, section 3.2.
public struct TraceContext: Sendable, Hashable {
    /// The first 8 bytes of the trace id, big-endian.
    public var traceHigh: UInt64
    /// The last 8 bytes of the trace id, big-endian.
    public var traceLow: UInt64
    /// The span id; the parent's, where the context came in from outside.
    public var spanID: UInt64
    /// Bit 0 says sampled, bit 1 that the trace id is random.
    public var flags: UInt8

    /// A context from its parts.
    @inlinable
    public init(traceHigh: UInt64, traceLow: UInt64, spanID: UInt64, flags: UInt8) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.spanID = spanID
        self.flags = flags
    }

    /// No trace: all zero.
    public static let none = TraceContext(traceHigh: 0, traceLow: 0, spanID: 0, flags: 0)

    /// False for ``none``: neither id may be all zero.
    @inlinable
    public var isValid: Bool { traceHigh | traceLow != 0 && spanID != 0 }

    /// Whether the caller may have recorded this trace.
    @inlinable
    public var isSampled: Bool {
        get { flags & 1 != 0 }
        set { flags = newValue ? flags | 1 : flags & ~1 }
    }
}
