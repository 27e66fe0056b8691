import ApusCore
import ApusDashboard
import ApusHTTP
import ApusLoad
import ApusRuntime

/// `loads`: the results of load runs, one of them, or two compared; and the run that the dashboard has started.
enum LoadsCommand {
    static func answer(_ arguments: Arguments, _ remote: RemoteSystem) async throws -> String {
        let isJSON = arguments.has("json")
        let names = arguments.operands
        switch names.count {
        case 0:
            let document = try await remote.get("/api/loads")
            return isJSON ? document : text(try RunningCommand.decode(LoadsDocument.self, document))
        case 1:
            let document = try await remote.get("/api/loads/\(PercentCoding.encode(names[0]))")
            return isJSON ? document : TextReport.text(try RunningCommand.decode(LoadReport.self, document))
        default:
            let query = "old=\(PercentCoding.encode(names[0]))&new=\(PercentCoding.encode(names[1]))"
            let document = try await remote.get("/api/loads/compare?\(query)")
            return isJSON ? document : text(try RunningCommand.decode(LoadComparison.self, document))
        }
    }

    static func text(_ document: LoadsDocument) -> String {
        let results = TextTable(
            ["RESULT", "REQUESTS/s", "p50", "p99", "FAILED", "OUTCOME"],
            document.loads.map { fact in
                guard let summary = fact.summary else { return [fact.name, "-", "-", "-", "-", "another document"] }
                let outcome = summary.isValid ? summary.holds ? "valid" : "not kept" : "invalid"
                return [
                    fact.name, Shown.rate(summary.rate), Shown.duration(summary.p50), Shown.duration(summary.p99),
                    Shown.percent(summary.errors),
                    summary.knee.map { "knee \(Shown.rate($0))/s" } ?? outcome,
                ]
            }
        ).text
        guard let run = document.run, run.state.isUnderWay else { return results }
        let now = run.samples.last.map {
            "; \(Shown.rate(Double($0.requests) / max($0.seconds, 1e-9))) requests/s, p99 \(Shown.duration($0.latency.p99))"
        }
        return results + "\nunder way: \(run.scenario), \(run.driver ?? run.asked), \(run.state)\(now ?? "")\n"
    }

    static func text(_ comparison: LoadComparison) -> String {
        comparison.cautions.map { "! \($0)\n" }.joined()
            + TextTable(
                ["REQUEST", "MEASURE", "OLDER", "NEWER", "CHANGE", "VERDICT"],
                comparison.rows.map { row in
                    [
                        row.kind, row.measure, shown(row.old, row.measure), shown(row.new, row.measure),
                        row.change.map { "\($0 > 0 ? "+" : "-")\(Shown.percent(abs($0)))" } ?? "", row.verdict ?? "",
                    ]
                }
            ).text
    }

    private static func shown(_ value: Double, _ measure: String) -> String {
        switch measure {
        case "rate": Shown.rate(value)
        case "errors": Shown.percent(value)
        default: Shown.duration(value)
        }
    }
}
