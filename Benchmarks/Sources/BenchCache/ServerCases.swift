import Apus
import ApusCache
import ApusRuntime
import BenchKit
import Foundation

/// What a command costs the embedded cache server, beside redis-server with a bound on its memory and no saving.
///
/// Each server has a core of its own and the load generator, redis-benchmark, the other one; they are loaded in turn with the
/// same number of commands, on the same hundred thousand keys. Lives, eviction and statistics are on in both.
enum ServerCases {
    private struct Case {
        var name: String
        /// What redis-benchmark calls the command.
        var command: String
        var pipelined: Int
        var bar: Double
        /// Commands in three seconds, about.
        var commands: Int
    }

    private static let bars: [(command: String, deep: Double, shallow: Double)] = [
        ("get", 1.5, 1.1), ("set", 1.5, 1.1), ("incr", 1.5, 1.1), ("hset", 1, 1), ("lpush", 1, 1), ("zadd", 1, 1),
    ]
    private static let cases = bars.flatMap { command, deep, shallow in
        [
            Case(name: "\(command)-P1", command: command, pipelined: 1, bar: shallow, commands: 240_000),
            Case(name: "\(command)-P16", command: command, pipelined: 16, bar: deep, commands: 1_600_000),
        ]
    }

    /// How redis-server's version is printed.
    static let version = ["redis-server", "--version"]
    private static let keys = "100000"
    private static let memory = "256mb"

    /// The server that is measured, in a process of its own: this program, started again.
    static func serve(port: UInt16) -> Never {
        Program.run(loopCount: 1) { group in
            do {
                try await CacheServer().run(at: .loopback(port: port), on: group.loops[0])
                return 0
            } catch {
                StandardStreams.writeError("bench: \(error)\n")
                return 1
            }
        }
    }

    static func rows(_ options: Options, _ scratch: Scratch) throws -> [BenchKit.Row] {
        let wanted = cases.filter { options.wants($0.name) }
        guard !wanted.isEmpty else { return [] }
        let apus = try Server("apus", [Program.path, "server"])
        defer { apus.child.stop() }
        let redis = try Server(
            "redis",
            [
                "redis-server", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory", memory,
                "--maxmemory-policy", "allkeys-lru", "--dir", scratch.url.path, "--port",
            ]
        )
        defer { redis.child.stop() }
        return try wanted.flatMap { try measure($0, apus, redis, options) }
    }

    private struct Server {
        let child: Child
        let port: Int

        init(_ name: String, _ command: [String]) throws {
            port = try freePort()
            child = try Child(command + ["\(port)"], on: .server)
            try waitForPort(port, of: child, named: name)
        }

        /// Loads the server; commands a second.
        @discardableResult
        func load(_ command: String, pipelined: Int, commands: Int) throws -> Double {
            let report = Child.output(
                of: [
                    "redis-benchmark", "-p", "\(port)", "-t", command, "-P", "\(pipelined)", "-n", "\(commands)", "-r",
                    keys, "-c", "50", "--csv",
                ],
                on: .others
            )
            // "SET","203665.98","0.125",...
            let line = report.split(separator: "\n").last { $0.lowercased().hasPrefix("\"\(command)") }
            let figures = line?.split(separator: ",").dropFirst().first?.filter { $0 != "\"" }
            guard let rate = figures.flatMap({ Double($0) }), rate > 0 else {
                throw BenchError("redis-benchmark says of \(command): \(report)")
            }
            return rate
        }
    }

    private static func measure(_ one: Case, _ apus: Server, _ redis: Server, _ options: Options) throws
        -> [BenchKit.Row]
    {
        say(one.name)
        let commands = Int(Double(one.commands) * options.seconds / 3)
        var cpu: [[Double]] = [[], []]
        var rate: [[Double]] = [[], []]
        for round in 0..<options.rounds {
            for turn in 0...1 {
                let which = (round + turn) % 2
                let server = which == 0 ? apus : redis
                _ = Child.output(of: ["redis-cli", "-p", "\(server.port)", "flushall"], on: .others)
                // What is asked for is there, and what is counted has begun.
                try server.load(one.command == "get" ? "set" : one.command, pipelined: 16, commands: 400_000)
                let before = server.child.cpuNanoseconds()
                let reached = try server.load(one.command, pipelined: one.pipelined, commands: commands)
                cpu[which].append((server.child.cpuNanoseconds() - before) / Double(commands))
                rate[which].append(reached)
            }
        }
        return [
            BenchKit.Row(
                one.name,
                metric: "cpu",
                unit: "ns/command",
                better: .lower,
                apus: cpu[0],
                peers: ["redis": cpu[1]],
                bar: one.bar
            ),
            BenchKit.Row(
                one.name,
                metric: "rate",
                unit: "commands/s",
                better: .higher,
                apus: rate[0],
                peers: ["redis": rate[1]],
                bar: 1
            ),
        ]
    }
}
