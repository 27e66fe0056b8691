import BenchKit

/// What the cache is worth: its policy's hit ratios, what a look-up costs, and what a command costs the embedded server; or
/// what policies would hit on a trace.
@main struct BenchCache {
    static func main() {
        let role = CommandLine.arguments.dropFirst()
        if role.count == 2, role.first == "server", let port = role.last.flatMap({ UInt16($0) }) {
            ServerCases.serve(port: port)
        }
        if role.first == "client" { MemcachedCases.run(Array(role.dropFirst())) }
        measured { scratch in
            if let request = try Simulator.request(Array(CommandLine.arguments.dropFirst())) {
                return try Simulator.run(request)
            }
            let options = Options()
            var report = Report(
                "cache",
                question: "What does the policy keep, and what does a look-up cost?",
                options: options,
                peers: ["redis": ServerCases.version, "memcached": MemcachedCases.version]
            )
            report.rows += try PolicyCases.rows(options)
            report.rows += try GetCases.rows(options)
            report.rows += try ServerCases.rows(options, scratch)
            report.rows += try ClientCases.rows(options)
            report.rows += try MemcachedCases.rows(options)
            report.rows += try NewsCases.rows(options, scratch)
            report.notes.append("hit: a cache with its parts and late reads, against the online policies of Data/cache")
            report.notes.append(
                "client: CPU of the client's thread a GET of 64 bytes, hiredis' asynchronous interface beside it"
            )
            report.notes.append("get: a value lent on a loop; -all has the policy's work at the end of the turn too")
            report.notes.append("-P1, -P16: the server's CPU a command, redis-benchmark -c 50 with so many pipelined")
            try report.finish(options)
        }
    }
}
