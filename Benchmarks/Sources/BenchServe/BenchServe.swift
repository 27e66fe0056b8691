import BenchKit
import Foundation

/// Serving a routed JSON answer: Apus against nginx, which returns a constant of equal size.
@main struct BenchServe {
    static let path = "/api/products/85123A"
    static let answer =
        #"{"id":"85123A","name":"WHITE HANGING HEART T-LIGHT HOLDER","category":"lights","price":255,"stock":412}"#

    static func main() {
        let options = Options()
        if options.rest.first == "server", options.rest.count == 3, let port = UInt16(options.rest[1]) {
            ApusServer.run(port: port, log: options.rest[2])
        }
        measured { scratch in
            var report = Report(
                "serve",
                question: "What does a routed JSON answer cost beside nginx returning a constant, one core each?",
                options: options,
                peers: ["nginx": Nginx.version, "valgrind": Callgrind.version]
            )
            if options.wants("json") {
                let nginx = try startNginx(scratch)
                defer { nginx.child.stop() }
                let apus = try startApus(scratch)
                defer { apus.child.stop() }
                try requireSameAnswer(apus, nginx)
                let contest = try Contest([apus, nginx], connections: 64, options: options, scratch: scratch)
                report.rows += contest.rows("json", bar: 1.1)
                report.notes += contest.failures("json")
            }
            if options.wants("idle") {
                say("idle (\(Idle.connections) connections)")
                try Idle.raiseLimit()
                let port = try freePort()
                let apus = try startApus(scratch, port: port)
                defer { apus.child.stop() }
                report.rows += try Idle.measure(apus.child, port: port)
            }
            if options.wants("counts") { report.rows += try counts(scratch) }
            try report.finish(options)
        }
    }

    static func startNginx(_ scratch: Scratch) throws -> Contender {
        let port = try freePort()
        let http = """
                access_log access.log main buffer=64k flush=1s;
                server {
                    listen 127.0.0.1:\(port) backlog=4096;
                    location = \(path) { default_type application/json; return 200 '\(answer)'; }
                }
            """
        let child = try Nginx.start("nginx", http: http, port: port, on: .server, scratch: scratch)
        let log = scratch.url.appending(path: "nginx/access.log")
        return Contender("nginx", url: "http://127.0.0.1:\(port)\(path)", child: child, log: log)
    }

    static func startApus(_ scratch: Scratch, port: Int? = nil) throws -> Contender {
        let port = try port ?? freePort()
        let log = scratch.url.appending(path: "apus-access.log")
        let child = try Child(
            ["/proc/\(getpid())/exe", "server", String(port), log.path],
            on: .server,
            output: scratch.url.appending(path: "apus.log")
        )
        try waitForPort(port, of: child, named: "apus")
        return Contender("apus", url: "http://127.0.0.1:\(port)\(path)", child: child, log: log)
    }

    /// Allocations and retains a request, exact: the bar is none.
    static func counts(_ scratch: Scratch) throws -> [Row] {
        say("counts (under valgrind)")
        let port = try freePort()
        let log = scratch.url.appending(path: "counts-access.log").path
        let calls = try Callgrind.callsPerRequest(
            "/proc/\(getpid())/exe",
            ["server", String(port), log],
            port: port,
            path: path,
            scratch: scratch
        )
        func row(_ metric: String, _ functions: [String]) -> Row {
            // One of them calling another is one event, not two.
            let found = calls.filter { call, count in
                functions.contains(call.to) && !functions.contains(call.from) && count > 0.01
            }
            for (call, count) in found.sorted(by: { $0.value > $1.value }) {
                say("  \(call.to) \(count) times a request, from \(call.from)")
            }
            let count = found.values.reduce(0, +)
            return Row("counts", metric: metric, unit: "calls/request", better: .lower, apus: [count], bar: 0)
        }
        return [row("allocations", Callgrind.allocations), row("retains", Callgrind.retains)]
    }

    /// Nobody gets to send less than the others.
    static func requireSameAnswer(_ contenders: Contender...) throws {
        for contender in contenders {
            let body = Child.output(of: ["curl", "-fsS", contender.url])
            guard body == answer else { throw BenchError("\(contender.name) answers \(body)") }
        }
    }
}
