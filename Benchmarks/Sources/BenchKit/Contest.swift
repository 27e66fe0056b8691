public import Foundation

/// A server that takes part: how to reach it and whose CPU to count.
public struct Contender {
    /// Its name in the table; the one called `apus` is compared with the others.
    public let name: String
    /// What is loaded.
    public let url: String
    /// The program whose CPU counts, with its children.
    public let child: Child
    /// The file of its access log.
    public let log: URL

    /// A server that takes part.
    public init(_ name: String, url: String, child: Child, log: URL) {
        self.name = name
        self.url = url
        self.child = child
        self.log = log
    }

    /// Makes sure that it wrote a line for each answer, less what a buffer may still hold.
    func requireLog(of answers: Double) throws {
        let bytes = (try? log.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? 0
        // The shortest line of those that take part has more than 90 bytes.
        guard Double(bytes) >= 90 * answers * 0.9 - Double(64 << 10) else {
            throw BenchError(
                "\(name) wrote \(bytes) bytes to its access log for \(Int(answers)) answers: not a fair contest"
            )
        }
    }
}

/// Loads contenders in turn, round after round, and keeps their figures.
public struct Contest {
    /// CPU microseconds a request, for each contender a figure a round.
    public private(set) var cpu: [String: [Double]] = [:]
    /// Answers a second.
    public private(set) var rate: [String: [Double]] = [:]
    /// 99th percentile of latency in microseconds.
    public private(set) var p99: [String: [Double]] = [:]
    /// Requests that failed, over all rounds.
    public private(set) var errors: [String: Double] = [:]

    /// Runs the contest.
    ///
    /// Each contender is warmed up once. The order turns with every round, so that nobody always comes after the same one.
    ///
    /// - Parameters:
    ///   - contenders: Who takes part; all run all the time, the idle ones cost nothing.
    ///   - connections: Clients of the load generator.
    ///   - options: Rounds and seconds.
    ///   - scratch: A folder for the load generator's script.
    /// - Throws: ``BenchError`` if a contender does not answer, or does not log what it answers.
    public init(_ contenders: [Contender], connections: Int, options: Options, scratch: Scratch) throws {
        for contender in contenders {
            _ = try Wrk.run(contender.url, connections: connections, seconds: 1, scratch: scratch)
        }
        var answers: [String: Double] = [:]
        for round in 0..<options.rounds {
            for turn in contenders.indices {
                let contender = contenders[(turn + round) % contenders.count]
                let before = contender.child.cpuNanoseconds()
                let run = try Wrk.run(
                    contender.url,
                    connections: connections,
                    seconds: options.seconds,
                    scratch: scratch
                )
                let used = contender.child.cpuNanoseconds() - before
                cpu[contender.name, default: []].append(used / run.requests / 1000)
                rate[contender.name, default: []].append(run.rate)
                p99[contender.name, default: []].append(run.p99)
                errors[contender.name, default: 0] += run.errors
                answers[contender.name, default: 0] += run.requests
                say(
                    "  round \(round + 1) \(contender.name): \(used / run.requests / 1000) us/request, \(Int(run.rate))/s"
                )
            }
        }
        for contender in contenders { try contender.requireLog(of: answers[contender.name] ?? 0) }
    }

    /// Three rows: CPU with its bar, rate and p99 reported only.
    public func rows(_ name: String, bar: Double) -> [Row] {
        func row(_ metric: String, _ unit: String, _ better: Row.Better, _ figures: [String: [Double]], _ bar: Double?)
            -> Row
        {
            var peers = figures
            let own = peers.removeValue(forKey: "apus") ?? []
            return Row(name, metric: metric, unit: unit, better: better, apus: own, peers: peers, bar: bar)
        }
        return [
            row("cpu", "us/request", .lower, cpu, bar),
            row("rate", "requests/s", .higher, rate, nil),
            row("p99", "us", .lower, p99, nil),
        ]
    }

    /// A note for each contender that failed requests.
    public func failures(_ name: String) -> [String] {
        errors.filter { $0.value > 0 }.map { "\(name): \($0.key) failed \(Int($0.value)) requests" }.sorted()
    }
}
