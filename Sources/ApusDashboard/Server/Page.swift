import ApusHTTP

/// The document that every page is: a frame for the script to fill, and what can be said without one.
struct Page: Sendable {
    let facts: SystemFacts
    let parts: [PartStatus]
    /// Whether whoever looks has the token.
    let mayChange: Bool

    private static let links: [(path: String, name: String, key: String)] = [
        ("/", "Picture", "p"), ("/parts", "Parts", "a"), ("/traces", "Requests", "r"), ("/logs", "Logs", "l"),
        ("/explore", "Metrics", "m"), ("/loads", "Load", "o"), ("/configuration", "Settings", "s"),
    ]

    func write(to out: inout ByteWriter) {
        out.append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>")
        out.append(htmlEscaping: facts.system)
        out.append(" - Apus</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")
        out.append("<meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">")
        out.append("<link rel=\"stylesheet\" href=\"/style.css\">")
        // The style first: the page is painted without waiting for the scripts.
        for asset in Asset.all where asset.path.hasSuffix(".js") {
            out.append("<link rel=\"modulepreload\" href=\"")
            out.append(string: asset.path)
            out.append("\">")
        }
        out.append("<script type=\"module\" src=\"/script/app.js\"></script></head><body data-change=\"")
        out.append(mayChange ? "yes" : "no")
        out.append("\"><a class=\"skip\" href=\"#main\">Skip to content</a><header><a class=\"brand\" href=\"/\">")
        out.append(htmlEscaping: facts.system)
        out.append("</a><nav aria-label=\"Pages\">")
        for link in Self.links {
            out.append("<a href=\"")
            out.append(string: link.path)
            out.append("\" data-letter=\"")
            out.append(string: link.key)
            out.append("\" title=\"Key ")
            out.append(string: link.key)
            out.append("\">")
            out.append(string: link.name)
            out.append("</a>")
        }
        out.append(
            "</nav><div id=\"filter\"></div><div id=\"tools\"></div></header><div id=\"time\" role=\"region\" aria-label=\"Time\"></div><main id=\"main\" tabindex=\"-1\">"
        )
        without(to: &out)
        out.append("</main><div id=\"notice\" role=\"status\" aria-live=\"polite\"></div></body></html>\n")
    }

    /// What stands there until the script has run, or for whoever has none.
    private func without(to out: inout ByteWriter) {
        out.append("<h1>")
        out.append(htmlEscaping: facts.system)
        out.append("</h1><p class=\"quiet\">")
        out.append(htmlEscaping: facts.summary.isEmpty ? facts.data : facts.summary)
        out.append("</p>")
        if let url = facts.url {
            out.append("<p><a href=\"")
            out.append(htmlEscaping: url)
            out.append("\">Open ")
            out.append(htmlEscaping: url)
            out.append("</a></p>")
        }
        out.append("<noscript><p>The picture needs JavaScript. The command line says the same: <code>")
        out.append(htmlEscaping: facts.system)
        out.append(" ps</code>, <code>top</code>, <code>traces</code>, <code>logs</code>, <code>metrics</code>.</p>")
        out.append("<table><thead><tr><th>Part</th><th>Replica</th><th>Process</th><th>State</th></tr></thead><tbody>")
        for part in parts {
            out.append("<tr><th>")
            out.append(htmlEscaping: part.name)
            out.append("</th><td>")
            out.append(decimal: part.replica)
            out.append("</td><td>")
            out.append(htmlEscaping: part.pid.map { "\($0)" } ?? "")
            out.append("</td><td>")
            out.append(htmlEscaping: part.state)
            out.append("</td></tr>")
        }
        out.append("</tbody></table></noscript>")
    }
}
