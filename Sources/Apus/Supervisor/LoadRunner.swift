import ApusCore
import ApusDashboard
import ApusLoad
import ApusRuntime
import Glibc

/// Runs `load` of this program as a child process for whoever asks over the dashboard: one run at a time.
///
/// The child has a process group of its own and dies with this process. Its time is bounded: a run that does not end is
/// told to, and then killed. What it measures comes as a line of JSON a second; its result is a file in `loads/` of the data
/// folder, of which the newest ``resultsMax`` of its own making are kept.
//
// `@unchecked Sendable` is sound because its state is touched on its loop alone.
final class LoadRunner: LoadRunning, @unchecked Sendable {
    /// Most results that are kept of those it made.
    static let resultsMax = 100
    /// How long a run may take to prepare and to end, beyond the time that arrivals come.
    static let slack: Duration = .seconds(180)
    /// How long a search for the limit may take.
    static let searchLimit: Duration = .seconds(1800)
    /// How long a run that was told to end may take to write what it measured.
    static let endLimit: Duration = .seconds(15)
    private static let lineBytesMax = 1 << 20

    let scenarios: [ScenarioFact]
    private(set) var status: LoadStatus?
    private let start: UpStart
    private let loop: EventLoop
    private let folder: String
    private var child: ChildProcess?
    private var wasStopped = false
    private let clock = SystemClock()

    /// Only on the loop's own thread.
    init(start: UpStart, on loop: EventLoop) {
        self.start = start
        self.loop = loop
        folder = "\(start.folder.path)/loads"
        scenarios = start.invocation.loads().map(ScenarioFact.init)
    }

    // MARK: What is asked

    func start(_ question: LoadQuestion) throws(ChangeRefused) {
        guard child == nil else { throw ChangeRefused("a load is under way; stop it, or wait for its end") }
        var status = LoadStatus(number: (status?.number ?? 0) + 1, question, began: clock.wallNanoseconds())
        status.revision = (self.status?.revision ?? 0) + 1
        let name = "\(question.scenario)-\(Self.stamp(status.began)).json"
        do {
            try Files.makeFolder(folder)
            try begin(question, result: name)
        } catch {
            throw ChangeRefused("\(StartFailure(wrapping: error, doing: "the load"))")
        }
        wasStopped = false
        self.status = status
    }

    func stop() throws(ChangeRefused) {
        guard let child else { throw ChangeRefused("no load is under way") }
        wasStopped = true
        change { $0.state = .ending }
        child.signal(SIGTERM)
        let timer = loop.schedule(at: loop.preciseNow() + Self.endLimit) { child.signal(SIGKILL) }
        Task(executorPreference: loop) { [loop] in
            _ = await child.wait()
            loop.cancel(timer)
        }
    }

    /// Ends what is under way, and returns when it has ended.
    func end() async {
        guard let child else { return }
        try? stop()
        _ = await child.wait()
    }

    // MARK: The child

    /// The command line of a run.
    static func words(_ question: LoadQuestion, data: String, result: String) -> [String] {
        var words = ["load", question.scenario, "--json", "--follow", "--rate=\(question.rate)"]
        words += ["--data=\(data)", "--save=\(result)"]
        if question.limit.isEmpty { words += ["--shape=\(question.shape)", "--duration=\(question.duration)"] }
        words += question.limit.map { "--find-limit=\($0)" } + question.requirements.map { "--require=\($0)" }
        return words
    }

