public import ApusCore

/// What travels with a call besides its arguments: how long it may take, and which trace it belongs to.
///
/// It is a task-local value: a service that calls another passes on what is left of its own time, and its trace,
/// without doing anything.
public struct CallContext: Sendable, Hashable {
    /// When the answer is no longer wanted; `nil` leaves it to the actor system's default of 5 s.
    ///
    /// On the loop's clock. It is sent as time that is left, so clocks need not agree.
    public var deadline: Instant?
    /// The trace and span the call belongs to.
    public var trace: TraceField?

    /// A context without deadline and trace.
    public init(deadline: Instant? = nil, trace: TraceField? = nil) {
        self.deadline = deadline
        self.trace = trace
    }

    /// The context of the running task.
    @TaskLocal public static var current = CallContext()

    /// Runs `body` with a deadline that is `duration` from now, or the one that holds already where that is sooner.
    ///
    /// - Throws: What `body` throws.
    public static func within<Result>(
        _ duration: Duration,
        clock: any Clock = SystemClock(),
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        var context = current
        let wanted = clock.now() + duration
        context.deadline = min(context.deadline ?? wanted, wanted)
        return try await $current.withValue(context, operation: body)
    }
}

/// A trace and a span as W3C trace context carries them: 16 bytes, 8 bytes and flags.
///
/// - SeeAlso: W3C Trace Context, section 3.2.
public struct TraceField: Sendable, Hashable {
    /// The first eight bytes of the trace id, big-endian.
    public var traceHigh: UInt64
    /// The last eight bytes of the trace id.
    public var traceLow: UInt64
    /// The id of the span that calls.
    public var span: UInt64
    /// The flags; bit 0 says sampled.
    public var flags: UInt8

    /// A trace field from its parts.
    public init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt8) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.flags = flags
    }
}
