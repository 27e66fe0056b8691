import ApusHTTP
import ApusObserve

/// The query of a request, read for the dashboard's questions.
struct Query {
    private let fields: FormFields?

    init(_ exchange: Exchange) { fields = try? FormFields(exchange.query) }

    subscript(_ name: String) -> String? { fields?[name].flatMap { $0.isEmpty ? nil : $0 } }

    var all: [(name: String, value: String)] { fields?.fields.map { ($0.name, $0.value) } ?? [] }

    func has(_ name: String) -> Bool { fields?[name] != nil }

    /// A time, in nanoseconds since 1970; given in milliseconds.
    func time(_ name: String) throws -> Int64? {
        guard let text = self[name] else { return nil }
        guard let milliseconds = Int64(text), (0...253_402_300_800_000).contains(milliseconds) else {
            throw Problem(.badRequest, code: "query.\(name)", detail: "\(name) is milliseconds since 1970")
        }
        return milliseconds * 1_000_000
    }

    /// A number within `range`.
    func number(_ name: String, in range: ClosedRange<Double>, or standard: Double) throws -> Double {
        guard let text = self[name] else { return standard }
        guard let number = Double(text), range.contains(number) else {
            throw Problem(
                .badRequest,
                code: "query.\(name)",
                detail: "\(name) is \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// A whole number within `range`.
    func count(_ name: String, in range: ClosedRange<Int>, or standard: Int) throws -> Int {
        guard let text = self[name] else { return standard }
        guard let number = Int(text), range.contains(number) else {
            throw Problem(
                .badRequest,
                code: "query.\(name)",
                detail: "\(name) is \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// A trace's id.
    func trace(_ name: String) throws -> TraceID? {
        guard let text = self[name] else { return nil }
        guard let trace = TraceID(text) else { throw Self.noTrace }
        return trace
    }

    static var noTrace: Problem {
        Problem(.badRequest, code: "trace.id", detail: "a trace's id has 32 hexadecimal digits")
    }

    /// Which lines are asked for.
    func lines(_ dashboard: Dashboard) throws -> LogBook.Question {
        var question = LogBook.Question()
        question.parts = self["part"].map(dashboard.parts)
        if let name = self["level"] {
            guard let level = LogLevel(name: name) else {
                throw Problem(.badRequest, code: "query.level", detail: "level is trace, debug, info, warning or error")
            }
            question.level = level
        }
        question.words = (self["text"] ?? "").lowercased().split(separator: " ").map(String.init)
        question.trace = try trace("trace")
        question.from = try time("from") ?? .min
        question.to = try time("to") ?? .max
        question.after = try count("after", in: -1...Int.max, or: -1)
        question.most = try count("most", in: 1...5000, or: 200)
        return question
    }

    /// Which traces are asked for.
    func traces(_ dashboard: Dashboard) throws -> TraceBook.Question {
        var question = TraceBook.Question()
        question.parts = self["part"].map(dashboard.parts)
        question.text = self["text"]?.lowercased()
        question.least = Int64(try number("least", in: 0...3_600_000, or: 0) * 1e6)
        question.failedOnly = has("failed")
        question.from = try time("from") ?? .min
        question.to = try time("to") ?? .max
        question.most = try count("most", in: 1...2000, or: 100)
        return question
    }

    /// What chart is asked for.
    func chart(_ metric: String, now: Int64, _ dashboard: Dashboard) throws -> ChartQuestion {
        let to = try time("to") ?? now
        let from = try time("from") ?? to - 900_000_000_000
        guard from < to else { throw Problem(.badRequest, code: "query.from", detail: "from lies before to") }
        var question = ChartQuestion(metric: metric, from: from, to: to)
        question.show = self["show"]
        if let show = question.show, !ChartQuestion.shows.contains(show) {
            throw Problem(
                .badRequest,
                code: "query.show",
                detail: "show is \(ChartQuestion.shows.joined(separator: ", "))"
            )
        }
        question.by = self["by"]
        if let filter = self["part"] {
            if let label = dashboard.label(for: filter) {
                question.filters.append(label)
            } else {
                question.parts = dashboard.parts(for: filter)
            }
        }
        question.steps = try count("steps", in: 1...1000, or: 120)
        for (name, value) in all where name == "where" {
            let parts = value.split(separator: ":", maxSplits: 1).map(String.init)
            if parts.count == 2 { question.filters.append((parts[0], parts[1])) }
        }
        return question
    }
}
