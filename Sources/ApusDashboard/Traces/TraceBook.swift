import ApusObserve
import ApusRuntime

/// The traces that were kept lately: all in memory for a while, and as many on disk as a day's bound has room for.
///
/// In memory a trace that is complete is packed as it would lie on disk.
//
// `@unchecked Sendable` is sound because its state is touched on the dashboard's loop alone.
final class TraceBook: @unchecked Sendable {
    /// What a list is asked for.
    struct Question: Sendable, Hashable {
        /// Through one of these parts; `nil` for all.
        var parts: [String]?
        var text: String?
        var least: Int64 = 0
        var failedOnly = false
        var from: Int64 = .min
        var to: Int64 = .max
        var most = 100
    }

    /// Most traces in memory, and most spans in all of them.
    static let tracesMax = 2000
    static let spansMax = 60_000
    /// Most traces on disk that are listed.
    static let storedMax = 50_000
    /// How long after its last span a trace counts as complete.
    static let quiet: Int64 = 2_500_000_000
    /// Ordinary traces that the whole system should keep in a second.
    static let target = 20.0

    private struct Entry {
        // Without spans once it is packed.
        private var open: TraceRecord
        private var packed: [UInt8] = []
        private var known: TraceSummary?
        var lastSeen: Int64
        // Whether it was looked at for the disk.
        var isSettled = false

        init(_ record: TraceRecord, lastSeen: Int64) {
            open = record
            self.lastSeen = lastSeen
        }

        var summary: TraceSummary { known ?? open.summary }
        var spans: Int { known?.spans ?? open.parts.count }
        var record: TraceRecord { known == nil ? open : (try? TraceRecord(packed: packed)) ?? open }

        mutating func append(_ part: TraceRecord.Part) {
            if known != nil {
                open = record
                (known, packed) = (nil, [])
            }
            open.parts.append(part)
        }

        /// Bytes of what is packed.
        var packedBytes: Int { packed.count }

        mutating func pack() {
            guard known == nil else { return }
            (known, packed) = (open.summary, open.packed.fitted)
            open.parts = []
        }
    }

    /// A trace on disk, as little of it as a list shows: there may be many.
    private struct Stored {
        var id: TraceID
        var place: SegmentRing.Place
        var began: Int64
        var nanoseconds: Int64
        var name: String
        var spans: Int32
        var failed: Bool
        // Where it began and what it went through, among the few routes that there are.
        var route: Int32
    }

    private struct Route: Hashable {
        var part: String
        var parts: [String]
    }

    private var entries: [TraceID: Entry] = [:]
    private var order: [TraceID] = []
    private var spanCount = 0
    private var unsettled: Set<TraceID> = []
    private var unstored: [TraceRecord] = []
    private var stored: [Stored] = []
    private var routes: [Route] = []
    private var routeNumbers: [Route: Int32] = [:]
    private var ordinaryRoom: TokenBucket
    private var specialRoom: TokenBucket
    private var begunLately = 0
    private var shareTime: Int64 = 0
    /// The share of ordinary traces that every process is to keep.
    private(set) var share = 1.0
    /// Traces that the bound left no room for on disk.
    private(set) var notStored = 0

    private let disk: SegmentRing?
    private let pool: BlockingPool

    init(disk: SegmentRing?, pool: BlockingPool) {
        self.disk = disk
        self.pool = pool
        // Half of the bound for what failed or was slow, half for the others; a day has 86,400 s.
        let rate = Double(disk?.bytesMax ?? 0) / 2 / 86_400
        ordinaryRoom = TokenBucket(rate: rate, most: rate * 7200)
        specialRoom = TokenBucket(rate: rate, most: rate * 7200)
    }

    // MARK: Adding

    func add(_ spans: [CollectedSpan], from process: PartName, at now: Int64) {
        for span in spans {
            let id = TraceID(span)
            if entries[id] == nil { begin(id, now) }
            guard let spans = entries[id]?.spans, spans < TraceRecord.spansMax else { continue }
            if span.parentID == 0 { begunLately += 1 }
            entries[id]?.append(.init(span: span, process: process))
            entries[id]?.lastSeen = now
            // One that was complete gets a latecomer.
            unsettled.insert(id)
            spanCount += 1
        }
        trim()
    }

    private func begin(_ id: TraceID, _ now: Int64) {
        order.append(id)
        entries[id] = Entry(TraceRecord(id: id), lastSeen: now)
    }

    private func trim() {
        var gone = 0
        while order.count - gone > Self.tracesMax || (spanCount > Self.spansMax && gone < order.count) {
            if let entry = entries.removeValue(forKey: order[gone]) {
                spanCount -= entry.spans
                unsettled.remove(order[gone])
            }
            gone += 1
        }
        if gone > 0 { order.removeFirst(gone) }
    }

    /// Looks which traces are complete, and how many there are: once a second.
    func tick(at now: Int64) {
        for id in unsettled {
            guard let entry = entries[id], now - entry.lastSeen >= Self.quiet else { continue }
            unsettled.remove(id)
            if !entry.isSettled { admit(entry.record, now) }
            entries[id]?.isSettled = true
            entries[id]?.pack()
        }
        guard now - shareTime >= 1_000_000_000 else { return }
        let seconds = min(10, Double(now - shareTime) / 1e9)
        shareTime = now
        let rate = Double(begunLately) / seconds
        begunLately = 0
        // Down at once, up slowly: a burst costs a second, not more.
        if rate > Self.target * 1.5 {
            share = max(1e-6, share * Self.target / rate)
        } else if rate < Self.target * 0.75 {
            share = min(1, share * 1.25)
        }
    }

