import ApusHTTP

/// The page that shows a running system: plain HTML without scripts.
struct AdministrationPage: Sendable {
    let facts: AdministrationFacts
    /// Whether whoever looks has the token.
    let mayChange: Bool

    /// The page of the whole system.
    func write(_ parts: [PartStatus], _ traces: [SpanFact], to out: inout ByteWriter) {
        begin(facts.system, refresh: true, to: &out)
        out.append("<header><h1>")
        out.append(htmlEscaping: facts.system)
        out.append("</h1><p>")
        out.append(htmlEscaping: facts.summary.isEmpty ? "process \(facts.pid), \(facts.data)" : facts.summary)
        out.append("</p>")
        if let url = facts.url { link(url, "Open \(url)", to: &out) }
        out.append("</header><main>")
        write(parts, to: &out)
        write(blocks: facts.blocks, to: &out)
        write(traces: traces, to: &out)
        settings(to: &out)
        out.append(
            "<p class=\"quiet\"><a href=\"/metrics\">Metrics</a> &middot; <a href=\"/readyz\">Readiness</a> &middot; "
        )
        out.append("<a href=\"/api/parts\">JSON</a></p></main></body></html>\n")
    }

    private func write(_ parts: [PartStatus], to out: inout ByteWriter) {
        out.append("<section><h2>Parts</h2><table><thead><tr>")
        for title in ["Part", "Replica", "Process", "State", "Restarts", "Up", "CPU", "Memory", "Address"] {
            cell("th", title, to: &out)
        }
        if mayChange { cell("th", "", to: &out) }
        out.append("</tr></thead><tbody>")
        for part in parts {
            out.append("<tr>")
            cell("th", part.name, to: &out)
            cell("td", "\(part.replica)", to: &out)
            cell("td", part.pid.map { "\($0)" } ?? "", to: &out)
            out.append("<td><span class=\"state ")
            out.append(htmlEscaping: part.state)
            out.append("\">")
            out.append(htmlEscaping: part.state)
            out.append("</span>")
            for problem in part.problems {
                out.append("<br><small>")
                out.append(htmlEscaping: problem)
                out.append("</small>")
            }
            out.append("</td>")
            cell("td", "\(part.restarts)", to: &out)
            cell("td", Self.shown(seconds: part.upSeconds), to: &out)
            cell("td", Self.percent(part.cpuShare), to: &out)
            cell("td", part.memoryBytes > 0 ? "\(part.memoryBytes >> 20) MiB" : "", to: &out)
            cell("td", part.addresses.first ?? "", to: &out)
            if mayChange { buttons(part, to: &out) }
            out.append("</tr>")
        }
        out.append("</tbody></table>")
        if !mayChange {
            out.append(
                "<p class=\"quiet\">To change something, open the URL with the token that <code>up</code> printed.</p>"
            )
        }
        out.append("</section>")
    }

    private func buttons(_ part: PartStatus, to out: inout ByteWriter) {
        out.append("<td class=\"actions\">")
        for change in part.state == "stopped" ? [PartChange.start] : [.restart, .stop] {
            out.append("<form method=\"post\" action=\"/api/parts/")
            out.append(percentEncoding: part.name)
            out.append(string: "/\(part.replica)/\(change)")
            out.append("\"><button>")
            out.append(string: "\(change)")
            out.append("</button></form>")
        }
        out.append("</td>")
    }

    private func write(blocks: [ReadyReport.BlockFact], to out: inout ByteWriter) {
        guard !blocks.isEmpty else { return }
        out.append("<section><h2>Blocks</h2><table><thead><tr>")
        for title in ["Block", "Kind", "Where", "Stock client"] { cell("th", title, to: &out) }
        out.append("</tr></thead><tbody>")
        for block in blocks {
            out.append("<tr>")
            cell("th", block.name, to: &out)
            cell("td", block.kind, to: &out)
            cell("td", block.place, to: &out)
            out.append("<td><code>")
            out.append(htmlEscaping: block.stockClient ?? "")
            out.append("</code></td></tr>")
        }
        out.append("</tbody></table></section>")
    }

    private func write(traces: [SpanFact], to out: inout ByteWriter) {
        guard !traces.isEmpty else { return }
        out.append("<section><h2>Latest traces</h2><table><thead><tr>")
        for title in ["What", "Part", "Time", "Trace"] { cell("th", title, to: &out) }
        out.append("</tr></thead><tbody>")
        for root in traces.sorted(by: { $0.began > $1.began }).filter({ $0.parent == nil }).prefix(20) {
            out.append(root.failed ? "<tr class=\"failed\">" : "<tr>")
            cell("td", root.title, to: &out)
            cell("td", root.part, to: &out)
            cell("td", root.shownTime, to: &out)
            out.append("<td>")
            link("/traces/\(root.trace)", root.trace, to: &out)
            out.append("</td></tr>")
        }
        out.append("</tbody></table></section>")
    }

