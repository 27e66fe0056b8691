public import ApusObserve

/// A replica, as the dashboard and `ps` show it.
public struct PartStatus: Codable, Sendable, Hashable {
    /// The part.
    public var name: String
    /// What kind of part: `edge`, `web` or `service`.
    public var kind: String
    /// Which replica.
    public var replica: Int
    /// Its process, if it has one.
    public var pid: Int32?
    /// What it is doing: `starting`, `ready`, `draining`, `stopped` or `waiting`.
    public var state: String
    /// Starts beyond the first.
    public var restarts: Int
    /// Where it listens.
    public var addresses: [String]
    /// Seconds since its process was started.
    public var upSeconds: Int
    /// Processor time of its process, in seconds, and its share of one core since the process was started.
    public var cpuSeconds: Double
    /// Share of one core since the process was started.
    public var cpuShare: Double
    /// Memory of its own and its share of what it has in common with others, in bytes.
    public var memoryBytes: Int
    /// What keeps it from being ready, and why it ended last.
    public var problems: [String]

    /// A replica from its facts.
    public init(
        name: String,
        kind: String,
        replica: Int,
        pid: Int32?,
        state: String,
        restarts: Int,
        addresses: [String],
        upSeconds: Int,
        cpuSeconds: Double,
        cpuShare: Double,
        memoryBytes: Int,
        problems: [String]
    ) {
        self.name = name
        self.kind = kind
        self.replica = replica
        self.pid = pid
        self.state = state
        self.restarts = restarts
        self.addresses = addresses
        self.upSeconds = upSeconds
        self.cpuSeconds = cpuSeconds
        self.cpuShare = cpuShare
        self.memoryBytes = memoryBytes
        self.problems = problems
    }
}

/// A block, as whoever wants to look into it needs it.
public struct BlockFact: Codable, Sendable, Hashable {
    /// The block's name.
    public var name: String
    /// Its kind, such as `store`.
    public var kind: String
    /// The engine's URL, or the folder of the embedded one.
    public var place: String
    /// A command of a stock client that works on it.
    public var stockClient: String?
    /// What is wrong with it although it serves what it can.
    public var problems: [String]

    /// A block from its facts.
    public init(name: String, kind: String, place: String, stockClient: String?, problems: [String] = []) {
        self.name = name
        self.kind = kind
        self.place = place
        self.stockClient = stockClient
        self.problems = problems
    }
}

/// A setting as documents show it; a secret's value is hidden already.
public struct SettingFact: Codable, Sendable, Hashable {
    /// Its key, `dashboard.port`.
    public var key: String
    /// Its value.
    public var value: String
    /// Where the value is from.
    public var from: String
    /// The variable that sets it.
    public var variable: String
    /// What it is for.
    public var help: String
    /// What it takes.
    public var accepted: String

    /// A setting from its facts.
    public init(key: String, value: String, from: String, variable: String, help: String, accepted: String) {
        self.key = key
        self.value = value
        self.from = from
        self.variable = variable
        self.help = help
        self.accepted = accepted
    }
}

/// What the dashboard knows of a system from the start.
public struct SystemFacts: Codable, Sendable, Hashable {
    /// The system's name.
    public var system: String
    /// What it is, in a line.
    public var summary: String
    /// The supervisor's process.
    public var pid: Int32
    /// Where clients go.
    public var url: String?
    /// The data folder.
    public var data: String
    /// What holds its data.
    public var blocks: [BlockFact]
    /// Its settings.
    public var settings: [SettingFact]
    /// Where each edge sends requests, by the edge's name.
    public var targets: [String: String]

    /// A system from its facts.
    public init(
        system: String,
        summary: String,
        pid: Int32,
        url: String?,
        data: String,
        blocks: [BlockFact],
        settings: [SettingFact],
        targets: [String: String]
    ) {
        self.system = system
        self.summary = summary
        self.pid = pid
        self.url = url
        self.data = data
        self.blocks = blocks
        self.settings = settings
        self.targets = targets
    }
}

/// What a page asks for first.
public struct DashboardFacts: Codable, Sendable, Hashable {
    /// What is known of the system, without its settings.
    public var facts: SystemFacts
    /// Whether whoever asks may change something.
    public var mayChange: Bool
    /// The first and the last time there is something to show of, in nanoseconds since 1970; empty where there is none.
    public var range: [Int64]
}

/// A span as documents show it.
public struct SpanFact: Codable, Sendable, Hashable {
    /// The trace's id, 32 digits.
    public var trace: String
    /// The span's id, 16 digits.
    public var span: String
    /// The parent's, if there is one.
    public var parent: String?
    /// What was done.
    public var name: String
    /// Who waited for whom: `server`, `client` and so on.
    public var kind: String
    /// The part and replica that recorded it.
    public var part: String
    /// When it began, in nanoseconds since 1970.
    public var began: Int64
    /// How long it took.
    public var nanoseconds: Int64
    /// Whether it failed.
    public var failed: Bool
    /// What was noted.
    public var attributes: [String: String]

    /// A span that `part` has recorded.
    public init(_ span: CollectedSpan, part: String) {
        trace = "\(TraceID(span))"
        self.span = TraceID.digits(span.spanID)
        parent = span.parentID == 0 ? nil : TraceID.digits(span.parentID)
        name = span.name
        kind = "\(span.kind)"
        self.part = part
        began = span.began
        nanoseconds = span.nanoseconds
        failed = span.failed
        attributes = Dictionary(span.attributes.map { ($0.key, $0.value) }) { _, last in last }
    }

    /// The span's name, and what is most worth saying about it.
    public var title: String {
        let path = attributes["url.path"].map { " \($0)" } ?? ""
        return name.contains("{") || name == "HTTP" ? "\(name)\(path)" : name
    }

    /// Its duration for people.
    public var shownTime: String {
        let microseconds = nanoseconds / 1000
        if microseconds < 1000 { return "\(microseconds) us" }
        return "\(microseconds / 1000).\(String(1000 + microseconds % 1000 / 10 * 10).dropFirst().prefix(2)) ms"
    }
}

/// A trace in a list.
public struct TraceSummary: Codable, Sendable, Hashable {
    /// The trace's id, 32 digits.
    public var trace: String
    /// What its root did.
    public var name: String
    /// Where it began.
    public var part: String
    /// When it began, in nanoseconds since 1970.
    public var began: Int64
    /// How long the root took.
    public var nanoseconds: Int64
    /// Whether a span of it failed.
    public var failed: Bool
    /// How many spans are known.
    public var spans: Int
    /// The parts it went through.
    public var parts: [String]
}

/// A line of the log as documents show it.
public struct LineFact: Codable, Sendable, Hashable {
    /// Counts the lines that the dashboard has seen; later lines have larger ones.
    public var number: Int
    /// When it was written, in nanoseconds since 1970.
    public var time: Int64
    /// How much it matters.
    public var level: String
    /// The part and replica that wrote it.
    public var part: String
    /// Who wrote it within the part.
    public var logger: String
    /// What happened.
    public var message: String
    /// The trace it belongs to, if any.
    public var trace: String?
    /// What was noted, in order.
    public var fields: [Field]

    /// A noted value.
    public struct Field: Codable, Sendable, Hashable {
        /// Its name.
        public var key: String
        /// Its value.
        public var value: String
    }
}
