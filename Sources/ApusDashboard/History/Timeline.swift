import ApusCore
import ApusObserve
import ApusRuntime

/// What all series did, second by second for a while in memory, and in steps of five seconds for a day on disk.
///
/// In memory a second is packed as it would lie on disk, a fifth of what it takes when it is taken apart.
//
// `@unchecked Sendable` is sound because its state is touched on the dashboard's loop alone; what goes to the disk and
// comes from there is handed over as values.
final class Timeline: @unchecked Sendable {
    /// How many frames memory holds: a quarter of an hour of seconds.
    static let framesMax = 900
    /// How long a frame on disk is, at least and at most.
    static let storedSpans: ClosedRange<Int64> = 5_000_000_000...60_000_000_000
    /// Most series known; those of processes that are gone count too.
    static let seriesMax = 20_000
    /// Most frames that a question is answered from.
    static let answerFramesMax = 20_000

    /// A second in memory.
    private struct Packed {
        var time: Int64
        var span: Int64
        var bytes: [UInt8]

        init(_ frame: Frame) {
            time = frame.time
            span = frame.span
            bytes = HistoryRecord.frame(frame).packed.fitted
        }

        var begin: Int64 { time - span }

        func frame(where isWanted: (Int) -> Bool) -> Frame? {
            guard case .frame(let frame)? = try? HistoryRecord(packed: bytes, where: isWanted) else { return nil }
            return frame
        }
    }

    private(set) var series: [SeriesInfo] = []
    private var ids: [SeriesKey: Int] = [:]
    /// Series that found no room.
    private(set) var seriesRefused = 0
    /// Who was seen to use what since this run began.
    private(set) var calls: Set<KnownCall> = []
    private var grown: Set<Int> = []
    private var frames: [Packed] = []
    /// What is not on disk yet, as one frame.
    private var unstored: Frame?
    /// Frames of other sessions, oldest first; in memory only.
    private var imported: [Frame] = []
    private let disk: SegmentRing?
    private let pool: BlockingPool
    /// How long the next frame on disk is to be: longer where much happens, so that a day fits.
    private var storedSpan = Timeline.storedSpans.lowerBound
    // Which of the series the newest file on disk has; touched by the pool's one thread, under the ring's calls.
    private let described = Lock<Set<Int>>([])
    /// Where frames lie on disk, oldest first.
    private var stored: [(time: Int64, place: SegmentRing.Place)] = []

    init(disk: SegmentRing?, pool: BlockingPool) {
        self.disk = disk
        self.pool = pool
    }

    // MARK: Adding

    /// The id of a series, or `nil` where there are too many.
    func id(_ key: SeriesKey, _ definition: Pulse.Definition) -> Int? {
        if let id = ids[key], series[id].bounds == definition.bounds { return id }
        return add(key, definition.kind, definition.unit, definition.help, definition.bounds)
    }

    private func add(
        _ key: SeriesKey,
        _ kind: MetricSnapshot.Kind,
        _ unit: MetricUnit,
        _ help: String,
        _ bounds: [UInt64]
    ) -> Int? {
        guard series.count < Self.seriesMax else {
            seriesRefused += 1
            return nil
        }
        let id = series.count
        series.append(SeriesInfo(id: id, key: key, kind: kind, unit: unit, help: help, bounds: bounds))
        ids[key] = id
        return id
    }

    func add(_ frame: Frame) {
        for (id, sample) in frame.samples {
            if case .level = sample { continue }
            if grown.insert(id).inserted, let call = KnownCall(series[id]) { calls.insert(call) }
        }
        frames.append(Packed(frame))
        if frames.count > Self.framesMax { frames.removeFirst(frames.count - Self.framesMax) }
        guard disk != nil else { return }
        if unstored == nil { unstored = frame } else { unstored?.append(frame) }
    }

    /// Puts on disk what is long enough, or all of it at the end.
    func store(isLast: Bool = false) async {
        guard let disk, let whole = unstored, isLast || whole.span >= storedSpan else { return }
        unstored = nil
        let used = whole.samples.keys.map { series[$0] }
        let described = described
        let places = try? await pool.run {
            // Definitions come before the frame that uses them, in the same file.
            let known = described.withLock { $0 }
            let new = used.filter { !known.contains($0.id) }
            let records = new.map { HistoryRecord.series($0).packed } + [HistoryRecord.frame(whole).packed]
            var isNewFile = false
            var places = try disk.append(records) {
                isNewFile = true
                return used.map { HistoryRecord.series($0).packed }
            }
            described.withLock { described in
                if isNewFile { described = Set(used.map(\.id)) } else { described.formUnion(new.map(\.id)) }
            }
            return places.popLast()
        }
        if let place = places ?? nil {
            stored.append((whole.time, place))
            let day = Double(disk.bytesMax) * 0.9 / 86_400 / 1e9
            storedSpan = min(
                max(Int64(Double(place.count) / day), Self.storedSpans.lowerBound),
                Self.storedSpans.upperBound
            )
        }
        let oldest = disk.segments.first ?? 0
        if let first = stored.first, first.place.segment < oldest { stored.removeAll { $0.place.segment < oldest } }
    }

