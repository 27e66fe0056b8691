import Foundation

/// The outcome of a benchmark: its rows, and all it takes to repeat them.
public struct Report: Codable, Sendable {
    /// The benchmark's name, such as `edge`.
    public var bench: String
    /// The question it answers.
    public var question: String
    /// The command that repeats it.
    public var command: String
    /// When it ran, ISO 8601.
    public var date: String
    /// The commit that was measured, if the front door said so.
    public var commit: String?
    /// Where it ran.
    public var machine: Machine
    /// Interleaved rounds.
    public var rounds: Int
    /// Seconds a contender was loaded in a round.
    public var seconds: Double
    /// The figures.
    public var rows: [Row] = []
    /// What a reader must know beside the figures.
    public var notes: [String] = []

    /// Starts an empty report.
    ///
    /// - Parameters:
    ///   - bench: The benchmark's name.
    ///   - question: The question it answers, in one sentence.
    ///   - options: What was asked for.
    ///   - peers: Programs whose versions belong to the result: their `name` and the command that prints it.
    public init(_ bench: String, question: String, options: Options, peers: [String: [String]] = [:]) {
        self.bench = bench
        self.question = question
        command = "./apus bench \(bench) \(options.typed)"
        date = Date().ISO8601Format()
        commit = ProcessInfo.processInfo.environment["BENCH_COMMIT"]
        machine = Machine(peers: peers)
        rounds = options.rounds
        seconds = options.seconds
    }

    /// Prints the table or the document, and saves the document where the options say.
    ///
    /// A run of one case replaces only that case's rows in a saved document.
    ///
    /// - Throws: An error of the file system.
    public func finish(_ options: Options) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        if let folder = options.save {
            let file = folder.appending(path: "\(bench).json")
            var saved = self
            if options.only != nil, let old = try? JSONDecoder().decode(Report.self, from: Data(contentsOf: file)) {
                let cases = Set(rows.map(\.name))
                saved.rows = old.rows.filter { !cases.contains($0.name) } + rows
            }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try (encoder.encode(saved) + Data("\n".utf8)).write(to: file)
        }
        if options.json {
            FileHandle.standardOutput.write(try encoder.encode(self) + Data("\n".utf8))
        } else {
            print(table)
        }
        let missed = rows.filter { $0.holds == false }
        if options.check, !missed.isEmpty {
            for row in missed { say("error: \(bench) \(row.name): \(row.metric) misses its bar") }
            exit(3)
        }
    }

    /// The rows as a table for people.
    public var table: String {
        var lines = [["case", "metric", "apus", "peer", "", "ratio", "[min-max]", "bar", ""]]
        for row in rows {
            let spread = row.spread.map { "[\(short($0[0]))-\(short($0[1]))]" } ?? ""
            let verdict = row.holds.map { $0 ? "holds" : "MISSED" } ?? ""
            lines.append([
                row.name, "\(row.metric), \(row.unit)", short(row.apus), row.peer.map(short) ?? "-", row.peerName ?? "",
                row.ratio.map(short) ?? "-", spread, row.bar.map(short) ?? "-", verdict,
            ])
        }
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        let body = lines.map { line in
            zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }
        return (["\(bench): \(question)", machine.summary, ""] + body + notes.map { "note: \($0)" }).joined(
            separator: "\n"
        )
    }

    private func short(_ figure: Double) -> String {
        if figure >= 1000 { return String(Int(figure.rounded())) }
        return String(format: figure >= 100 ? "%.1f" : figure >= 10 ? "%.2f" : "%.3f", figure)
    }
}