    private func settings(to out: inout ByteWriter) {
        out.append("<section><details><summary>Settings</summary><table><thead><tr>")
        for title in ["Setting", "Value", "From", "Meaning"] { cell("th", title, to: &out) }
        out.append("</tr></thead><tbody>")
        for entry in facts.configuration.entries {
            out.append("<tr>")
            cell("th", entry.key, to: &out)
            cell("td", entry.value, to: &out)
            cell("td", "\(entry.origin)", to: &out)
            cell("td", entry.help, to: &out)
            out.append("</tr>")
        }
        out.append("</tbody></table></details></section>")
    }

    /// The page of one trace: its spans under their parents, with their time as a bar.
    func write(trace: String, _ spans: [SpanFact], to out: inout ByteWriter) {
        begin("Trace \(trace)", refresh: false, to: &out)
        out.append("<header><h1>Trace</h1><p><code>")
        out.append(htmlEscaping: trace)
        out.append("</code></p><a href=\"/\">All parts</a></header><main><section><table><tbody>")
        let tree = SpanTree(spans)
        for line in tree.lines {
            out.append(line.span.failed ? "<tr class=\"failed\"><td>" : "<tr><td>")
            for _ in 0..<line.depth { out.append("&emsp;") }
            out.append(htmlEscaping: line.span.title)
            out.append("</td>")
            cell("td", line.span.part, to: &out)
            cell("td", line.span.shownTime, to: &out)
            out.append("<td><meter max=\"1\" value=\"")
            out.append(string: "\(tree.share(line.span))")
            out.append("\"></meter></td><td class=\"quiet\">")
            let notes = line.span.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            out.append(htmlEscaping: notes.joined(separator: " "))
            out.append("</td></tr>")
        }
        out.append("</tbody></table></section></main></body></html>\n")
    }

    // MARK: Parts of a page

    private func begin(_ title: String, refresh: Bool, to out: inout ByteWriter) {
        out.append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
        out.append(htmlEscaping: title)
        out.append("</title><meta name=\"viewport\" content=\"width=device-width\">")
        if refresh { out.append("<meta http-equiv=\"refresh\" content=\"5\">") }
        out.append("<link rel=\"stylesheet\" href=\"/style.css\"></head><body>")
    }

    private func cell(_ tag: StaticString, _ text: String, to out: inout ByteWriter) {
        out.append("<")
        out.append(tag)
        out.append(">")
        out.append(htmlEscaping: text)
        out.append("</")
        out.append(tag)
        out.append(">")
    }

    private func link(_ target: String, _ text: String, to out: inout ByteWriter) {
        out.append("<a href=\"")
        out.append(htmlEscaping: target)
        out.append("\">")
        out.append(htmlEscaping: text)
        out.append("</a>")
    }

    static func percent(_ share: Double) -> String {
        let thousandths = Int((share * 1000).rounded())
        return "\(thousandths / 10).\(thousandths % 10) %"
    }

    static func shown(seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) d"
        }
    }

    static let style = """
        :root{color-scheme:light dark;--ink:#1c2430;--paper:#f6f7f9;--card:#fff;--line:#dfe3e8;--quiet:#667085;--accent:#0b6bcb}
        @media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--paper:#12161c;--card:#1a2028;--line:#2c343f;--quiet:#98a2b3;--accent:#6cb2ff}}
        *{box-sizing:border-box}
        body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
        header,main{max-width:72rem;margin:0 auto;padding:1rem 1.5rem}
        h1{margin:1rem 0 0;font-size:1.6rem}h2{font-size:1.05rem;margin:0 0 .6rem}
        header p{margin:.2rem 0 .6rem;color:var(--quiet)}
        section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.2rem;margin:0 0 1rem;overflow-x:auto}
        table{border-collapse:collapse;width:100%}
        th,td{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}
        thead th{color:var(--quiet);font-size:.82rem}tbody th{font-weight:600}tbody tr:last-child>*{border-bottom:0}
        td{font-variant-numeric:tabular-nums}code{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
        a{color:var(--accent)}summary{cursor:pointer;font-weight:600}.quiet,small{color:var(--quiet)}
        .state{padding:.1rem .5rem;border-radius:1rem;background:#8884;font-size:.85rem}
        .state.ready{background:#1a7f3730;color:#1a7f37}.state.waiting{background:#c9372c30;color:#c9372c}
        .failed td{color:#c9372c}.actions form{display:inline}
        button{font:inherit;color:inherit;background:none;border:1px solid var(--line);border-radius:.4rem;padding:.1rem .6rem;margin-right:.3rem;cursor:pointer}
        button:hover{border-color:var(--accent)}meter{width:8rem}

        """
}

extension SpanFact {
    /// The span's name, and what is most worth saying about it.
    var title: String {
        let path = attributes["url.path"].map { " \($0)" } ?? ""
        return name.contains("{") || name == "HTTP" ? "\(name)\(path)" : name
    }

    /// Its duration for people.
    var shownTime: String {
        let microseconds = nanoseconds / 1000
        if microseconds < 1000 { return "\(microseconds) us" }
        return "\(microseconds / 1000).\(String(1000 + microseconds % 1000 / 10 * 10).dropFirst().prefix(2)) ms"
    }
}

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