    private func begin(_ question: LoadQuestion, result: String) throws {
        let output = try SocketPair.make(theirsBlocks: true)
        var opened = [output.theirs]
        defer { for descriptor in opened { close(descriptor) } }
        let errors: (mine: Int32, theirs: Int32)
        let process: ChildProcess
        do {
            errors = try SocketPair.make(theirsBlocks: true)
            opened.append(errors.theirs)
        } catch {
            close(output.mine)
            throw error
        }
        do {
            let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard null >= 0 else { throw SystemError("open /dev/null") }
            opened.append(null)
            process = try ChildProcess(
                path: Program.path,
                arguments: Self.words(question, data: start.folder.path, result: "\(folder)/\(result)"),
                environment: environment,
                descriptors: [null, output.theirs, errors.theirs],
                on: loop
            )
        } catch {
            close(output.mine)
            close(errors.mine)
            throw error
        }
        child = process
        let documents = try Channel(adopting: output.mine, on: loop)
        let words = try Channel(adopting: errors.mine, on: loop)
        let limit = question.seconds.map { Duration.nanoseconds(Int64($0 * 1e9)) + Self.slack } ?? Self.searchLimit
        Task(executorPreference: loop) { [self] in await follow(process, documents, words, result, within: limit) }
    }

    /// The settings that were given to this program as flags are the environment of the child: `load` takes no settings.
    private var environment: [String: String] {
        var all = start.invocation.environment
        for declaration in start.platform.declarations + start.invocation.declared.settings {
            if let value = start.invocation.arguments.settings[declaration.flag] { all[declaration.variable] = value }
        }
        return all
    }

    private func follow(
        _ process: ChildProcess,
        _ documents: Channel,
        _ words: Channel,
        _ result: String,
        within limit: Duration
    ) async {
        let timer = loop.schedule(at: loop.preciseNow() + limit) { [self] in try? stop() }
        let reading = [
            Task(executorPreference: loop) { [self] in
                await LineFeed.run(documents, lineBytesMax: Self.lineBytesMax) { heard($0) }
            },
            Task(executorPreference: loop) { [self] in
                await LineFeed.run(words, lineBytesMax: 4096) { line in change { $0.add(line: line) } }
            },
        ]
        let exit = await process.wait()
        for task in reading { await task.value }
        loop.cancel(timer)
        child = nil
        let isThere = Files.status("\(folder)/\(result)") != nil
        change { status in
            status.result = isThere ? result : nil
            status.state = !isThere ? .failed : wasStopped ? .stopped : .done
            if !isThere { status.problem = "the generator ended with \(exit): \(status.lines.last ?? "")" }
        }
        sweep()
    }

    private func heard(_ line: String) {
        guard let event = try? JSONDocument.decode(LoadEvent.self, from: line.utf8) else { return }
        change { status in
            if let began = event.began {
                status.driver = began.driver
                if status.state == .preparing { status.state = .running }
            }
            if let sample = event.sample { status.add(sample: sample) }
            if let step = event.step { status.steps.append(step) }
        }
    }

    private func change(_ body: (inout LoadStatus) -> Void) {
        guard var changed = status else { return }
        body(&changed)
        changed.revision += 1
        status = changed
    }

    // MARK: Results

    /// Removes the oldest results of its own making beyond the bound.
    private func sweep() {
        let own = ((try? Files.list(folder)) ?? []).filter(isOwn)
        let aged = own.compactMap { name in Files.status("\(folder)/\(name)").map { (name, $0.modified) } }
        for (name, _) in aged.sorted(by: { $0.1 > $1.1 }).dropFirst(Self.resultsMax) {
            try? Files.remove("\(folder)/\(name)")
        }
    }

    /// Whether a name is one that it gives: a scenario and a time.
    private func isOwn(_ name: String) -> Bool {
        guard name.hasSuffix(".json") else { return false }
        let parts = name.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, let clock = parts.last, let day = parts.dropLast().last else { return false }
        return clock.count == 6 && day.count == 8 && (clock + day).allSatisfy(\.isNumber)
            && scenarios.contains { $0.name == parts.dropLast(2).joined(separator: "-") }
    }

    /// A time as part of a file's name: `20261124-174012`, in UTC.
    static func stamp(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = "\(parts.tm_year + 1900)" + digits(parts.tm_mon + 1) + digits(parts.tm_mday)
        return day + "-" + digits(parts.tm_hour) + digits(parts.tm_min) + digits(parts.tm_sec)
    }
}
