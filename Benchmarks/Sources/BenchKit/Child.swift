public import Foundation

/// A program started for a benchmark: it ends with the benchmark, however that ends.
public final class Child {
    /// The program's process.
    public let process: Process
    /// Its process id: `setpriv` and `taskset` become the program itself.
    public var pid: Int32 { process.processIdentifier }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments; looked up on the path.
    ///   - core: Where it may run.
    ///   - output: The file that gets what it prints; nil throws it away.
    ///   - environment: Added to this process's own.
    /// - Throws: If the program cannot be started.
    public init(_ command: [String], on core: Core = .any, output: URL? = nil, environment: [String: String] = [:])
        throws
    {
        process = Self.process(for: command, on: core)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        var target = FileHandle.nullDevice
        if let output {
            _ = FileManager.default.createFile(atPath: output.path, contents: nil)
            target = try FileHandle(forWritingTo: output)
        }
        process.standardOutput = target
        process.standardError = target
        try process.run()
    }

    /// Asks the program to end and waits until it has; insists after five seconds.
    public func stop() {
        guard process.isRunning else { return }
        process.terminate()
        let deadline = Date().addingTimeInterval(5)
        while process.isRunning && Date() < deadline { usleep(5_000) }
        if process.isRunning { kill(pid, SIGKILL) }
        process.waitUntilExit()
    }

    /// Runs a program to its end and returns what it printed on both streams; empty if it cannot be started.
    public static func output(of command: [String], on core: Core = .any) -> String {
        let process = process(for: command, on: core)
        let pipe = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        guard (try? process.run()) != nil else { return "" }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    private static func process(for command: [String], on core: Core) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["setpriv", "--pdeathsig", "TERM"] + (core.list.map { ["taskset", "-c", $0] } ?? []) + command
        return process
    }

    /// CPU time this program and its children have used, in nanoseconds.
    ///
    /// The kernel's own account of each thread (`schedstat`), which has no sampling error. Threads that have ended are
    /// not in it: measure programs that keep theirs.
    public func cpuNanoseconds() -> Double { Self.family(of: pid).reduce(0) { $0 + Self.cpuNanoseconds(of: $1) } }

    /// The same of one process, without its children.
    public static func cpuNanoseconds(of pid: Int32) -> Double {
        threads(of: pid).reduce(0) { sum, thread in
            let account = (try? String(contentsOfFile: "\(thread)/schedstat", encoding: .utf8)) ?? ""
            return sum + (account.split(separator: " ").first.flatMap { Double($0) } ?? 0)
        }
    }

    /// A process, its children and theirs.
    private static func family(of pid: Int32) -> [Int32] {
        threads(of: pid).reduce(into: [pid]) { family, thread in
            let children = (try? String(contentsOfFile: "\(thread)/children", encoding: .utf8)) ?? ""
            for child in children.split(separator: " ").compactMap({ Int32($0) }) { family += Self.family(of: child) }
        }
    }

    private static func threads(of pid: Int32) -> [String] {
        let tasks = "/proc/\(pid)/task"
        return ((try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []).map { "\(tasks)/\($0)" }
    }

    /// Memory of a process, in bytes: what it has for itself and its part of what it shares (PSS); nil where there is none.
    public static func memoryBytes(of pid: Int32) -> Double? {
        guard let rollup = try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8),
            let line = rollup.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") })
        else { return nil }
        return line.split(separator: " ").compactMap { Double($0) }.first.map { $0 * 1024 }
    }
}
