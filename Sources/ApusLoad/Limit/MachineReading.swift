package import ApusCore
import ApusRuntime

/// What the kernel says of some processes and of the machine at one moment: sums that only grow.
package struct MachineReading: Sendable, Equatable {
    /// A thread's sums, in nanoseconds.
    package struct Thread: Sendable, Equatable {
        package var name: String
        /// On a core.
        package var ran: Int64
        /// Ready, but others had the cores.
        package var waited: Int64

        package init(name: String, ran: Int64, waited: Int64) {
            self.name = name
            self.ran = ran
            self.waited = waited
        }
    }

    /// When it was read, in nanoseconds.
    package var at: Int64
    /// How many cores there are.
    package var cores: Int
    /// Core time that was not idle, of the whole machine, in nanoseconds.
    package var busy: Int64
    /// Time in which a disk had something to do, by its name, in nanoseconds.
    package var disks: [String: Int64]
    /// Threads by process, `storefront/1`, and number.
    package var processes: [String: [Int32: Thread]]

    package init(
        at: Int64,
        cores: Int,
        busy: Int64,
        disks: [String: Int64] = [:],
        processes: [String: [Int32: Thread]]
    ) {
        self.at = at
        self.cores = cores
        self.busy = busy
        self.disks = disks
        self.processes = processes
    }

    /// Reads `/proc` for the processes of these names.
    package init(of processes: [String: Int32], at now: Instant) {
        at = now.nanoseconds
        cores = LoopGroup.coreCount
        busy = Self.busy((try? Files.readText("/proc/stat", bytesMax: 1 << 20)) ?? "")
        disks = Self.disks((try? Files.readText("/proc/diskstats", bytesMax: 1 << 20)) ?? "")
        self.processes = processes.mapValues(Self.threads)
    }

    private static func threads(_ pid: Int32) -> [Int32: Thread] {
        let folder = "/proc/\(pid)/task"
        var threads: [Int32: Thread] = [:]
        for name in (try? Files.list(folder)) ?? [] {
            guard let number = Int32(name),
                let account = try? Files.readText("\(folder)/\(name)/schedstat", bytesMax: 256),
                let title = try? Files.readText("\(folder)/\(name)/comm", bytesMax: 256),
                let thread = thread(named: title, account)
            else { continue }
            threads[number] = thread
        }
        return threads
    }

    /// `comm` and `schedstat`: nanoseconds on a core, nanoseconds ready, slices.
    static func thread(named title: String, _ account: String) -> Thread? {
        let figures = account.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
        guard figures.count >= 2 else { return nil }
        return Thread(
            name: String(title.prefix { !$0.isNewline }),
            ran: figures[0],
            waited: figures[1]
        )
    }

    /// The first line of `/proc/stat`: hundredths of seconds by what the cores did; the fourth and fifth are idle.
    static func busy(_ stat: String) -> Int64 {
        guard let line = stat.split(separator: "\n").first, line.hasPrefix("cpu ") else { return 0 }
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { Int64($0) }
        guard ticks.count == 8 else { return 0 }
        return (ticks.reduce(0, +) - ticks[3] - ticks[4]) * 10_000_000
    }

    /// `/proc/diskstats`: the 13th column is the time with something to do, in milliseconds.
    static func disks(_ stats: String) -> [String: Int64] {
        var disks: [String: Int64] = [:]
        for line in stats.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 12, !["loop", "ram", "zram"].contains(where: fields[2].hasPrefix),
                let busy = Int64(fields[12])
            else { continue }
            disks[String(fields[2])] = busy * 1_000_000
        }
        return disks
    }
}

extension Bottleneck {
    /// From which use on something counts as used up.
    static let saturated = 0.85

    /// What was busiest between two readings.
    ///
    /// A thread that was on a core, or ready for one, nearly all the time is saturated: more arrivals only make its queue
    /// longer. Where others had the cores meanwhile, the cores are what is short.
    ///
    /// - Parameters:
    ///   - before: The earlier reading.
    ///   - after: The later one.
    ///   - isGenerator: Whether the generator says that it was late itself.
    package init(from before: MachineReading, to after: MachineReading, isGenerator: Bool = false) {
        let elapsed = Double(max(1, after.at - before.at))
        var uses: [Use] = []
        var top: (process: String, name: String, ran: Double, ready: Double) = ("", "", 0, 0)
        for (process, threads) in after.processes {
            var use = Use(process: process, cores: 0, waited: 0, thread: 0)
            for (number, thread) in threads {
                let old = before.processes[process]?[number]
                let ran = Double(thread.ran - (old?.ran ?? 0)) / elapsed
                let waited = Double(thread.waited - (old?.waited ?? 0)) / elapsed
                use.cores += ran
                use.waited += waited
                use.thread = Swift.max(use.thread, ran)
                if ran + waited > top.ready { top = (process, thread.name, ran, ran + waited) }
            }
            uses.append(use)
        }
        uses.sort { ($1.cores, $0.process) < ($0.cores, $1.process) }
        let cores = Double(after.busy - before.busy) / elapsed / Double(Swift.max(1, after.cores))
        let disk = after.disks.map { (name: $0.key, share: Double($0.value - (before.disks[$0.key] ?? 0)) / elapsed) }
            .max { $0.share < $1.share }
        let heaviest = uses.first
        // All threads together waited for cores at least half as long as they had them.
        let (ran, waited) = (uses.reduce(0) { $0 + $1.cores }, uses.reduce(0) { $0 + $1.waited })
        let isCrowded = waited > 0.5 && waited >= ran / 2
        let heavy =
            heaviest.map { "\($0.process) uses \(Figures.fixed($0.cores, 2)) cores" } ?? "no process could be seen"
        if top.ran >= Self.saturated {
            self.init(
                resource: .thread,
                process: top.process,
                thread: top.name,
                share: top.ran,
                description: "thread \(top.name) of \(top.process) uses \(Figures.percent(top.ran)) of a core",
                processes: uses
            )
        } else if cores >= Self.saturated || top.ready >= 0.9 && cores >= 0.7 || isCrowded {
            self.init(
                resource: .cores,
                process: heaviest?.process ?? "",
                thread: nil,
                share: cores,
                description: "the machine's \(after.cores) cores are \(Figures.percent(cores)) busy; \(heavy)",
                processes: uses
            )
        } else if let disk, disk.share >= Self.saturated {
            self.init(
                resource: .disk,
                process: heaviest?.process ?? "",
                thread: nil,
                share: disk.share,
                description: "disk \(disk.name) is \(Figures.percent(disk.share)) busy; \(heavy)",
                processes: uses
            )
        } else if isGenerator {
            self.init(
                resource: .generator,
                process: "",
                thread: nil,
                share: 0,
                description: "the generator was late itself; \(heavy)",
                processes: uses
            )
        } else {
            self.init(
                resource: .waiting,
                process: heaviest?.process ?? "",
                thread: nil,
                share: heaviest?.thread ?? 0,
                description: "nothing is used up: something waits; \(heavy), its busiest thread "
                    + "\(Figures.percent(heaviest?.thread ?? 0)) of a core",
                processes: uses
            )
        }
    }
}
