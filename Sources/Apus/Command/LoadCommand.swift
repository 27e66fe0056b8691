import ApusCore
import ApusHTTP
import ApusLoad
import ApusRuntime
import Glibc

/// `load`: loads a system, or any server, and says what it carries.
enum LoadCommand {
    static func run(_ invocation: Invocation) throws -> Never {
        let options = try LoadOptions(invocation)
        if invocation.arguments.has("list") {
            StandardStreams.write(list(invocation.loads()))
            exit(0)
        }
        // Before any other thread is started: a signal that some thread does not block would end the process there.
        let signals = try Signals.block([SIGINT, SIGTERM])
        Program.run(loopCount: options.loops) { group in
            let loop = group.loops[0]
            let work = Task(executorPreference: loop) {
                await LoadSession(invocation: invocation, options: options, group: group).run()
            }
            let stopping = Task(executorPreference: loop) {
                let count = Lock(0)
                try? await signals.run(on: loop) { number in
                    let isSecond = count.withLock { count in
                        count += 1
                        return count > 1
                    }
                    if isSecond { exit(128 + number) }
                    SystemProgram.complain("ending; once more ends at once")
                    work.cancel()
                }
            }
            let code = await work.value
            stopping.cancel()
            return code
        }
    }

    private static func list(_ scenarios: [Scenario]) -> String {
        if scenarios.isEmpty { return "this system declares no load; name a URL with --url\n" }
        return TextTable(
            ["SCENARIO", "RATE", "DURATION", "WHAT"],
            scenarios.map { ["\($0.name)", "\(Figures.short($0.rate))/s", $0.duration.shown, $0.summary] }
        ).text
    }
}

/// What `load` was asked to do.
struct LoadOptions: Sendable {
    let scenario: String?
    let url: String?
    let allowsRemote: Bool
    let rate: Double?
    let duration: Duration?
    let shape: String
    let isRandom: Bool
    let clients: Int?
    let warmUp: Duration?
    let timeLimit: Duration
    let underWayMax: Int
    let seed: UInt64
    let think: Double
    let loops: Int
    let requirements: [Threshold]
    let limit: [Threshold]
    let isJSON: Bool
    /// Whether a program reads the run as it goes.
    let follows: Bool
    let page: String?
    let saved: String?
    let compared: String?

    init(_ invocation: Invocation) throws {
        let arguments = invocation.arguments
        func number(_ name: String, from least: Double) throws(UsageError) -> Double? {
            guard let text = arguments.value(name) else { return nil }
            guard let value = Double(text), value.isFinite, value >= least, value <= 1e9 else {
                throw UsageError("--\(name) takes a number from \(Figures.short(least)), not \"\(text)\"")
            }
            return value
        }
        func duration(_ name: String, zero: Bool = false) throws(UsageError) -> Duration? {
            guard let text = arguments.value(name) else { return nil }
            guard let value = Duration(text: text), zero || value > .zero else {
                throw UsageError("--\(name) takes a time such as 500ms, 30s, 5m, not \"\(text)\"")
            }
            return value
        }
        func thresholds(_ name: String) throws(UsageError) -> [Threshold] {
            var all: [Threshold] = []
            for text in arguments.options[name] ?? [] {
                do { all.append(try Threshold(text: text)) } catch {
                    throw UsageError("--\(name) takes \(error.accepted), not \"\(text)\"")
                }
            }
            return all
        }
        scenario = arguments.operands.first
        url = arguments.value("url")
        allowsRemote = arguments.has("allow-remote")
        rate = try number("rate", from: 0.001)
        self.duration = try duration("duration")
        shape = arguments.value("shape") ?? "constant"
        let arrivals = arguments.value("arrivals") ?? "random"
        guard ["random", "even"].contains(arrivals) else {
            throw UsageError("--arrivals takes random or even, not \"\(arrivals)\"")
        }
        isRandom = arrivals == "random"
        clients = try number("closed", from: 1).map { Int($0) }
        warmUp = try duration("warm-up", zero: true)
        timeLimit = try duration("time-limit") ?? .seconds(10)
        underWayMax = Int(try number("under-way", from: 1) ?? 10_000)
        seed = UInt64(try number("seed", from: 0) ?? 1)
        think = try number("think", from: 0) ?? 1
        loops = Int(try number("loops", from: 1) ?? Double(LoopGroup.coreCount))
        requirements = try thresholds("require")
        limit = try thresholds("find-limit")
        isJSON = arguments.has("json")
        follows = arguments.has("follow")
        page = arguments.value("report")
        saved = arguments.value("save")
        compared = arguments.value("compare")
        if clients != nil, !limit.isEmpty {
            throw UsageError("a limit is looked for in an open loop, without --closed")
        }
        if follows, !isJSON { throw UsageError("--follow takes --json; people see the run as it goes without") }
        guard loops <= 256 else { throw UsageError("--loops takes at most 256") }
    }

    /// The arrivals of one run.
    func driver(rate: Double, duration: Duration?) throws(UsageError) -> LoadPlan.Driver {
        if let clients { return .closed(clients: clients, duration ?? .seconds(30)) }
        do {
            let shape = try LoadShape(text: shape, rate: rate, duration: duration)
            return .open(isRandom ? .poisson(shape) : .even(shape))
        } catch {
            throw UsageError("--shape takes \(error.accepted), not \"\(self.shape)\"")
        }
    }

    func plan(_ driver: LoadPlan.Driver, warmUp: Duration) -> LoadPlan {
        var plan = LoadPlan(driver)
        plan.warmUp = self.warmUp ?? warmUp
        plan.timeLimit = timeLimit
        plan.underWayMax = underWayMax
        plan.seed = seed
        plan.thinkFactor = think
        // Beside a promise of 50 ms, lag of less than 5 ms is none.
        let promises = (requirements + limit).filter { ![.errors, .rate].contains($0.measure) }.map(\.bound)
        if let tightest = promises.min() { plan.lagMax = max(plan.lagMax, .nanoseconds(Int64(tightest * 1e8))) }
        return plan
    }
}
