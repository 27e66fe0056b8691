import ApusCore
import ApusHTTP
import ApusLoad
import ApusRuntime
import BenchKit
import Foundation

/// The generator that is measured: one loop, in a process of its own.
enum ApusGenerator {
    /// A closed loop, as wrk and hey have it.
    ///
    /// - Returns: Answers.
    /// - Throws: ``BenchError`` where one failed.
    static func closed(_ url: String, connections: Int, seconds: Double) throws -> Double {
        try start(["generate", url, "closed", "\(connections)", "\(seconds)"])
    }

    /// An open loop with arrivals at random.
    ///
    /// - Returns: Answers.
    /// - Throws: ``BenchError`` where one failed.
    static func open(_ url: String, rate: Double, seconds: Double) throws -> Double {
        try start(["generate", url, "open", "\(rate)", "\(seconds)"])
    }

    private static func start(_ arguments: [String]) throws -> Double {
        let output = Child.output(of: ["/proc/\(getpid())/exe"] + arguments, on: .others)
        let words = output.split(whereSeparator: \.isWhitespace)
        guard words.count == 3, words[0] == "APUS", let requests = Double(words[1]), words[2] == "0" else {
            throw BenchError("the generator failed: \(output)")
        }
        return requests
    }

    /// The process: prints how many requests were answered, and how many failed.
    static func run(_ words: [String]) -> Never {
        Program.run(loopCount: 1) { group in
            do {
                guard words.count == 4, let figure = Double(words[2]), let seconds = Double(words[3]) else {
                    throw BenchError("generate URL open|closed N SECONDS")
                }
                let target = try LoadTarget(url: words[0])
                let duration = Duration.seconds(seconds)
                let plan = LoadPlan(
                    words[1] == "open"
                        ? .open(.poisson(.constant(figure, for: duration))) : .closed(clients: Int(figure), duration)
                )
                let fields = Wrk.headers.map { header in
                    let colon = header.firstIndex(of: ":") ?? header.endIndex
                    return (name: String(header[..<colon]), value: String(header[colon...].dropFirst(2)))
                }
                let scenario = Scenario.request(ClientRequest(.get, target.path, fields: fields))
                let client = Client(target.address, on: group.loops[0])
                let site = LoadSite(
                    target: target,
                    client: client,
                    loop: group.loops[0],
                    blocking: BlockingPool(),
                    duration: duration,
                    seed: 1,
                    say: { _ in }
                )
                let mix = try await LoadRun.prepare(scenario, site)
                let run = LoadRun(plan, mix, target: target, scenario: scenario.name)
                let report = try await run.run(on: group.loops)
                StandardStreams.write("APUS \(report.all.requests) \(report.all.failed)\n")
                return 0
            } catch {
                StandardStreams.writeError("bench: \(error)\n")
                return 1
            }
        }
    }
}
