import Apus
import BenchKit
import Foundation

/// What the dashboard costs: the same system at full rate, with its processes asked once a second and without.
@main struct BenchObserve {
    static func main() {
        if isSystem { return ObservedSystem.main() }
        let options = Options()
        measured { scratch in
            let on = try Running("on", gathers: true, scratch: scratch)
            defer { on.child.stop() }
            let off = try Running("off", gathers: false, scratch: scratch)
            defer { off.child.stop() }
            var report = Report(
                "observe",
                question:
                    "What share of a system's CPU does the dashboard take at full rate, watched by one open page?",
                options: options
            )
            if options.wants("on-against-off") {
                let page = try on.watch()
                defer { page.stop() }
                // The supervisor is the child, and every part is a child of it: all of the system's CPU is counted.
                let contest = try Contest(
                    [
                        Contender("apus", url: on.url + "hello/Ada", child: on.child, log: on.log),
                        Contender("without", url: off.url + "hello/Ada", child: off.child, log: off.log),
                    ],
                    connections: 64,
                    options: options,
                    scratch: scratch
                )
                report.rows += contest.rows("on-against-off", bar: 0.97)
                report.notes += contest.failures("on-against-off")
            }
            try report.finish(options)
        }
    }

    /// Whether this process was started as a system, or as one of its parts.
    private static var isSystem: Bool { ["up", "serve"].contains(CommandLine.arguments.dropFirst().first ?? "") }
}

/// A system that runs.
struct Running {
    /// What it says when it is ready.
    private struct Ready: Decodable {
        let url: String
        let dashboard: String
    }

    let child: Child
    let url: String
    /// A line for each request, as a system writes it where its output is a document.
    let log: URL
    private let dashboard: String

    init(_ name: String, gathers: Bool, scratch: Scratch) throws {
        let output = URL(filePath: try scratch.write("\(name).json", ""))
        child = try Child(
            [
                CommandLine.arguments[0], "up", "--json", "--data", output.path + ".data", "--port=0",
                "--dashboard-port=0",
                "--loops=2", "--dashboard-gather=\(gathers)",
            ],
            output: output
        )
        log = URL(filePath: output.path + ".data/log")
        let deadline = Date().addingTimeInterval(30)
        while true {
            let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
            if let begin = text.firstIndex(of: "{"),
                let ready = try? JSONDecoder().decode(Ready.self, from: Data(text[begin...].utf8))
            {
                url = ready.url
                dashboard = ready.dashboard
                return
            }
            guard Date() < deadline else { throw BenchError("the system did not start: \(text)") }
            usleep(20_000)
        }
    }

    /// Opens the picture, as a page does, and reads it until it is stopped.
    func watch() throws -> Child {
        let live = dashboard.replacingOccurrences(of: "?", with: "api/live?")
        return try Child(["curl", "-sN", "-o", "/dev/null", live])
    }
}
