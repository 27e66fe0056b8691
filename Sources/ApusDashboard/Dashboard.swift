public import ApusCore
public import ApusObserve
public import ApusRuntime

/// Gathers what the processes of a system tell about themselves, keeps a day of it, and answers questions.
///
/// Everything happens on one loop; what blocks runs on a thread of its own.
public final class Dashboard: @unchecked Sendable {
    /// How often processes are asked.
    static let pause: Duration = .seconds(1)
    /// How long a process may take to answer.
    static let answerLimit: Duration = .milliseconds(900)
    /// How long a count of rows is good.
    static let countPause: Duration = .seconds(30)

    // `@unchecked Sendable` is sound because the state is touched on the loop alone, which every entry point checks.
    let source: any DashboardSource
    let loop: EventLoop
    let timeline: Timeline
    let traces: TraceBook
    let logs: LogBook
    /// Whether processes are asked.
    private let gathers: Bool
    private(set) var isEnding = false
    /// Counts the rounds of asking.
    private(set) var rounds = 0
    private var tracks: [PartName: ProcessTrack] = [:]
    private var lastFrame: Int64 = 0
    private var counts: [String: RowCounts] = [:]
    private var counting: Set<String> = []
    private let clock: any Clock
    let pool: BlockingPool
    /// What this process itself logs.
    private let log = Log("dashboard")

    /// A dashboard of `source`.
    ///
    /// - Parameters:
    ///   - source: What it shows.
    ///   - folder: Where a day is kept; `nil` keeps all in memory.
    ///   - gathers: Whether processes are asked once a second; without, it knows parts and settings only.
    ///   - loop: Where it works.
    ///   - clock: Gives the time of day.
    public convenience init(
        of source: any DashboardSource,
        folder: String?,
        gathers: Bool = true,
        on loop: EventLoop,
        clock: any Clock = SystemClock()
    ) {
        self.init(of: source, folder: folder, bounds: HistoryBounds(), gathers: gathers, on: loop, clock: clock)
    }

    init(
        of source: any DashboardSource,
        folder: String?,
        bounds: HistoryBounds,
        gathers: Bool,
        on loop: EventLoop,
        clock: any Clock
    ) {
        self.source = source
        self.loop = loop
        self.gathers = gathers
        self.clock = clock
        let pool = BlockingPool(threadsMax: 1, waitersMax: 64, name: "dashboard")
        self.pool = pool
        let log = log
        func ring(_ name: String, _ bytes: Int) -> SegmentRing? {
            guard let folder else { return nil }
            do {
                return try SegmentRing(
                    folder: folder,
                    name: name,
                    segmentBytes: bounds.segmentBytes,
                    segmentsMax: bytes / bounds.segmentBytes
                )
            } catch {
                log.error("history is kept in memory only", ["folder": .string(folder), "error": .error(error)])
                return nil
            }
        }
        timeline = Timeline(disk: ring("metrics", bounds.metricsBytes), pool: pool)
        traces = TraceBook(disk: ring("traces", bounds.tracesBytes), pool: pool)
        logs = LogBook(disk: ring("lines", bounds.linesBytes), pool: pool)
    }

    /// Gathers until it is told to ``end()``; returns when all is on disk.
    public func run() async {
        await restore()
        while !isEnding {
            if gathers { await gather() }
            do { try await loop.sleep(for: Self.pause) } catch { break }
        }
        await finish()
    }

    /// Puts on disk what is left, and lets go of the disk.
    func finish() async {
        await keep(isLast: true)
        pool.shutdown()
    }

    /// Ends the gathering and all streams.
    public func end() { isEnding = true }

    /// Reads what an earlier run has left.
    func restore() async {
        await timeline.restore()
        await traces.restore()
    }

    /// Asks every process once and keeps what they say.
    func gather() async {
        precondition(loop.isCurrent, "a dashboard belongs to its loop")
        let answers = await ask()
        let now = clock.wallNanoseconds()
        var samples: [Int: Sample] = [:]
        for (process, pulse) in answers {
            var track = tracks[process] ?? ProcessTrack(process)
            samples.merge(track.take(pulse, timeline)) { $0.followed(by: $1) }
            tracks[process] = track
            traces.add(pulse.spans, from: process, at: now)
            logs.add(pulse.lines, from: process, missed: pulse.linesMissed)
        }
        if lastFrame == 0 { lastFrame = now - 1_000_000_000 }
        if now > lastFrame {
            timeline.add(Frame(time: now, span: now - lastFrame, samples: samples))
            lastFrame = now
        }
        traces.tick(at: now)
        rounds += 1
        await keep()
    }

