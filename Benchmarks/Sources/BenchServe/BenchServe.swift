import BenchKit
import Foundation

/// Serving a routed JSON answer: Apus against nginx, which returns a constant of equal size.
@main struct BenchServe {
    static let path = "/api/products/85123A"
    static let answer =
        #"{"id":"85123A","name":"WHITE HANGING HEART T-LIGHT HOLDER","category":"lights","price":255,"stock":412}"#

    static func main() {
        let options = Options()
        measured { scratch in
            var report = Report(
                "serve",
                question: "What does a routed JSON answer cost beside nginx returning a constant, one core each?",
                options: options,
                peers: ["nginx": Nginx.version]
            )
            let nginx = try startNginx(scratch)
            defer { nginx.child.stop() }
            let contenders = [nginx]
            if options.wants("json") {
                let contest = try Contest(contenders, connections: 64, options: options, scratch: scratch)
                report.rows += contest.rows("json", bar: 1.1)
                report.notes += contest.failures("json")
            }
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
        return Contender("nginx", url: "http://127.0.0.1:\(port)\(path)", child: child)
    }
}
