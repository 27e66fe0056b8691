public import ApusCore

/// Records spans, and keeps the traces that are worth keeping.
///
/// A span is recorded into memory of its thread, without a lock and without allocating. When the local root is finished
/// (the request's own span in this process) the tracer looks at the whole: failed or slow traces are kept, of the others
/// a share; see ``TraceConfiguration``. What is kept goes to ``SpanStore`` and to those that listen there.
public final class Tracer: Sendable {
    /// The tracer of the process.
    public static let process = Tracer(store: SpanStore(metrics: .process), metrics: .process)

    /// Where kept spans lie.
    public let store: SpanStore
    let settings: TraceSettings
    let pools: SpanPools
    let dropped: Counter
    private let clock: any Clock

    /// A tracer of its own, for tests.
    ///
    /// - Parameters:
    ///   - configuration: What to record and keep.
    ///   - store: Where kept spans go.
    ///   - spansMax: Most spans that a thread has in memory, running or waiting for their root; others are dropped.
    ///   - clock: Gives the time of day.
    ///   - metrics: Where dropped spans are counted.
    public init(
        _ configuration: TraceConfiguration = TraceConfiguration(),
        store: SpanStore,
        spansMax: Int = 2048,
        clock: any Clock = SystemClock(),
        metrics: Metrics
    ) {
        self.store = store
        self.clock = clock
        settings = TraceSettings(configuration)
        pools = SpanPools(recordsMax: spansMax)
        dropped = metrics.counter("apus_spans_dropped_total", help: "Spans lost because a bound was reached.")
    }

    /// Changes what is recorded and kept, from now on.
    public func configure(_ configuration: TraceConfiguration) { settings.set(configuration) }

    /// Lowers the share of ordinary traces that is kept to `share` (0...1), whatever was configured above it.
    ///
    /// Every process that is given the same share keeps the same traces, so that what is kept is whole.
    public func limitOrdinary(to share: Double) { settings.limitOrdinary(to: share) }

    /// Begins the local root of a trace: what this process does for one request.
    ///
    /// - Parameters:
    ///   - name: What is done, with few different values: `GET /products/{id}`.
    ///   - kind: Usually ``Span/Kind/server``.
    ///   - parent: The caller's context, or ``TraceContext/none`` to begin a new trace.
    ///   - now: When it began, on the monotonic clock.
    /// - Returns: A span to finish once, on the same thread where that can be had.
    public func begin(
        _ name: SpanName,
        kind: Span.Kind = .server,
        parent: TraceContext = .none,
        at now: Instant
    ) -> Span {
        let slot = ThreadSlot.current()
        return pools.withPool(slot) { pool in
            pools.takeInbox(&pool) { finishRoot($0, &$1) }
            var context = parent
            let hasParent = parent.isValid
            if !hasParent {
                context.traceHigh = pool.random()
                context.traceLow = pool.random() | 1
                context.flags = 2
            }
            context.spanID = pool.random() | 1
            let isSampled =
                hasParent && settings.followsParent ? parent.isSampled : context.traceLow >> 1 < settings.rootBound
            context.isSampled = isSampled
            guard isSampled else { return Span(context: context, record: nil) }
            guard let record = pool.take() else {
                dropped.increment()
                return Span(context: context, record: nil)
            }
            record.pointee.begin(name, kind, context, parent: hasParent ? parent.spanID : 0, at: now)
            record.publish(root: record, context.spanID)
            return Span(context: context, record: record)
        }
    }

    /// Begins a part of what `parent` does.
    public func begin(_ name: SpanName, kind: Span.Kind = .internal, under parent: Span, at now: Instant) -> Span {
        guard parent.isRecording else {
            // Others still want a parent to name; the unrecorded one does as well as another.
            return Span(context: parent.context, record: nil)
        }
        return beginChild(name, kind, parent, now)
    }

    private func beginChild(_ name: SpanName, _ kind: Span.Kind, _ parent: Span, _ now: Instant) -> Span {
        var slot = ThreadSlot.current()
        guard let parentRecord = parent.record, let root = parentRecord.root else {
            return Span(context: parent.context, record: nil)
        }
        let rootIdentity = parentRecord.load(.rootIdentity)
        if slot != Int(root.pointee.home) { slot = 0 }
        return pools.withPool(slot) { pool in
            guard root.load(.identity) == rootIdentity, let record = pool.take() else {
                dropped.increment()
                return Span(context: parent.context, record: nil)
            }
            var context = parent.context
            context.spanID = pool.random() | 1
            record.pointee.begin(name, kind, context, parent: parent.context.spanID, at: now)
            record.publish(root: root, rootIdentity)
            if slot != 0 { root.pointee.openCount &+= 1 } else { root.store(.hasForeign, 1) }
            return Span(context: context, record: record)
        }
    }

    /// Ends a span; ending it again does nothing.
    ///
    /// Ending the local root decides about all of its spans that ended before; those that end later are dropped.
    public func finish(_ span: Span, at now: Instant) {
        guard span.isRecording, let record = span.record, let root = record.root else { return }
        record.pointee.ended = now.nanoseconds
        let slot = ThreadSlot.current()
        let home = Int(root.pointee.home)
        if record == root {
            if home == 0 {
                pools.withPool(0) { finishRoot(record, &$0) }
            } else if slot == home {
                pools.withPool(slot) { finishRoot(record, &$0) }
            } else {
                pools.sendHome(record)
            }
        } else if slot != 0, slot == home, slot == Int(record.pointee.home) {
            finishAtHome(record, root, slot)
        } else if !pools.finishElsewhere(record, root) {
            dropped.increment()
        }
    }

    @inline(__always)
    private func finishAtHome(
        _ record: UnsafeMutablePointer<SpanRecord>,
        _ root: UnsafeMutablePointer<SpanRecord>,
        _ slot: Int
    ) {
        guard root.load(.identity) == record.load(.rootIdentity) else {
            dropped.increment()
            return pools.withPool(slot) { $0.put(record) }
        }
        record.store(.identity, 0)
        record.pointee.next = root.pointee.finishedChain
        root.pointee.finishedChain = record
        root.pointee.openCount &-= 1
    }

    /// Decides about a trace; on the root's own thread, or under the pools' lock for a root of the shared pool.
    private func finishRoot(_ root: UnsafeMutablePointer<SpanRecord>, _ pool: inout SpanPool) {
        let isAlone = root.pointee.openCount == 0 && root.load(.hasForeign) == 0
        let foreign = isAlone ? nil : pools.detachForeign(root)
        if isKept(root, foreign, &pool) {
            let wallOffset = pool.wallOffset(at: root.pointee.ended, clock)
            store.append(root, root.pointee.finishedChain, foreign, wallOffset: wallOffset)
        }
        pool.put(chain: root.pointee.finishedChain)
        pools.put(foreign: foreign, &pool)
        pool.put(root)
    }

    private func isKept(
        _ root: UnsafeMutablePointer<SpanRecord>,
        _ foreign: UnsafeMutablePointer<SpanRecord>?,
        _ pool: inout SpanPool
    ) -> Bool {
        if root.pointee.failed || root.pointee.ended &- root.pointee.began >= settings.slowNanoseconds { return true }
        if Self.hasFailure(root.pointee.finishedChain) || Self.hasFailure(foreign) { return true }
        return pool.ordinary.isKept(root.pointee.context.traceLow >> 1, at: root.pointee.ended, settings)
    }

    private static func hasFailure(_ chain: UnsafeMutablePointer<SpanRecord>?) -> Bool {
        var record = chain
        while let span = record {
            if span.pointee.failed { return true }
            record = span.pointee.next
        }
        return false
    }
}
