import Foundation

/// Where a benchmark ran, and with which versions.
public struct Machine: Codable, Sendable {
    /// The processor as the kernel names it.
    public var cpu: String
    /// Cores this process may use.
    public var cores: Int
    /// The kernel's release.
    public var kernel: String
    /// Memory in MiB.
    public var memoryMiB: Int
    /// The first line each peer prints about its version, and the compiler's.
    public var versions: [String: String]

    /// Looks at this machine.
    ///
    /// - Parameter peers: The commands that print a version.
    public init(peers: [String: [String]] = [:]) {
        let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = info.split(separator: "\n").first { $0.hasPrefix("model name") }
        cpu = model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
        cores = ProcessInfo.processInfo.activeProcessorCount
        kernel =
            (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
        memoryMiB = Int(ProcessInfo.processInfo.physicalMemory >> 20)
        versions = peers.merging(["swift": ["swift", "--version"]]) { peer, _ in peer }.compactMapValues { command in
            Child.output(of: command).split(separator: "\n").first.map(String.init)
        }
    }

    /// One line for the head of a table.
    public var summary: String {
        let named = versions.sorted { $0.key < $1.key }.map { $0.value.trimmingCharacters(in: .whitespaces) }
        return "\(cpu), \(cores) cores, kernel \(kernel); \(named.joined(separator: "; "))"
    }
}

/// Which core whom: the server under test has one of its own, everything else shares the rest.
public enum Core: Sendable {
    /// The core of the contender that is being measured.
    case server
    /// The cores of load generator and backends.
    case others
    /// Wherever the kernel likes.
    case any

    /// The list for `taskset -c`, or nil where there is only one core to give.
    var list: String? {
        let count = ProcessInfo.processInfo.activeProcessorCount
        guard count > 1 else { return nil }
        switch self {
        case .server: return "0"
        case .others: return count == 2 ? "1" : "1-\(count - 1)"
        case .any: return nil
        }
    }
}
