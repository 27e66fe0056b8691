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
///
/// In memory all but the newest are packed, some hundred in a block: a fifth of what they take as values.
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

    /// Lines that were packed together.
    private struct Block {
        var first: Int
        var count: Int
        var begin: Int64
        var times: ClosedRange<Int64>
        var bytes: [UInt8]

        init(_ lines: ArraySlice<BookedLine>) {
            var (earliest, latest) = (Int64.max, Int64.min)
            for line in lines {
                earliest = min(earliest, line.record.time)
                latest = max(latest, line.record.time)
            }
            first = lines.first?.number ?? 0
            count = lines.count
            begin = lines.first?.record.time ?? 0
            times = min(earliest, latest)...latest
            bytes = LogBook.pack(lines).fitted
        }

        var lines: [BookedLine] {
            var lines = (try? LogBook.unpack(bytes)) ?? []
            for index in lines.indices { lines[index].number = first + index }
            return lines
        }
    }

    /// Most lines in memory.
    static let linesMax = 20_000
    /// Lines of a block.
    static let blockLines = 250
    /// Most files on disk that one question looks through, the newest first.
    static let scansMax = 8

    private var blocks: [Block] = []
    /// The newest lines, fewer than a block.
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
    private var oldest: Int64 { blocks.first?.begin ?? lines.first?.record.time ?? .max }

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
        while lines.count >= Self.blockLines {
            blocks.append(Block(lines.prefix(Self.blockLines)))
            lines.removeFirst(Self.blockLines)
        }
        let surplus = blocks.count * Self.blockLines + lines.count - Self.linesMax
        if surplus > 0 { blocks.removeFirst((surplus + Self.blockLines - 1) / Self.blockLines) }
    }

    /// What the blocks in memory take, in bytes.
    var memoryBytes: Int { blocks.reduce(0) { $0 + $1.bytes.count } }

    /// Hands lines in memory to `body`, the newest first, until it gives false; leaves out blocks without any that hold.
    private func look(_ question: Question, _ body: (BookedLine) -> Bool) {
        for line in lines.reversed() { guard body(line) else { return } }
        for block in blocks.reversed() {
            if block.first + block.count - 1 <= question.after { return }
            guard block.times.lowerBound <= question.to, block.times.upperBound >= question.from else { continue }
            for line in block.lines.reversed() { guard body(line) else { return } }
        }
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
        look(question) { line in
            guard line.number > question.after, found.count < question.most else { return false }
            if question.holds(line) { found.append(line.fact) }
            return true
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
        let own = booked(from: .min, to: .max)
        let known = Set((own + imported).map { [$0.record.time, Int64($0.process.hashValue)] })
        imported += others.filter { !known.contains([$0.record.time, Int64($0.process.hashValue)]) }
        imported.sort { $0.record.time < $1.record.time }
        if imported.count > Self.linesMax { imported.removeFirst(imported.count - Self.linesMax) }
    }

    /// Lines in memory within a time, for an export.
    func booked(from: Int64, to: Int64) -> [BookedLine] {
        var question = Question()
        (question.from, question.to) = (from, to)
        var found: [BookedLine] = []
        look(question) { line in
            if line.record.time >= from && line.record.time <= to { found.append(line) }
            return true
        }
        return found.reversed()
    }

    // MARK: As bytes

    static func pack(_ lines: some Collection<BookedLine>) -> [UInt8] {
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
