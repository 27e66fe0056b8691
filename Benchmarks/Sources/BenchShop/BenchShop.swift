import ApusLoad
import BenchKit
import Foundation

/// The reference shop under TPC-W's shopping mix, on the cores of this machine, which the generator shares with it.
@main struct BenchShop {
    static func main() {
        let options = Options(rounds: 3, own: ["soak", "knee"])
        if options.rest.first == "ask" { PageVisitors.run(Array(options.rest.dropFirst())) }
        let seconds = Soak.seconds(options.own["soak"])
        let given = Soak.knee(options.own["knee"])
        measured { scratch in
            let home = try ShopHome(scratch: scratch)
            var report = Report(
                "shop",
                question:
                    "How many pages a second does the shop serve with p99 under 50 ms, beside its load generator, "
                    + "and what does each page cost?",
                options: options
            )
            report.notes.append(
                "system and generator share the machine's \(report.machine.cores) cores; in cpu-* the system has core 0 "
                    + "for itself"
            )
            var knees: [ShopMode: Double] = [:]
            if ShopMode.allCases.contains(where: { options.wants($0.rawValue) }) {
                let contest = try ShopContest(home, options: options)
                report.rows += contest.rows
                report.notes += contest.notes
                knees = contest.knees
            }
            report.rows += try PageCosts(home, options: options).rows
            if options.wants("soak") {
                report.rows += try Soak(home, seconds: seconds, knee: given ?? knees[.split]).rows
            }
            try report.finish(options)
        }
    }
}

/// How the shop runs.
enum ShopMode: String, CaseIterable {
    case oneProcess = "one-process"
    case split

    var words: [String] { self == .oneProcess ? ["--one-process"] : [] }
}
