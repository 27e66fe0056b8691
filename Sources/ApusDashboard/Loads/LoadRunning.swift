public import ApusCore
public import ApusLoad

/// Runs loads on the system that a dashboard shows; asked on the dashboard's loop.
///
/// One run at a time, which ends with the system at the latest.
public protocol LoadRunning: Sendable {
    /// What the system can be loaded with.
    var scenarios: [ScenarioFact] { get }
    /// The run that is under way, or was last; `nil` before the first.
    var status: LoadStatus? { get }
    /// Starts a run.
    ///
    /// - Throws: ``ChangeRefused`` while another one is under way, or where it cannot be started.
    func start(_ question: LoadQuestion) throws(ChangeRefused)
    /// Has the run end early; what it has measured is kept.
    ///
    /// - Throws: ``ChangeRefused`` where none is under way.
    func stop() throws(ChangeRefused)
}

/// A scenario that a system declares, as documents show it.
public struct ScenarioFact: Codable, Sendable, Hashable {
    /// What the command line calls it.
    public var name: String
    /// What it is, in a line.
    public var summary: String
    /// Arrivals a second unless said otherwise.
    public var rate: Double
    /// How long unless said otherwise, in seconds.
    public var seconds: Double

    /// A scenario's facts.
    public init(_ scenario: Scenario) {
        name = scenario.name
        summary = scenario.summary
        rate = scenario.rate
        seconds = scenario.duration.seconds
    }
}

/// What a run is started with, checked.
public struct LoadQuestion: Sendable, Hashable {
    /// Longest run, in seconds: two hours.
    public static let secondsMax = 7200.0
    /// Most arrivals a second.
    public static let rateMax = 1_000_000.0

    /// The scenario's name.
    public var scenario: String
    /// Arrivals a second; of a shape the highest, of a search for the limit the first.
    public var rate: Double
    /// How long, as the command line takes it, such as `30s`.
    public var duration: String
    /// The shape of the arrivals, as the command line takes it.
    public var shape: String
    /// What a search for the limit looks for; empty for a run at a rate.
    public var limit: [String]
    /// What the run must keep to.
    public var requirements: [String]
    /// How long arrivals come, in seconds; `nil` of a search, which takes as long as it needs.
    public var seconds: Double?

    /// Checks what was asked for.
    ///
    /// - Throws: `ConfigurationError` that names the field and what it takes.
    public init(
        scenario: ScenarioFact,
        rate: Double? = nil,
        duration: String? = nil,
        shape: String? = nil,
        limit: [String] = [],
        requirements: [String] = []
    ) throws(ConfigurationError) {
        self.scenario = scenario.name
        self.rate = rate ?? scenario.rate
        self.shape = shape ?? "constant"
        self.limit = limit
        self.requirements = requirements
        self.duration = duration ?? (self.shape == "soak" ? "30m" : "\(scenario.seconds)s")
        guard self.rate.isFinite, self.rate >= 0.001, self.rate <= Self.rateMax else {
            throw ConfigurationError(field: "rate", value: "\(self.rate)", accepted: "0.001 to \(Self.rateMax)")
        }
        guard let length = Duration(text: self.duration), length > .zero else {
            throw ConfigurationError(field: "duration", value: self.duration, accepted: "a time such as 30s, 5m, 1h")
        }
        for text in limit + requirements { _ = try Threshold(text: text) }
        guard limit.isEmpty else { return }
        let seconds = try LoadShape(text: self.shape, rate: self.rate, duration: length).duration.seconds
        guard seconds <= Self.secondsMax else {
            throw ConfigurationError(field: "duration", value: self.duration, accepted: "at most 2h")
        }
        self.seconds = seconds
    }

    /// The question in words.
    public var words: String {
        limit.isEmpty
            ? "\(shape), \(Figures.short(rate)) arrivals a second, \(duration)"
            : "looking for the limit that keeps \(limit.joined(separator: ", "))"
    }
}

/// A run as it goes, or how it ended.
public struct LoadStatus: Codable, Sendable, Hashable {
    /// Where a run is.
    public enum State: String, Codable, Sendable, Hashable {
        /// The generator starts, and gets what its visitors need.
        case preparing
        /// Load is given.
        case running
        /// It was told to stop, and finishes what is under way.
        case ending
        /// It came to its end and left a result.
        case done
        /// It was stopped; what it had measured until then is its result.
        case stopped
        /// It left no result.
        case failed

        /// Whether another one has to wait for it.
        public var isUnderWay: Bool { [.preparing, .running, .ending].contains(self) }
    }

    /// Most samples and lines that are kept of a run.
    public static let samplesMax = 7800
    /// Most lines of what it says that are kept.
    public static let linesMax = 20

    /// Counts the runs since the system was started.
    public var number: Int
    /// Another one each time something is new.
    public var revision = 0
    /// The scenario's name.
    public var scenario: String
    /// What was asked for, in words.
    public var asked: String
    /// How it is driven, in its own words; `nil` while it is being prepared.
    public var driver: String?
    /// Whether it looks for the limit.
    public var isLimit: Bool
    /// Where it is.
    public var state: State
    /// When it was started, in nanoseconds since 1970.
    public var began: Int64
    /// How long arrivals come, in seconds.
    public var seconds: Double?
    /// Second by second.
    public var samples: [LoadReport.Sample] = []
    /// The number of the first sample in ``samples``: a page that has those before is not told them again.
    public var samplesFrom = 0
    /// What a search for the limit tried.
    public var steps: [LimitFinding.Step] = []
    /// What it said last.
    public var lines: [String] = []
    /// The name of its result among the results.
    public var result: String?
    /// Why it failed.
    public var problem: String?

    /// A run that has just been started.
    public init(number: Int, _ question: LoadQuestion, began: Int64) {
        self.number = number
        scenario = question.scenario
        asked = question.words
        isLimit = !question.limit.isEmpty
        state = .preparing
        self.began = began
        seconds = question.seconds
    }

    /// Adds what it says, within the bound.
    public mutating func add(line: String) {
        lines.append(line)
        if lines.count > Self.linesMax { lines.removeFirst(lines.count - Self.linesMax) }
    }

    /// Adds what went on in a second, within the bound.
    public mutating func add(sample: LoadReport.Sample) {
        if samples.count < Self.samplesMax { samples.append(sample) }
    }

    /// The same without the first `count` samples.
    func after(_ count: Int) -> LoadStatus {
        var status = self
        status.samplesFrom = min(max(0, count), samples.count)
        status.samples = Array(samples.dropFirst(status.samplesFrom))
        return status
    }
}
