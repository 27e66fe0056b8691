import ApusHTTP
import ApusLoad
import ApusObserve
import ApusRuntime

/// The results of load runs: documents in a folder, each with what is worth a glance.
//
// `@unchecked Sendable` is sound because its state is touched on the dashboard's loop alone; what is read from the disk is
// handed over as values.
final class LoadResults: @unchecked Sendable {
    /// Largest result that is shown, in bytes.
    static let bytesMax = 16 << 20

    private let folder: String?
    private let pool: BlockingPool
    /// What was read of each file, with when it was written.
    private var known: [String: (time: Int64, summary: LoadSummary?)] = [:]

    init(folder: String?, pool: BlockingPool) {
        self.folder = folder
        self.pool = pool
    }

    /// The results, the newest first.
    func list() async -> [LoadFact] {
        guard let folder else { return [] }
        let known = known
        let found = try? await pool.run {
            LoadFact.list(folder).map { fact in
                var fact = fact
                if let old = known[fact.name], old.time == fact.time {
                    fact.summary = old.summary
                } else {
                    fact.summary = Self.report(fact.name, in: folder).map(LoadSummary.init)
                }
                return fact
            }
        }
        self.known = Dictionary((found ?? []).map { ($0.name, ($0.time, $0.summary)) }) { first, _ in first }
        return found ?? []
    }

    /// The document of a result; `nil` where there is none of that name.
    func document(_ name: String) async -> [UInt8]? {
        guard let folder else { return nil }
        return try? await pool.run { LoadFact.read(name, in: folder, bytesMax: Self.bytesMax) }
    }

    /// A result as a report; `nil` where it is none.
    func report(_ name: String) async -> LoadReport? {
        guard let folder else { return nil }
        return try? await pool.run { Self.report(name, in: folder) }
    }

    private static func report(_ name: String, in folder: String) -> LoadReport? {
        guard let bytes = LoadFact.read(name, in: folder, bytesMax: bytesMax) else { return nil }
        return try? bytes.withUnsafeBytes { try JSONBody().decode(LoadReport.self, from: $0) }
    }
}

/// A result of a load run in the folder of results.
public struct LoadFact: Codable, Sendable, Hashable {
    /// The file's name.
    public var name: String
    /// When it was written, in nanoseconds since 1970.
    public var time: Int64
    /// Its size.
    public var bytes: Int64
    /// What it says; `nil` of a document that is no report.
    public var summary: LoadSummary?

    /// Most results listed.
    static let most = 200

    /// The results in `folder`, the newest first.
    static func list(_ folder: String) -> [LoadFact] {
        let names = ((try? Files.list(folder)) ?? []).filter { $0.hasSuffix(".json") }
        let found = names.compactMap { name in
            Files.status("\(folder)/\(name)").flatMap { status in
                status.isFile ? LoadFact(name: name, time: status.modified, bytes: status.size) : nil
            }
        }
        return Array(found.sorted { ($0.time, $0.name) > ($1.time, $1.name) }.prefix(most))
    }

    /// The document of a result; `nil` where there is none of that name in the folder itself.
    static func read(_ name: String, in folder: String, bytesMax: Int) -> [UInt8]? {
        guard name.hasSuffix(".json"), let opened = try? FileFolder(folder).open([name]), case .file = opened else {
            return nil
        }
        return try? Files.read("\(folder)/\(name)", bytesMax: bytesMax)
    }
}

/// What is worth a glance of a report.
public struct LoadSummary: Codable, Sendable, Hashable {
    /// The scenario's name.
    public var scenario: String
    /// How it was driven, in words.
    public var driver: String
    /// When it began, in seconds since 1970.
    public var began: Double
    /// Answers a second.
    public var rate: Double
    /// Half took at most this long, in seconds.
    public var p50: Double
    /// 99 of 100 took at most this long, in seconds.
    public var p99: Double
    /// The share that failed.
    public var errors: Double
    /// Whether the figures can be trusted.
    public var isValid: Bool
    /// Whether all that was asked for was kept.
    public var holds: Bool
    /// The highest rate that a search found.
    public var knee: Double?

    init(_ report: LoadReport) {
        scenario = report.scenario
        driver = report.driver
        began = report.began
        rate = report.all.rate
        p50 = report.all.latency.p50
        p99 = report.all.latency.p99
        errors = report.all.errors
        isValid = report.isValid
        holds = report.holds
        knee = report.limit?.knee
    }
}

/// Two results side by side, as a document.
public struct LoadComparison: Codable, Sendable, Hashable {
    /// One measure of both.
    public struct Row: Codable, Sendable, Hashable {
        /// The kind of request, or `all`.
        public var kind: String
        /// What was measured.
        public var measure: String
        /// In the older one: seconds, a share, or answers a second.
        public var old: Double
        /// In the newer one.
        public var new: Double
        /// The change as a share of the old value.
        public var change: Double?
        /// `better`, `worse` or `same`; `nil` where the runs do not say how much they vary in themselves.
        public var verdict: String?
    }

    /// The measures: those of all requests first.
    public var rows: [Row]
    /// What makes the runs hard to compare.
    public var cautions: [String]

    init(_ comparison: Comparison) {
        cautions = comparison.cautions
        rows = comparison.rows.map { row in
            Row(
                kind: row.kind,
                measure: row.measure.rawValue,
                old: row.old,
                new: row.new,
                change: row.change,
                verdict: row.verdict?.rawValue
            )
        }
    }
}
