import BenchKit
import Foundation

/// Proxying to two backends: Apus against the better of nginx and HAProxy.
@main struct BenchEdge {
    let options: Options
    let scratch: Scratch
    let backends: Backends
    let proxies: [Proxy]

    static func main() {
        let options = Options()
        ApusProxy.runIfAsked(options.rest)
        measured { scratch in
            let backends = try Backends(scratch: scratch)
            defer { backends.child.stop() }
            let proxies = [
                try Proxy.apus(backends: backends.ports, scratch: scratch),
                try Proxy.nginx(backends: backends.ports, scratch: scratch),
                try Proxy.haproxy(backends: backends.ports, scratch: scratch),
            ]
            defer { for proxy in proxies { proxy.child.stop() } }
            try BenchEdge(options: options, scratch: scratch, backends: backends, proxies: proxies).run()
        }
    }

    func run() throws {
        var report = Report(
            "edge",
            question:
                "What does a proxied request cost beside nginx and HAProxy, one core each, logging and keep-alive on?",
            options: options,
            peers: ["nginx": Nginx.version, "haproxy": HAProxy.version]
        )
        try requireSameAnswer()
        let cases = [
            ("100B-c64", "/small", 64, 1.25), ("16KiB-c64", "/large", 64, 1.33), ("100B-c1000", "/small", 1000, 1.4),
        ]
        for (name, path, connections, bar) in cases where options.wants(name) {
            say(name)
            let contenders = proxies.map { $0.contender(path) }
            let contest = try Contest(contenders, connections: connections, options: options, scratch: scratch)
            report.rows += contest.rows(name, bar: bar)
            report.notes += contest.failures(name)
        }
        if options.wants("reuse") { report.rows.append(try reuse()) }
        try report.finish(options)
    }

    /// Nobody gets to send less than the others.
    func requireSameAnswer() throws {
        for path in ["/small", "/large"] {
            let wanted = Child.output(of: ["curl", "-fsS", "http://127.0.0.1:\(backends.ports[0])\(path)"])
            for proxy in proxies where Child.output(of: ["curl", "-fsS", proxy.contender(path).url]) != wanted {
                throw BenchError("\(proxy.name) does not hand \(path) through as it is")
            }
        }
    }

    /// How often an upstream connection is used again while every client's request comes on a connection of its own.
    func reuse() throws -> Row {
        say("reuse")
        var figures: [String: [Double]] = [:]
        for _ in 0..<options.rounds {
            for proxy in proxies {
                let before = try backends.counts()
                let url = proxy.contender("/small").url
                let run = try Wrk.run(
                    url,
                    connections: 64,
                    seconds: options.seconds,
                    scratch: scratch,
                    reconnects: true
                )
                // The second look at the status is a connection too.
                let opened = try backends.counts().connections - before.connections - 1
                figures[proxy.name, default: []].append(1 - max(0, opened) / run.requests)
            }
        }
        let own = figures["apus"] ?? []
        var row = Row("reuse", metric: "hit", unit: "share of requests", better: .higher, apus: own, bar: 0.999)
        for (name, shares) in figures { row.all[name] = median(shares) }
        return row
    }
}
