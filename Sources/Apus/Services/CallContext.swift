public import ApusCore

/// What travels with a call besides its arguments: how long it may take.
///
/// It is a task-local value: a service that calls another passes on what is left of its own time without doing
/// anything. So does the trace: a call belongs to the span that is `Trace.current` in the task that makes it.
public struct CallContext: Sendable, Hashable {
    /// When the answer is no longer wanted; `nil` leaves it to the actor system's default of 5 s.
    ///
    /// On the loop's clock. It is sent as time that is left, so clocks need not agree.
    public var deadline: Instant?

    /// A context without deadline unless one is given.
    public init(deadline: Instant? = nil) { self.deadline = deadline }

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
