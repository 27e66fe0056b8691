import ApusCore
import ApusDashboard
import ApusHTTP
import ApusRuntime

/// `logs`: lines of all parts, those that are there and those that come.
struct LogsCommand {
    private let remote: RemoteSystem
    private let query: String
    private let isJSON: Bool
    private let follows: Bool

    init(_ invocation: Invocation, _ remote: RemoteSystem) {
        self.remote = remote
        let arguments = invocation.arguments
        isJSON = arguments.has("json")
        follows = arguments.has("follow")
        var query = ["most=\(PercentCoding.encode(arguments.value("most") ?? "200"))"]
        for name in ["part", "level", "trace"] {
            if let value = arguments.value(name) { query.append("\(name)=\(PercentCoding.encode(value))") }
        }
        if !arguments.operands.isEmpty {
            query.append("text=\(PercentCoding.encode(arguments.operands.joined(separator: " ")))")
        }
        self.query = query.joined(separator: "&")
    }

    func run() async throws {
        let document = try await remote.get("/api/logs?\(query)")
        var last = -1
        if isJSON, !follows {
            StandardStreams.write(document)
        } else {
            last = try write(document)
        }
        while follows {
            try await remote.pause()
            last = max(last, try write(try await remote.get("/api/logs?\(query)&after=\(last)")))
        }
    }

    /// Writes lines, the oldest first.
    ///
    /// - Returns: The newest one's number.
    private func write(_ document: String) throws -> Int {
        let lines = try RunningCommand.decode([String: [LineFact]].self, document)["lines"] ?? []
        for line in lines.reversed() {
            StandardStreams.write(isJSON ? "\(try JSONDocument.encode(line))\n" : Self.text(line))
        }
        return lines.map(\.number).max() ?? -1
    }

    static func text(_ line: LineFact) -> String {
        let fields = line.fields.map { " \($0.key)=\($0.value)" }.joined()
        let second = line.time / 1_000_000_000 % 86_400
        let clock = [second / 3600, second / 60 % 60, second % 60].map { "\($0 < 10 ? "0" : "")\($0)" }
        let level = HelpText.pad(line.level, 7)
        return "\(clock.joined(separator: ":")) \(level) \(HelpText.pad(line.part, 14)) \(line.message)\(fields)\n"
    }
}
