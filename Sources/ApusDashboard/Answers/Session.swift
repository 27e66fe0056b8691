import ApusObserve

/// Everything that was gathered within a time, as one file: to look at elsewhere, or later.
struct Session: Sendable {
    var system: String
    var from: Int64
    var to: Int64
    var series: [SeriesInfo]
    var frames: [Frame]
    var traces: [TraceRecord]
    var lines: [BookedLine]

    private static let mark = "apus session 1"

    var packed: [UInt8] {
        var writer = PackedWriter()
        writer.write(Self.mark)
        writer.write(system)
        writer.write(signed: from)
        writer.write(signed: to)
        func write(_ records: [[UInt8]]) {
            writer.write(count: records.count)
            for record in records { writer.write(record) }
        }
        write(series.map { HistoryRecord.series($0).packed })
        write(frames.map { HistoryRecord.frame($0).packed })
        write(traces.map(\.packed))
        writer.write(LogBook.pack(lines))
        return writer.bytes
    }

    init(packed bytes: [UInt8]) throws(PackedDamage) {
        var reader = PackedReader(bytes)
        guard try reader.text() == Self.mark else { throw PackedDamage(offset: 0) }
        system = try reader.text()
        from = try reader.signed()
        to = try reader.signed()
        series = []
        for _ in 0..<(try reader.count()) {
            if case .series(let info) = try HistoryRecord(packed: try reader.part()) { series.append(info) }
        }
        frames = []
        for _ in 0..<(try reader.count()) {
            if case .frame(let frame) = try HistoryRecord(packed: try reader.part()) { frames.append(frame) }
        }
        traces = []
        for _ in 0..<(try reader.count()) { traces.append(try TraceRecord(packed: try reader.part())) }
        lines = try LogBook.unpack(try reader.part())
    }

    init(
        system: String,
        from: Int64,
        to: Int64,
        series: [SeriesInfo],
        frames: [Frame],
        traces: [TraceRecord],
        lines: [BookedLine]
    ) {
        self.system = system
        self.from = from
        self.to = to
        self.series = series
        self.frames = frames
        self.traces = traces
        self.lines = lines
    }
}

extension Dashboard {
    /// What was gathered within a time.
    func session(from: Int64, to: Int64) async -> Session {
        var question = TraceBook.Question()
        question.from = from
        question.to = to
        question.most = 2000
        let frames = await timeline.frames(after: from, to: to)
        let traces = await traces.records(question)
        return Session(
            system: source.facts.system,
            from: frames.first?.begin ?? from,
            to: frames.last?.time ?? to,
            series: timeline.series,
            frames: frames,
            traces: traces,
            lines: logs.booked(from: from, to: to)
        )
    }

    /// Takes in what another dashboard has gathered; the slider then reaches back to it.
    func put(_ session: Session) {
        timeline.put(session.frames, session.series)
        traces.put(session.traces)
        logs.put(session.lines)
    }
}
