import BenchKit
import Foundation

/// What the load generator costs itself: requests a CPU second, against wrk and hey, all in a closed loop on one core.
@main struct BenchLoad {
    static func main() {
        let options = Options()
        if options.rest.first == "generate" { ApusGenerator.run(Array(options.rest.dropFirst())) }
        measured { scratch in
            var report = Report(
                "load",
                question: "How many requests does a CPU second of the load generator make, beside wrk and hey?",
                options: options,
                peers: ["wrk": ["sh", "-c", "wrk -v | head -n 1"], "nginx": Nginx.version]
            )
            let port = try freePort()
            let body = String(repeating: "0123456789", count: 10)
            let http = """
                    access_log off;
                    server {
                        listen 127.0.0.1:\(port) backlog=4096;
                        location = /get { default_type text/plain; return 200 '\(body)'; }
                    }
                """
            let nginx = try Nginx.start("nginx", http: http, port: port, on: .server, scratch: scratch)
            defer { nginx.stop() }
            let url = "http://127.0.0.1:\(port)/get"
            for connections in [64, 1000] where options.wants("get-c\(connections)") {
                report.rows += try contest(url, connections: connections, options: options, scratch: scratch)
            }
            try report.finish(options)
        }
    }

    /// The three generators in turn against one nginx.
    static func contest(_ url: String, connections: Int, options: Options, scratch: Scratch) throws -> [Row] {
        let name = "get-c\(connections)"
        say(name)
        let generators: [(name: String, run: (Double) throws -> Double)] = [
            ("apus", { try ApusGenerator.closed(url, connections: connections, seconds: $0) }),
            ("wrk", { try Wrk.run(url, connections: connections, seconds: $0, scratch: scratch).requests }),
            ("hey", { try Hey.run(url, connections: connections, seconds: $0) }),
        ]
        for generator in generators { _ = try generator.run(1) }
        var figures: [String: [Double]] = [:]
        var rates: [Double] = []
        var open: [Double] = []
        for round in 0..<options.rounds {
            for turn in generators.indices {
                let generator = generators[(turn + round) % generators.count]
                let before = childrenCPUSeconds()
                let requests = try generator.run(options.seconds)
                let used = childrenCPUSeconds() - before
                figures[generator.name, default: []].append(requests / used)
                if generator.name == "apus" { rates.append(requests / options.seconds) }
                say(
                    "  round \(round + 1) \(generator.name): \(Int(requests / used)) a CPU second, \(Int(requests)) in all"
                )
            }
            // An open loop at a quarter of the rate, which one core can keep up with: what honesty costs, for the record.
            let before = childrenCPUSeconds()
            let requests = try ApusGenerator.open(url, rate: median(rates) / 4, seconds: options.seconds)
            open.append(requests / (childrenCPUSeconds() - before))
        }
        let own = figures["apus"] ?? []
        func row(_ peer: String, bar: Double) -> Row {
            Row(
                name,
                metric: "rate",
                unit: "requests/CPU s",
                better: .higher,
                apus: own,
                peers: [peer: figures[peer] ?? []],
                bar: bar
            )
        }
        return [
            row("wrk", bar: 0.9), row("hey", bar: 2),
            Row(name + "-open", metric: "rate", unit: "requests/CPU s", better: .higher, apus: open),
        ]
    }

    /// Processor time of all programs started here that have ended.
    static func childrenCPUSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}

/// hey, the load generator in Go that many use.
enum Hey {
    /// Loads a URL and waits for the end.
    ///
    /// - Returns: Answers with status 200.
    /// - Throws: ``BenchError`` if none came.
    static func run(_ url: String, connections: Int, seconds: Double) throws -> Double {
        var command = ["hey", "-cpus", "1", "-c", "\(connections)", "-z", "\(Int(max(1, seconds.rounded())))s"]
        for header in Wrk.headers where !header.hasPrefix("User-Agent") { command += ["-H", header] }
        let output = Child.output(of: command + [url], on: .others)
        for line in output.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            if words.count == 3, words[0] == "[200]", words[2] == "responses", let count = Double(words[1]) {
                return count
            }
        }
        throw BenchError("hey on \(url) failed: \(output)")
    }
}
