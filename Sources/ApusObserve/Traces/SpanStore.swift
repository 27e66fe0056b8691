import ApusCore

/// The spans that were kept lately, in memory, the newest in place of the oldest.
///
/// A dashboard asks it by trace id; an exporter listens to it.
public final class SpanStore: Sendable {
    private struct Kept {
        var record: SpanRecord
        var wallOffset: Int64
    }

    private struct State {
        var ring: [Kept] = []
        // How many spans were ever kept; the next place is this modulo the capacity.
        var count = 0
        var isListening = false
        var waitingMax = 0
        // What listeners have not taken yet.
        var waiting: [Kept] = []
    }

    /// Most spans held.
    public let capacity: Int
    private let state = Lock(State())
    private let dropped: Counter?

    /// An empty store.
    ///
    /// - Parameters:
    ///   - capacity: Most spans held; 4,096 unless set, about 3 MB.
    ///   - metrics: Where spans are counted that an exporter did not take in time.
    public init(capacity: Int = 4096, metrics: Metrics? = nil) {
        precondition(capacity > 0, "a store holds a span")
        self.capacity = capacity
        dropped = metrics?.counter("apus_spans_export_dropped_total", help: "Spans the exporter did not take in time.")
    }

    /// Copies a finished trace: its root and both chains of finished spans.
    func append(
        _ root: UnsafeMutablePointer<SpanRecord>,
        _ chains: UnsafeMutablePointer<SpanRecord>?...,
        wallOffset: Int64
    ) {
        let identity = root.pointee.context.spanID
        state.withLock { state in
            put(&state, Kept(record: root.pointee, wallOffset: wallOffset))
            for chain in chains {
                var next = chain
                while let record = next {
                    next = record.pointee.next
                    guard record.load(.rootIdentity) == identity else { continue }
                    put(&state, Kept(record: record.pointee, wallOffset: wallOffset))
                }
            }
        }
    }

    private func put(_ state: inout State, _ kept: Kept) {
        if state.ring.count < capacity {
            state.ring.append(kept)
        } else {
            state.ring[state.count % capacity] = kept
        }
        state.count += 1
        guard state.isListening else { return }
        if state.waiting.count < state.waitingMax { state.waiting.append(kept) } else { dropped?.increment() }
    }

    /// Starts to hold up to `waitingMax` spans for ``takeWaiting(most:)``, which one exporter calls.
    func listen(waitingMax: Int) {
        state.withLock { state in
            precondition(!state.isListening, "a store has one exporter")
            state.isListening = true
            state.waitingMax = waitingMax
        }
    }

    /// Stops holding spans.
    func stopListening() {
        state.withLock { state in
            state.isListening = false
            state.waiting.removeAll()
        }
    }

    /// Hands over the spans kept since the last time, oldest first.
    func takeWaiting(most: Int) -> [FinishedSpan] {
        let taken = state.withLock { state in
            let taken = state.waiting.prefix(most)
            state.waiting.removeFirst(taken.count)
            return taken
        }
        return taken.map { FinishedSpan($0.record, wallOffset: $0.wallOffset) }
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// The spans of one trace, in the order they began; empty where none is held.
    public func spans(traceHigh: UInt64, traceLow: UInt64) -> [FinishedSpan] {
        spans { $0.context.traceHigh == traceHigh && $0.context.traceLow == traceLow }.sorted { $0.began < $1.began }
    }

    /// The newest local roots, newest first.
    public func recentRoots(most: Int = 256) -> [FinishedSpan] {
        Array(spans { $0.copiedRootIdentity == $0.context.spanID }.reversed().prefix(most))
    }

    /// The spans kept since number `from`, oldest first.
    ///
    /// - Parameters:
    ///   - from: The first number wanted; spans are numbered from 0 in the order they were kept.
    ///   - most: Most spans given.
    /// - Returns: The spans, the number to ask with next, and how many wanted ones were overwritten.
    public func spans(from: UInt64, most: Int) -> (spans: [FinishedSpan], next: UInt64, missed: UInt64) {
        let (found, begin, missed) = state.withLock { state -> ([Kept], UInt64, UInt64) in
            let end = UInt64(state.count)
            let oldest = end - UInt64(state.ring.count)
            let begin = min(max(from, oldest), end)
            let count = min(most, Int(end - begin))
            let found = (0..<count).map { state.ring[Int((begin + UInt64($0)) % UInt64(capacity))] }
            return (found, begin, from < oldest ? oldest - from : 0)
        }
        return (
            found.map { FinishedSpan($0.record, wallOffset: $0.wallOffset) }, begin + UInt64(found.count), missed
        )
    }

    /// All spans held, oldest first.
    public func all() -> [FinishedSpan] { spans { _ in true } }

    private func spans(_ isWanted: (SpanRecord) -> Bool) -> [FinishedSpan] {
        let found = state.withLock { state -> [Kept] in
            let first = state.ring.count < capacity ? 0 : state.count % capacity
            return (0..<state.ring.count).compactMap { place in
                let kept = state.ring[(first + place) % state.ring.count]
                return isWanted(kept.record) ? kept : nil
            }
        }
        return found.map { FinishedSpan($0.record, wallOffset: $0.wallOffset) }
    }
}
