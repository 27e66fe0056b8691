import ApusObserve

extension [UInt8] {
    /// The same bytes in no more room than they need: what is kept for long has grown by doubling.
    var fitted: [UInt8] { Array(self[...]) }
}

/// Records of the metrics' history: what series there are, and what they did.
enum HistoryRecord: Sendable, Hashable {
    case series(SeriesInfo)
    case frame(Frame)

    private static let kinds: [MetricSnapshot.Kind] = [.counter, .gauge, .histogram]

    var packed: [UInt8] {
        var writer = PackedWriter()
        switch self {
        case .series(let info):
            writer.write(count: 1)
            writer.write(count: info.id)
            writer.write(info.process.part)
            writer.write(count: info.process.replica)
            writer.write(info.metric)
            writer.write(count: info.key.labels.count)
            for label in info.key.labels {
                writer.write(label.name)
                writer.write(label.value)
            }
            writer.write(count: Self.kinds.firstIndex(of: info.kind) ?? 1)
            writer.write(info.unit == .nanosecondsAsSeconds)
            writer.write(info.help)
            writer.write(count: info.bounds.count)
            for bound in info.bounds { writer.write(bound) }
        case .frame(let frame):
            writer.write(count: 2)
            writer.write(signed: frame.time)
            writer.write(signed: frame.span)
            writer.write(count: frame.samples.count)
            var before = 0
            for (id, sample) in frame.samples.sorted(by: { $0.key < $1.key }) {
                writer.write(count: id - before)
                before = id
                Self.write(sample, to: &writer)
            }
        }
        return writer.bytes
    }

    private static func write(_ sample: Sample, to writer: inout PackedWriter) {
        switch sample {
        case .growth(let value):
            writer.write(count: 0)
            writer.write(value)
        case .level(let value):
            writer.write(count: 1)
            writer.write(value)
        case .spread(let sum, let buckets):
            writer.write(count: 2)
            writer.write(sum)
            writer.write(count: buckets.count)
            for bucket in buckets {
                writer.write(count: bucket.bucket)
                writer.write(bucket.count)
            }
        }
    }

    /// Reads a record; of a frame the samples of those series that `isWanted`.
    init(packed bytes: [UInt8], where isWanted: (Int) -> Bool = { _ in true }) throws(PackedDamage) {
        var reader = PackedReader(bytes)
        switch try reader.number() {
        case 1: self = .series(try Self.series(&reader))
        case 2: self = .frame(try Self.frame(&reader, isWanted))
        default: throw PackedDamage(offset: 0)
        }
    }

    private static func series(_ reader: inout PackedReader) throws(PackedDamage) -> SeriesInfo {
        let id = try reader.index()
        let process = PartName(part: try reader.text(), replica: try reader.index())
        let metric = try reader.text()
        var labels: [Pulse.Label] = []
        for _ in 0..<(try reader.count(bytesEach: 2)) {
            labels.append(Pulse.Label(try reader.text(), try reader.text()))
        }
        let kind = kinds[try reader.index(below: kinds.count)]
        let unit = try reader.flag() ? MetricUnit.nanosecondsAsSeconds : .one
        let help = try reader.text()
        var bounds: [UInt64] = []
        for _ in 0..<(try reader.count()) { bounds.append(try reader.number()) }
        let key = SeriesKey(process: process, metric: metric, labels: labels)
        return SeriesInfo(id: id, key: key, kind: kind, unit: unit, help: help, bounds: bounds)
    }

    private static func frame(
        _ reader: inout PackedReader,
        _ isWanted: (Int) -> Bool
    ) throws(PackedDamage) -> Frame {
        var frame = Frame(time: try reader.signed(), span: try reader.signed(), samples: [:])
        var id = 0
        for _ in 0..<(try reader.count(bytesEach: 3)) {
            id += try reader.index()
            let keeps = isWanted(id)
            switch try reader.number() {
            case 0:
                let value = try reader.double()
                if keeps { frame.samples[id] = .growth(value) }
            case 1:
                let value = try reader.double()
                if keeps { frame.samples[id] = .level(value) }
            case 2:
                let sum = try reader.number()
                var buckets: [Pulse.Bucket] = []
                for _ in 0..<(try reader.count(bytesEach: 2)) {
                    let bucket = Pulse.Bucket(bucket: try reader.index(), count: try reader.number())
                    if keeps { buckets.append(bucket) }
                }
                if keeps { frame.samples[id] = .spread(sum: sum, buckets: buckets) }
            default: throw PackedDamage(offset: 0)
            }
        }
        return frame
    }
}
