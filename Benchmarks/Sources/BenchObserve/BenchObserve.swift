import Apus
import BenchKit
import Foundation

/// What the dashboard costs: the same system at full rate, with its processes asked once a second and without.
@main struct BenchObserve {
    static func main() {
        if isSystem { return ObservedSystem.main() }
        let options = Options()
        measured { scratch in
            var report = Report(
                "observe",
                question:
                    "What share of a system's CPU does the dashboard take at full rate, watched by one open page?",
                options: options
            )
            if options.wants("on-against-off") {
                let system = [CommandLine.arguments[0]]
                try compare("on-against-off", "hello/Ada", system, from: nil, &report, options, scratch)
            }
            if options.wants("bazaar") {
                guard let program = ProcessInfo.processInfo.environment["BENCH_BAZAAR"] else {
                    throw BenchError("BENCH_BAZAAR names no program: start this as ./apus bench observe")
                }
                // Filled once; both shops begin with the same shelves.
                let seed = try Running("seed", [program], gathers: false, scratch: scratch, within: 600)
                seed.child.stop()
                try compare("bazaar", "products/lighting-85123A", [program], from: seed.data, &report, options, scratch)
            }
            try report.finish(options)
        }
    }

    /// The same system twice, one of them asked and watched by an open page; both loaded in turn.
    private static func compare(
        _ name: String,
        _ path: String,
        _ program: [String],
        from seed: URL?,
        _ report: inout Report,
        _ options: Options,
        _ scratch: Scratch
    ) throws {
        let on = try Running("\(name)-on", program, from: seed, gathers: true, scratch: scratch)
        defer { on.child.stop() }
        let off = try Running("\(name)-off", program, from: seed, gathers: false, scratch: scratch)
        defer { off.child.stop() }
        let page = try on.watch()
        defer { page.stop() }
        // The supervisor is the child, and every part is a child of it: all of the system's CPU is counted.
        let contest = try Contest(
            [
                Contender("apus", url: on.url + path, child: on.child, log: on.log),
                Contender("without", url: off.url + path, child: off.child, log: off.log),
            ],
            connections: 64,
            options: options,
            scratch: scratch
        )
        report.rows += contest.rows(name, bar: 0.97)
        report.notes += contest.failures(name)
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
    /// Where its data is.
    let data: URL
    private let dashboard: String

    /// Starts a system and waits until it serves.
    ///
    /// - Parameters:
    ///   - name: What its files are called.
    ///   - program: Its program.
    ///   - seed: Data that it begins with a copy of.
    ///   - gathers: Whether its dashboard asks the processes.
    ///   - scratch: Where its files are.
    ///   - seconds: How long it may take to serve.
    /// - Throws: ``BenchError`` where it does not.
    init(
        _ name: String,
        _ program: [String],
        from seed: URL? = nil,
        gathers: Bool,
        scratch: Scratch,
        within seconds: Double = 120
    ) throws {
        let output = URL(filePath: try scratch.write("\(name).json", ""))
        data = URL(filePath: output.path + ".data")
        if let seed { try FileManager.default.copyItem(at: seed, to: data) }
        child = try Child(
            program + [
                "up", "--json", "--data", data.path, "--port=0", "--dashboard-port=0", "--loops=2",
                "--dashboard-gather=\(gathers)",
            ],
            output: output
        )
        log = data.appending(path: "log")
        let deadline = Date().addingTimeInterval(seconds)
        while true {
            let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
            // Before the document there may be words on how far the filling is.
            if let begin = text.range(of: "\n{\n")?.lowerBound ?? (text.hasPrefix("{") ? text.startIndex : nil),
                let ready = try? JSONDecoder().decode(Ready.self, from: Data(text[begin...].utf8))
            {
                url = ready.url
                dashboard = ready.dashboard
                return
            }
            guard Date() < deadline, child.process.isRunning else {
                child.stop()
                throw BenchError("the system did not start: \(text.suffix(2000))")
            }
            usleep(20_000)
        }
    }

    /// Opens the picture, as a page does, and reads it until it is stopped.
    func watch() throws -> Child {
        let live = dashboard.replacingOccurrences(of: "?", with: "api/live?")
        return try Child(["curl", "-sN", "-o", "/dev/null", live])
    }
}