    private func keep(isLast: Bool = false) async {
        await timeline.store(isLast: isLast)
        await traces.store()
        await logs.store()
    }

    private func ask() async -> [(PartName, Pulse)] {
        let targets = source.targets
        let alive = Set(targets.map(\.process))
        tracks = tracks.filter { alive.contains($0.key) }
        let share = traces.share
        let loop = loop
        return await withTaskGroup(of: (PartName, Pulse?).self) { group in
            for target in targets {
                var request = tracks[target.process]?.request ?? PulseRequest()
                request.share = share
                group.addTask(executorPreference: loop) { [request] in
                    (target.process, try? await target.ask(request))
                }
            }
            var answers: [(PartName, Pulse)] = []
            for await case (let process, let pulse?) in group { answers.append((process, pulse)) }
            return answers
        }
    }

    /// Notes something that the supervisor did or saw, as a line of its log.
    public func note(
        _ level: LogLevel,
        _ message: String,
        _ fields: KeyValuePairs<String, String> = [:],
        from process: PartName = PartName(part: "supervisor", replica: 0),
        logger: String = "supervisor"
    ) {
        let record = LogRecord(
            time: clock.wallNanoseconds(),
            level: level,
            logger: logger,
            message: message,
            fields: fields.map { LogRecord.Field($0.key, $0.value) }
        )
        logs.add([record], from: process)
    }

    // MARK: Questions

    /// The parts that a filter stands for: itself, the users of a block such as `cache:products`, or the one process that
    /// is all parts.
    func parts(for filter: String) -> [String] {
        let targets = source.targets
        if targets.count == 1, let only = targets.first?.process.part, only == source.facts.system,
            filter != "supervisor"
        {
            return [only]
        }
        guard filter.contains(":") else { return [filter] }
        return timeline.calls.filter { $0.to == filter }.map(\.from).sorted()
    }

    /// The label that a filter by a block stands for: `cache` and `products` of `cache:products`; `nil` of a part.
    func label(for filter: String) -> (label: String, value: String)? {
        let halves = filter.split(separator: ":", maxSplits: 1).map(String.init)
        return halves.count == 2 ? (halves[0], halves[1]) : nil
    }

    /// The rows of a store; counted anew once the last count is ``countPause`` old, and for all who ask meanwhile at once.
    func rowCounts(of store: String) async throws(ChangeRefused) -> RowCounts {
        if let known = counts[store], clock.wallNanoseconds() - known.time < Self.countPause.nanoseconds {
            return known
        }
        guard !counting.contains(store) else { throw ChangeRefused("they are being counted already; ask again") }
        counting.insert(store)
        defer { counting.remove(store) }
        let found = try await source.countRows(of: store)
        counts[store] = found
        return found
    }

    /// The picture of the system as it was at `time`, or is now.
    ///
    /// - Parameters:
    ///   - time: Nanoseconds since 1970; `nil` for now.
    ///   - window: How long a stretch is looked at, in seconds.
    /// - Returns: The parts, and what passed between them.
    public func picture(at time: Int64? = nil, window: Double = 5) async -> Picture {
        let end = time ?? timeline.latest ?? clock.wallNanoseconds()
        let span = Int64(max(1, min(3600, window)) * 1e9)
        var frames = await timeline.frames(after: end - span, to: end)
        if frames.isEmpty, time != nil {
            // Between two frames of the disk.
            frames = Array(await timeline.frames(after: end - 60_000_000_000, to: end).suffix(1))
        }
        let frame = Frame.merged(frames) ?? Frame(time: end, span: span, samples: [:])
        let maker = PictureMaker(
            facts: source.facts,
            parts: await source.parts(measured: false),
            measures: Measures(frame, timeline.series),
            calls: timeline.calls
        )
        return maker.picture(time: end, problems: time == nil ? await source.problems() : [])
    }
}
