import ApusDashboard

/// The spans of a trace under their parents.
struct SpanTree: Sendable {
    struct Line: Sendable {
        let span: SpanFact
        let depth: Int
    }
    let lines: [Line]
    private let longest: Int64

    init(_ spans: [SpanFact]) {
        let known = Set(spans.map(\.span))
        // A parent that is missing, because it was not kept, does not hide its children.
        let children = Dictionary(grouping: spans.sorted { $0.began < $1.began }) { span in
            span.parent.flatMap { known.contains($0) && $0 != span.span ? $0 : nil } ?? ""
        }
        var lines: [Line] = []
        var seen: Set<String> = []
        func add(_ parent: String, _ depth: Int) {
            for span in children[parent] ?? [] where seen.insert(span.span).inserted {
                lines.append(Line(span: span, depth: depth))
                if depth < 64 { add(span.span, depth + 1) }
            }
        }
        add("", 0)
        self.lines = lines
        longest = max(1, spans.map(\.nanoseconds).max() ?? 1)
    }

    /// A span's duration against the longest.
    func share(_ span: SpanFact) -> Double { Double(span.nanoseconds) / Double(longest) }

    /// The tree as text.
    var text: String {
        let width = lines.map { $0.depth * 2 + $0.span.title.count }.max() ?? 0
        return lines.map { line in
            let title = String(repeating: "  ", count: line.depth) + line.span.title
            let bar = String(repeating: "#", count: max(1, Int(share(line.span) * 20)))
            let time = HelpText.pad(line.span.shownTime, 10)
            return "\(HelpText.pad(title, width))  \(time)  \(HelpText.pad(line.span.part, 16))  \(bar)"
                + (line.span.failed ? "  failed" : "") + "\n"
        }.joined()
    }
}
