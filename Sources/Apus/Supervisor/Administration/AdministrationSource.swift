import ApusCore
import ApusRuntime

/// What the administration shows and changes: a supervisor with its processes, or one process that is all of them.
protocol AdministrationSource: Sendable {
    var facts: AdministrationFacts { get }
    /// Whether all parts serve; what is wrong otherwise.
    func problems() async -> [String]
    func parts() async -> [PartStatus]
    /// The spans of a trace, or the latest roots, from every process.
    func spans(_ trace: TraceID?) async -> [SpanFact]
    /// What every process measures, as one text.
    func metrics() async -> String
    /// Restarts, stops or starts a replica, or all of a part.
    ///
    /// - Throws: ``StartFailure`` where it cannot be done.
    func change(_ change: PartChange, of name: String, replica: Int?) async throws(StartFailure)
    /// Drains the whole system, and then ends.
    func end()
}

/// What the administration knows from the start.
struct AdministrationFacts: Sendable {
    var system: String
    var summary: String
    var pid: Int32
    var url: String?
    var data: String
    var blocks: [ReadyReport.BlockFact]
    var configuration: Configuration
}

/// What can be done to a replica.
enum PartChange: String, Sendable, CaseIterable {
    case start, stop, restart
}

/// A replica, as `ps` and the page show it.
struct PartStatus: Codable, Sendable, Hashable {
    var name: String
    var kind: String
    var replica: Int
    var pid: Int32?
    var state: String
    var restarts: Int
    var addresses: [String]
    /// Seconds since its process was started.
    var upSeconds: Int
    /// Processor time of its process, in seconds, and its share of one core since the process was started.
    var cpuSeconds: Double
    var cpuShare: Double
    /// Memory of its own and its share of what it has in common with others, in bytes.
    var memoryBytes: Int
    var problems: [String]
}

/// What the kernel says of a process of this user.
struct ProcessUsage: Sendable, Equatable {
    var cpuSeconds: Double
    /// Proportional set size, in bytes.
    var memoryBytes: Int

    init(pid: Int32) {
        cpuSeconds = Self.cpu((try? Files.readText("/proc/\(pid)/stat", bytesMax: 4096)) ?? "")
        memoryBytes = Self.pss((try? Files.readText("/proc/\(pid)/smaps_rollup", bytesMax: 8192)) ?? "")
    }

    /// User and system time; the name, which may hold anything, ends at the last bracket.
    static func cpu(_ stat: String) -> Double {
        guard let bracket = stat.lastIndex(of: ")") else { return 0 }
        let fields = stat[stat.index(after: bracket)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / 100
    }

    static func pss(_ rollup: String) -> Int {
        for line in rollup.split(separator: "\n") where line.hasPrefix("Pss:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 } ?? 0
        }
        return 0
    }
}
