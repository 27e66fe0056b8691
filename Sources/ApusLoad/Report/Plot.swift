import ApusHTTP
import Glibc

/// A plot of lines and marks as an SVG element that needs no script: what it shows is also said in words.
struct Plot {
    /// How values lie along an axis.
    enum Scale {
        case linear, logarithmic
    }

    /// A line, or a row of marks.
    struct Series {
        var name: String
        /// The class of its colour: `a`, `b`, `c`, or `bad`.
        var style: String
        var points: [(x: Double, y: Double)]
        var isDashed = false
        /// Marks in place of a line: `o` or `x`.
        var mark: Character?
    }

    /// A line across, at a value of y.
    struct Level {
        var name: String
        var y: Double
    }

    var title: String
    /// What is to be seen, in a sentence, for those who do not see it.
    var words: String
    var xName: String
    var yName: String
    var xScale = Scale.linear
    var yScale = Scale.linear
    var series: [Series]
    var level: Level?
    var xTicks: [(at: Double, name: String)]?
    var yText: (Double) -> String = { Figures.short($0) }

    private static let width = 760.0
    private static let height = 260.0
    private static let left = 70.0
    private static let right = 16.0
    private static let top = 14.0
    private static let bottom = 40.0

    /// The element with its heading and its legend; empty where there is nothing to show.
    func write(to html: inout ByteWriter) {
        let points = series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
        guard let x = Axis(points.map(\.x), xScale, startsAtZero: false),
            let y = Axis(points.map(\.y) + [level?.y].compactMap { $0 }, yScale, startsAtZero: yScale == .linear)
        else { return }
        html.append("<figure><figcaption>")
        html.append(htmlEscaping: title)
        html.append("</figcaption><svg viewBox=\"0 0 760 260\" role=\"img\" aria-label=\"")
        html.append(htmlEscaping: words)
        html.append("\">")
        for tick in y.ticks {
            let at = position(y: tick, y)
            html.append(string: "<line class=\"grid\" x1=\"70\" x2=\"744\" y1=\"\(at)\" y2=\"\(at)\"/>")
            text(yText(tick), x: "64", y: "\(at)", anchor: "end", shift: true, &html)
        }
        let xTicks = xTicks ?? x.ticks.map { ($0, Figures.short($0)) }
        for tick in xTicks where x.contains(tick.at) {
            text(tick.name, x: position(x: tick.at, x), y: "236", anchor: "middle", shift: false, &html)
        }
        text(xName, x: "744", y: "254", anchor: "end", shift: false, &html)
        text(yName, x: "70", y: "10", anchor: "start", shift: false, &html)
        if let level {
            let at = position(y: level.y, y)
            html.append(string: "<line class=\"level\" x1=\"70\" x2=\"744\" y1=\"\(at)\" y2=\"\(at)\"/>")
            text(level.name, x: "740", y: "\(at)", anchor: "end", shift: false, &html)
        }
        for one in series { write(one, x, y, &html) }
        html.append("</svg><ul class=\"legend\">")
        for one in series where !one.points.isEmpty {
            html.append(
                string:
                    "<li class=\"\(one.style)\">\(one.mark == "x" ? "\u{2715} " : one.mark == "o" ? "\u{25CF} " : one.isDashed ? "\u{254C} " : "\u{2501} ")"
            )
            html.append(htmlEscaping: one.name)
            html.append("</li>")
        }
        html.append("</ul></figure>\n")
    }

    private func write(_ one: Series, _ x: Axis, _ y: Axis, _ html: inout ByteWriter) {
        let points = one.points.filter { $0.x.isFinite && $0.y.isFinite }
        guard let mark = one.mark else {
            html.append(string: "<polyline class=\"line \(one.style)\(one.isDashed ? " dashed" : "")\" points=\"")
            for point in points { html.append(string: "\(position(x: point.x, x)),\(position(y: point.y, y)) ") }
            html.append("\"/>")
            return
        }
        for point in points {
            let (across, down) = (position(x: point.x, x), position(y: point.y, y))
            if mark == "x" {
                html.append(string: "<text class=\"mark \(one.style)\" x=\"\(across)\" y=\"\(down)\">\u{2715}</text>")
            } else {
                html.append(string: "<circle class=\"mark \(one.style)\" cx=\"\(across)\" cy=\"\(down)\" r=\"4\"/>")
            }
        }
    }

    private func text(
        _ text: String,
        x: String,
        y: String,
        anchor: String,
        shift: Bool,
        _ html: inout ByteWriter
    ) {
        html.append(
            string: "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\"\(shift ? " dy=\"4\"" : " dy=\"-2\"")>"
        )
        html.append(htmlEscaping: text)
        html.append("</text>")
    }

    private func position(x value: Double, _ axis: Axis) -> String {
        Figures.fixed(Self.left + axis.share(value) * (Self.width - Self.left - Self.right), 1)
    }

    private func position(y value: Double, _ axis: Axis) -> String {
        Figures.fixed(Self.height - Self.bottom - axis.share(value) * (Self.height - Self.top - Self.bottom), 1)
    }

    /// The range of an axis and its ticks.
    struct Axis {
        let low: Double
        let high: Double
        let scale: Scale
        let ticks: [Double]

        init?(_ values: [Double], _ scale: Scale, startsAtZero: Bool) {
            let usable = scale == .logarithmic ? values.filter { $0 > 0 } : values
            guard let least = usable.min(), let most = usable.max() else { return nil }
            self.scale = scale
            if scale == .logarithmic {
                var (from, to) = (floor(log10(least)), ceil(log10(most)))
                if from == to { to += 1 }
                (low, high) = (pow(10, from), pow(10, to))
                ticks = stride(from: from, through: to, by: max(1, ((to - from) / 6).rounded(.up))).map { pow(10, $0) }
            } else {
                let from = startsAtZero ? min(0, least) : least
                let span = max(most - from, abs(most) * 1e-9, 1e-12)
                let rough = span / 5
                let power = pow(10, floor(log10(rough)))
                let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
                low = floor(from / step) * step
                high = ceil(most / step) * step > low ? ceil(most / step) * step : low + step
                ticks = stride(from: low, through: high + step / 2, by: step).map { $0 }
            }
        }

        func share(_ value: Double) -> Double {
            if scale == .linear { return (value - low) / (high - low) }
            return (log10(max(value, low)) - log10(low)) / (log10(high) - log10(low))
        }

        func contains(_ value: Double) -> Bool { value >= low && value <= high }
    }
}
