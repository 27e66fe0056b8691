import ApusRuntime

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