    /// Reads what an earlier run has left: its series, and where its frames lie.
    func restore() async {
        guard let disk else { return }
        for segment in disk.segments {
            let found = try? await pool.run { try Self.read(segment, of: disk) }
            guard let found else { continue }
            // A file's ids are its run's own; frames are translated when they are read.
            for (time, place) in found { stored.append((time, place)) }
        }
        stored.sort { $0.time < $1.time }
    }

    private static func read(_ segment: UInt64, of disk: SegmentRing) throws -> [(Int64, SegmentRing.Place)] {
        var frames: [(Int64, SegmentRing.Place)] = []
        try disk.scan(segment) { place, bytes in
            if bytes.first == 2, case .frame(let frame)? = try? HistoryRecord(packed: bytes) {
                frames.append((frame.time, place))
            }
            return true
        }
        return frames
    }

    // MARK: Asking

    /// What the seconds in memory take, in bytes.
    var memoryBytes: Int { frames.reduce(0) { $0 + $1.bytes.count } }

    /// The time that the timeline begins and ends, in nanoseconds since 1970.
    var range: ClosedRange<Int64>? {
        let first = min(stored.first?.time ?? .max, frames.first?.begin ?? .max, imported.first?.begin ?? .max)
        guard let last = frames.last?.time ?? stored.last?.time, first <= last else { return nil }
        return first...last
    }

    /// The latest frame's end.
    var latest: Int64? { frames.last?.time }

    /// The frames that end after `from` and not after `to`, oldest first: seconds where memory has them, else from disk.
    ///
    /// - Parameters:
    ///   - from: In nanoseconds since 1970.
    ///   - to: In nanoseconds since 1970.
    ///   - metric: The only metric that is wanted; the others' samples are not even made then.
    /// - Returns: The frames.
    func frames(after from: Int64, to: Int64, of metric: String? = nil) async -> [Frame] {
        let own = await ownFrames(after: from, to: to, metric)
        let others = imported.filter { $0.time > from && $0.time <= to && $0.time <= own.first?.begin ?? .max }
        return others + own
    }

    private func ownFrames(after from: Int64, to: Int64, _ metric: String?) async -> [Frame] {
        let memory = recent(after: from, to: to, of: metric)
        let begin = frames.first?.begin ?? .max
        guard from < begin, let disk else { return memory }
        let places = stored.filter { $0.time > from && $0.time <= to && $0.time <= begin }.suffix(Self.answerFramesMax)
        guard !places.isEmpty else { return memory }
        let wanted = places.map(\.place)
        let found = (try? await pool.run { Self.load(wanted, from: disk, of: metric) }) ?? []
        return found.map { translated($0.0, $0.1) } + memory.filter { $0.time > found.last?.0.time ?? from }
    }

    /// Takes over what another session has measured; it lies before what this one has, or is left out.
    func put(_ others: [Frame], _ series: [SeriesInfo]) {
        let infos = Dictionary(series.map { ($0.id, $0) }) { first, _ in first }
        let known = Set(imported.map(\.time))
        imported += others.filter { !known.contains($0.time) }.map { translated($0, infos) }
        imported.sort { $0.time < $1.time }
        if imported.count > Self.answerFramesMax { imported.removeFirst(imported.count - Self.answerFramesMax) }
    }

    private func recent(after from: Int64, to: Int64, of metric: String?) -> [Frame] {
        guard let last = frames.last, last.time > from else { return [] }
        let begin = frames.firstIndex { $0.time > from } ?? frames.count
        let end = frames.lastIndex { $0.time <= to } ?? -1
        guard begin <= end else { return [] }
        let wanted = metric.map { metric in series.map { $0.metric == metric } }
        return frames[begin...end].compactMap { $0.frame { id in wanted?[id] ?? true } }
    }

    private static func load(
        _ places: [SegmentRing.Place],
        from disk: SegmentRing,
        of metric: String?
    ) -> [(Frame, [Int: SeriesInfo])] {
        var loaded: [(Frame, [Int: SeriesInfo])] = []
        for segment in Set(places.map(\.segment)).sorted() {
            let wanted = Set(places.filter { $0.segment == segment }.map(\.offset))
            var infos: [Int: SeriesInfo] = [:]
            var frames: [Frame] = []
            try? disk.scan(segment) { place, bytes in
                // A frame that nobody wants is not taken apart.
                if bytes.first == 2, !wanted.contains(place.offset) { return true }
                switch try? HistoryRecord(packed: bytes, where: { metric == nil || infos[$0]?.metric == metric }) {
                case .series(let info): infos[info.id] = info
                case .frame(let frame): frames.append(frame)
                case nil: break
                }
                return true
            }
            loaded += frames.map { ($0, infos) }
        }
        return loaded
    }

    /// A frame of a file in the ids of this run.
    private func translated(_ frame: Frame, _ infos: [Int: SeriesInfo]) -> Frame {
        var samples: [Int: Sample] = [:]
        samples.reserveCapacity(frame.samples.count)
        for (id, sample) in frame.samples {
            guard let info = infos[id] else { continue }
            let own =
                if let known = ids[info.key], series[known].bounds == info.bounds { Optional(known) } else {
                    add(info.key, info.kind, info.unit, info.help, info.bounds)
                }
            if let own { samples[own] = sample }
        }
        return Frame(time: frame.time, span: frame.span, samples: samples)
    }
}
