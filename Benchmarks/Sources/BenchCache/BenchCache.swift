import BenchKit

/// What the cache is worth: its policy's hit ratios, and what a look-up costs; or what policies would hit on a trace.
@main struct BenchCache {
    static func main() {
        measured { _ in
            if let request = try Simulator.request(Array(CommandLine.arguments.dropFirst())) {
                return try Simulator.run(request)
            }
            let options = Options()
            var report = Report(
                "cache",
                question: "What does the policy keep, and what does a look-up cost?",
                options: options
            )
            report.rows += try PolicyCases.rows(options)
            report.rows += try GetCases.rows(options)
            report.rows += try ClientCases.rows(options)
            report.notes.append("hit: a cache with its parts and late reads, against the online policies of Data/cache")
            report.notes.append(
                "client: CPU of the client's thread a GET of 64 bytes, hiredis' asynchronous interface beside it"
            )
            report.notes.append("get: a value lent on a loop; -all has the policy's work at the end of the turn too")
            try report.finish(options)
        }
    }
}
