/// Curves as one page that needs nothing else: an SVG without a script, and the same figures in words.
struct CurvePage {
    /// A line with marks.
    struct Curve {
        var name: String
        /// Drawn thick.
        var isOwn: Bool
        var isDashed: Bool
        var points: [(x: Double, y: Double)]
    }

    var title: String
    var words: String
    var xName: String
    var yName: String
    var curves: [Curve]

    private static let colours = ["#0a58ca", "#57606a", "#9a4a00", "#1a7f37", "#8250df", "#b3261e"]
    private static let (left, right, top, bottom) = (56.0, 744.0, 16.0, 340.0)

    /// The page.
    var html: String {
        let names = curves.enumerated().map { index, curve in
            "<li style=\"color:\(Self.colours[index % 6])\">\(curve.isOwn ? "<b>\(curve.name)</b>" : curve.name)</li>"
        }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(Self.escaped(title))</title><style>
            body{font:16px/1.5 system-ui,sans-serif;max-width:860px;margin:24px auto;padding:0 16px;color:#1b1f24;background:#fff}
            svg{width:100%;height:auto}text{font-size:12px;fill:#57606a}ul{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;padding:0}
            table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:4px 12px;border-bottom:1px solid #d8dee4;text-align:right}
            </style></head><body><h1>\(Self.escaped(title))</h1><p>\(Self.escaped(words))</p>
            <svg viewBox="0 0 760 380" role="img" aria-label="\(Self.escaped(words))">\(axes)\(curves.indices.map(line).joined())</svg>
            <ul>\(names.joined())</ul>\(table)</body></html>

            """
    }

    private var xMax: Double { max(1, curves.flatMap(\.points).map(\.x).max() ?? 1) }

    private func across(_ x: Double) -> Double { Self.left + x / xMax * (Self.right - Self.left) }
    private func down(_ y: Double) -> Double { Self.bottom - y / 100 * (Self.bottom - Self.top) }

    private var axes: String {
        let across = stride(from: 0.0, through: 100, by: 20).map { tick in
            let at = Self.short(down(tick))
            return "<line x1=\"\(Self.left)\" x2=\"\(Self.right)\" y1=\"\(at)\" y2=\"\(at)\" stroke=\"#d8dee4\"/>"
                + "<text x=\"50\" y=\"\(at)\" dy=\"4\" text-anchor=\"end\">\(Int(tick))</text>"
        }
        let sizes = curves.first?.points.map(\.x) ?? []
        let below = sizes.map { size in
            "<text x=\"\(Self.short(self.across(size)))\" y=\"358\" text-anchor=\"middle\">\(Int(size))</text>"
        }
        return across.joined() + below.joined()
            + "<text x=\"744\" y=\"376\" text-anchor=\"end\">\(Self.escaped(xName))</text>"
            + "<text x=\"56\" y=\"11\">\(Self.escaped(yName))</text>"
    }

    private func line(_ index: Int) -> String {
        let curve = curves[index]
        let points = curve.points.map { "\(Self.short(across($0.x))),\(Self.short(down($0.y)))" }.joined(separator: " ")
        let colour = Self.colours[index % 6]
        return "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(curve.isOwn ? 4 : 1.5)\""
            + (curve.isDashed ? " stroke-dasharray=\"5 4\"" : "") + " points=\"\(points)\"/>"
    }

    private var table: String {
        let sizes = curves.first?.points.map(\.x) ?? []
        let head = "<tr><th>\(Self.escaped(xName))</th>" + curves.map { "<th>\($0.name)</th>" }.joined() + "</tr>"
        let rows = sizes.enumerated().map { index, size in
            "<tr><th>\(Int(size))</th>" + curves.map { "<td>\(Self.short($0.points[index].y))</td>" }.joined() + "</tr>"
        }
        return "<table>\(head)\(rows.joined())</table>"
    }

    private static func short(_ figure: Double) -> String { "\((figure * 100).rounded() / 100)" }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }
}