    private func admit(_ record: TraceRecord, _ now: Int64) {
        guard disk != nil else { return }
        let size = record.parts.count * 120
        let isSpecial = record.hasFailed || (record.root?.span.nanoseconds ?? 0) >= 250_000_000
        // A fragment whose beginning was not kept helps nobody, unless something went wrong in it.
        guard record.isWhole || isSpecial else { return }
        let fits = isSpecial ? specialRoom.take(size, at: now) : ordinaryRoom.take(size, at: now)
        if fits, unstored.count < 4096 { unstored.append(record) } else { notStored += 1 }
    }

    /// Puts on disk what was admitted.
    func store() async {
        guard let disk, !unstored.isEmpty else { return }
        let records = unstored
        unstored = []
        guard let places = try? await pool.run({ try disk.append(records.map(\.packed)) }) else {
            notStored += records.count
            return
        }
        for (record, place) in zip(records, places) { remember(record.summary, record.id, place) }
        forget()
    }

    private func remember(_ summary: TraceSummary, _ id: TraceID, _ place: SegmentRing.Place) {
        let route = Route(part: summary.part, parts: summary.parts)
        let number = routeNumbers[route] ?? Int32(routes.count)
        if routeNumbers[route] == nil {
            routes.append(route)
            routeNumbers[route] = number
        }
        stored.append(
            Stored(
                id: id,
                place: place,
                began: summary.began,
                nanoseconds: summary.nanoseconds,
                name: summary.name,
                spans: Int32(clamping: summary.spans),
                failed: summary.failed,
                route: number
            )
        )
    }

    private func summary(_ stored: Stored) -> TraceSummary {
        let route = routes[Int(stored.route)]
        return TraceSummary(
            trace: "\(stored.id)",
            name: stored.name,
            part: route.part,
            began: stored.began,
            nanoseconds: stored.nanoseconds,
            failed: stored.failed,
            spans: Int(stored.spans),
            parts: route.parts
        )
    }

    private func forget() {
        let oldest = disk?.segments.first ?? 0
        let surplus = max(0, stored.count - Self.storedMax)
        let gone = stored.prefix { $0.place.segment < oldest }.count
        stored.removeFirst(max(gone, surplus))
    }

    /// Reads what an earlier run has left.
    func restore() async {
        guard let disk else { return }
        for segment in disk.segments {
            let found = try? await pool.run {
                var found: [(TraceSummary, TraceID, SegmentRing.Place)] = []
                try disk.scan(segment) { place, bytes in
                    if let record = try? TraceRecord(packed: bytes) { found.append((record.summary, record.id, place)) }
                    return true
                }
                return found
            }
            for (summary, id, place) in found ?? [] { remember(summary, id, place) }
        }
        stored.sort { $0.began < $1.began }
        forget()
    }

    // MARK: Asking

    /// What the complete traces in memory take, in bytes.
    var memoryBytes: Int { entries.values.reduce(0) { $0 + $1.packedBytes } }

    /// Traces, the newest first.
    func list(_ question: Question) -> [TraceSummary] {
        var found: [TraceSummary] = []
        for id in order.reversed() {
            guard let summary = entries[id]?.summary, question.holds(summary) else { continue }
            found.append(summary)
        }
        for trace in stored.reversed() where found.count < question.most * 2 {
            guard entries[trace.id] == nil, trace.began >= question.from, trace.began <= question.to else { continue }
            let summary = summary(trace)
            if question.holds(summary) { found.append(summary) }
        }
        return Array(found.sorted { $0.began > $1.began }.prefix(question.most))
    }

    /// All spans of a trace; empty where it is not held.
    func spans(of id: TraceID) async -> [SpanFact] {
        await record(of: id)?.facts ?? []
    }

    private func record(of id: TraceID) async -> TraceRecord? {
        if let entry = entries[id] { return entry.record }
        guard let disk, let place = stored.last(where: { $0.id == id })?.place else { return nil }
        let bytes = try? await pool.run { disk.read(place) }
        guard let bytes = bytes ?? nil else { return nil }
        return try? TraceRecord(packed: bytes)
    }

    /// All traces that are held within a time, for an export.
    func records(_ question: Question) async -> [TraceRecord] {
        var records: [TraceRecord] = []
        for summary in list(question) {
            guard let id = TraceID(summary.trace), let record = await record(of: id) else { continue }
            records.append(record)
        }
        return records
    }

    /// Takes over traces of another session.
    func put(_ records: [TraceRecord]) {
        for record in records where entries[record.id] == nil {
            order.append(record.id)
            var entry = Entry(record, lastSeen: 0)
            entry.isSettled = true
            entry.pack()
            entries[record.id] = entry
            spanCount += record.parts.count
        }
        trim()
    }
}

extension TraceBook.Question {
    func holds(_ trace: TraceSummary) -> Bool {
        trace.nanoseconds >= least && (!failedOnly || trace.failed) && trace.began >= from && trace.began <= to
            && (parts.map { parts in trace.parts.contains(where: parts.contains) || parts.contains(trace.part) } ?? true)
            && (text.map { trace.name.lowercased().contains($0) || trace.trace.hasPrefix($0) } ?? true)
    }
}

/// Bytes that may be written: so many a second, and what was saved up.
struct TokenBucket: Sendable {
    private let rate: Double
    private let most: Double
    private var tokens: Double
    private var time: Int64?

    init(rate: Double, most: Double) {
        self.rate = rate
        self.most = most
        tokens = most
    }

    mutating func take(_ count: Int, at now: Int64) -> Bool {
        if let time, now > time { tokens = min(most, tokens + rate * Double(now - time) / 1e9) }
        time = now
        guard tokens >= Double(count) else { return false }
        tokens -= Double(count)
        return true
    }
}
