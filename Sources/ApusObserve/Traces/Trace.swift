import ApusCore
import ApusRuntime

/// The span of the work at hand, carried along by the task.
///
/// A server binds it once a request with ``Trace/$current``; parts below it are opened by ``span(_:kind:_:)``,
/// which finds their parent here. It is the only task-local value that a request needs for its trace.
public enum Trace {
    /// The span that the code at hand is part of; ``Span/none`` outside any.
    @TaskLocal public static var current = Span.none

    /// Runs `body` as a span of its own under ``current``, which fails if `body` throws.
    ///
    /// Where the trace is not recorded, `body` is just called.
    ///
    /// - Parameters:
    ///   - name: What is done, with few different values.
    ///   - kind: Who waits for whom; internal work unless said.
    ///   - body: The work; gets the span, to note what it is about.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    nonisolated(nonsending) public static func span<Result>(
        _ name: SpanName,
        kind: Span.Kind = .internal,
        _ body: nonisolated(nonsending) (Span) async throws -> Result
    ) async rethrows -> Result {
        let parent = current
        guard parent.isRecording else { return try await body(parent) }
        let span = Tracer.process.begin(name, kind: kind, under: parent, at: now())
        defer { Tracer.process.finish(span, at: now()) }
        do {
            return try await $current.withValue(span) { try await body(span) }
        } catch {
            span.fail(error)
            throw error
        }
    }

    /// Runs `body`, which does not wait, as a span of its own under ``current``.
    ///
    /// The span is not bound as ``current``: what `body` calls is not split further.
    ///
    /// - Parameters:
    ///   - name: What is done, with few different values.
    ///   - kind: Who waits for whom; internal work unless said.
    ///   - body: The work; gets the span, to note what it is about.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws.
    public static func measure<Result>(
        _ name: SpanName,
        kind: Span.Kind = .internal,
        _ body: (Span) throws -> Result
    ) rethrows -> Result {
        let parent = current
        guard parent.isRecording else { return try body(parent) }
        let span = Tracer.process.begin(name, kind: kind, under: parent, at: now())
        defer { Tracer.process.finish(span, at: now()) }
        do {
            return try body(span)
        } catch {
            span.fail(error)
            throw error
        }
    }

    /// The exact time, on the clock of the loop at hand.
    static func now() -> Instant { EventLoop.current?.preciseNow() ?? SystemClock().now() }
}
