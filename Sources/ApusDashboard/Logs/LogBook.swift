import ApusObserve
import ApusRuntime

/// A line of the log with the process that wrote it.
struct BookedLine: Sendable, Hashable {
    var number: Int
    var process: PartName
    var record: LogRecord

    var fact: LineFact {
        LineFact(
            number: number,
            time: record.time,
            level: "\(record.level)",
            part: process.description,
            logger: record.logger,
            message: record.message,
            trace: record.traceHigh | record.traceLow == 0
                ? nil : "\(TraceID(high: record.traceHigh, low: record.traceLow))",
            fields: record.fields.map { LineFact.Field(key: $0.key, value: $0.value) }
        )
    }
}

/// The lines that all processes have logged lately: in memory, and a day of them on disk within a bound.
//
// `@unchecked Sendable` is sound because its state is touched on the dashboard's loop alone.
final class LogBook: @unchecked Sendable {
    /// What lines are asked for.
    struct Question: Sendable, Hashable {
        /// Of one of these parts or replicas; `nil` of all.
        var parts: [String]?
        var level = LogLevel.trace
        /// All of these words, lower case, somewhere in the line.
        var words: [String] = []
        var trace: TraceID?
        var from: Int64 = .min
        var to: Int64 = .max
        var after = -1
        var most = 200
    }

    /// Most lines in memory.
    static let linesMax = 20_000
    /// Most files on disk that one question looks through, the newest first.
    static let scansMax = 8

    private var lines: [BookedLine] = []
    private(set) var next = 0
    private var unstored: [BookedLine] = []
    /// Lines of other sessions, oldest first; in memory only.
    private var imported: [BookedLine] = []
    /// Lines that the disk did not take.
    private(set) var notStored = 0
    /// Lines that were overwritten in their process before anyone asked.
    private(set) var missed: UInt64 = 0

    private let disk: SegmentRing?
    private let pool: BlockingPool
    /// What an earlier run has written is on disk only.
    private var oldest: Int64 { lines.first?.record.time ?? .max }

    init(disk: SegmentRing?, pool: BlockingPool) {
        self.disk = disk
        self.pool = pool
    }

    func add(_ records: [LogRecord], from process: PartName, missed: UInt64 = 0) {
        self.missed += missed
        for record in records {
            let line = BookedLine(number: next, process: process, record: record)
            next += 1
            lines.append(line)
            if disk != nil, unstored.count < 8192 { unstored.append(line) } else { notStored += 1 }
        }
        if lines.count > Self.linesMax { lines.removeFirst(lines.count - Self.linesMax) }
    }

    /// Puts on disk what is new.
    func store() async {
        guard let disk, !unstored.isEmpty else { return }
        let batch = unstored
        unstored = []
        if (try? await pool.run { try disk.append([Self.pack(batch)]) }) == nil { notStored += batch.count }
    }

    /// Lines that hold, the newest first.
    func list(_ question: Question) async -> [LineFact] {
        let own = await ownList(question)
        guard question.after < 0 else { return own }
        let others = imported.reversed().filter(question.holds).prefix(question.most).map(\.fact)
        guard !others.isEmpty else { return own }
        return Array((own + others).sorted { $0.time > $1.time }.prefix(question.most))
    }

    private func ownList(_ question: Question) async -> [LineFact] {
        var found: [LineFact] = []
        for line in lines.reversed() where found.count < question.most {
            if line.number <= question.after { break }
            if question.holds(line) { found.append(line.fact) }
        }
        let memoryBegin = oldest
        guard let disk, question.after < 0, found.count < question.most, question.from < memoryBegin else {
            return found
        }
        let (most, segments) = (question.most - found.count, Array(disk.segments.reversed().prefix(Self.scansMax)))
        let older = try? await pool.run { Self.search(disk, segments, question, before: memoryBegin, most: most) }
        return found + (older ?? []).map(\.fact)
    }

    private static func search(
        _ disk: SegmentRing,
        _ segments: [UInt64],
        _ question: Question,
        before: Int64,
        most: Int
    ) -> [BookedLine] {
        var found: [BookedLine] = []
        for segment in segments where found.count < most {
            var here: [BookedLine] = []
            try? disk.scan(segment) { _, bytes in
                for line in (try? unpack(bytes)) ?? [] where line.record.time < before && question.holds(line) {
                    here.append(line)
                }
                return true
            }
            found += here.reversed().prefix(most - found.count)
        }
        return found
    }

    /// Lines of another session.
    func put(_ others: [BookedLine]) {
        let known = Set((lines + imported).map { [$0.record.time, Int64($0.process.hashValue)] })
        imported += others.filter { !known.contains([$0.record.time, Int64($0.process.hashValue)]) }
        imported.sort { $0.record.time < $1.record.time }
        if imported.count > Self.linesMax { imported.removeFirst(imported.count - Self.linesMax) }
    }

    /// Lines in memory within a time, for an export.
    func booked(from: Int64, to: Int64) -> [BookedLine] {
        lines.filter { $0.record.time >= from && $0.record.time <= to }
    }

    // MARK: As bytes

    static func pack(_ lines: [BookedLine]) -> [UInt8] {
        var writer = PackedWriter()
        writer.write(count: lines.count)
        for line in lines {
            writer.write(line.process.part)
            writer.write(count: line.process.replica)
            line.record.write(to: &writer)
        }
        return writer.bytes
    }

    static func unpack(_ bytes: [UInt8]) throws(PackedDamage) -> [BookedLine] {
        var reader = PackedReader(bytes)
        var lines: [BookedLine] = []
        for _ in 0..<(try reader.count(bytesEach: 7)) {
            let process = PartName(part: try reader.text(), replica: try reader.index())
            lines.append(BookedLine(number: -1, process: process, record: try LogRecord(from: &reader)))
        }
        return lines
    }
}

extension LogBook.Question {
    func holds(_ line: BookedLine) -> Bool {
        let record = line.record
        guard record.level >= level, record.time >= from, record.time <= to else { return false }
        if let parts, !parts.contains(line.process.part), !parts.contains(line.process.description) { return false }
        if let trace, record.traceHigh != trace.high || record.traceLow != trace.low { return false }
        return words.allSatisfy { word in
            record.message.lowercased().contains(word) || record.logger.lowercased().contains(word)
                || record.fields.contains { "\($0.key)=\($0.value)".lowercased().contains(word) }
        }
    }
}
