public import ApusCore

extension LoadShape {
    /// The names that ``init(text:rate:duration:)`` knows.
    public static let names = ["constant", "ramp", "step", "spike", "soak", "day"]

    /// Reads a name, or stages such as `50:30s,50-400:1m`: a rate or two, and how long.
    ///
    /// - Parameters:
    ///   - text: What was asked for.
    ///   - rate: The highest rate, for a name.
    ///   - duration: How long, for a name; for `soak` half an hour unless it is given.
    /// - Throws: `ConfigurationError` for anything else.
    public init(text: String, rate: Double, duration: Duration?) throws(ConfigurationError) {
        let given = duration ?? (text == "soak" ? .seconds(1_800) : .seconds(30))
        switch text {
        case "constant", "soak": self = .constant(rate, for: given)
        case "ramp": self = .ramp(to: rate, for: given)
        case "step": self = .steps(to: rate, for: given)
        case "spike": self = .spike(to: rate, for: given)
        case "day": self = .recorded(RecordedDay.requests, peak: rate, for: given)
        default:
            let refusal = ConfigurationError(
                field: "shape",
                value: text,
                accepted: "\(Self.names.joined(separator: ", ")), or stages such as 50:30s,50-400:1m"
            )
            var stages: [Stage] = []
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let halves = part.split(separator: ":", omittingEmptySubsequences: false)
                guard halves.count == 2, let duration = Duration(text: halves[1]), duration > .zero else {
                    throw refusal
                }
                let rates = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { Double($0) }
                guard rates.count == 1 || rates.count == 2, let from = rates.first ?? nil, let to = rates.last ?? nil,
                    from >= 0, to >= 0, from.isFinite, to.isFinite, max(from, to) > 0
                else { throw refusal }
                stages.append(Stage(duration, from: from, to: to))
            }
            self.init(stages)
        }
    }
}

extension Duration {
    /// Reads `300ms`, `1.5s`, `5m`, `2h`, `250us`; nil for anything else.
    package init?(text: some StringProtocol) {
        let units: [(String, Double)] = [
            ("ms", 1e6), ("us", 1e3), ("µs", 1e3), ("ns", 1), ("s", 1e9), ("m", 60e9), ("h", 3_600e9),
        ]
        for (unit, nanoseconds) in units where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number >= 0, number * nanoseconds < 9e18 else {
                return nil
            }
            self = .nanoseconds(Int64((number * nanoseconds).rounded()))
            return
        }
        return nil
    }

    /// Shortest way to say it: `250 us`, `12.3 ms`, `1.05 s`, `5 min`.
    package var shown: String {
        let nanoseconds = Double(nanoseconds)
        switch nanoseconds {
        case ..<1e6: return "\(Figures.short(nanoseconds / 1e3)) us"
        case ..<1e9: return "\(Figures.short(nanoseconds / 1e6)) ms"
        case ..<120e9: return "\(Figures.short(nanoseconds / 1e9)) s"
        default: return "\(Figures.short(nanoseconds / 60e9)) min"
        }
    }
}

/// Figures as people read them.
package enum Figures {
    /// Three digits that count: `0.123`, `1.23`, `12.3`, `123`, `12 340`.
    package static func short(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        let size = abs(value)
        if size >= 99.95 { return grouped(value) }
        if value == value.rounded() { return "\(Int(value))" }
        return fixed(value, size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3)
    }

    /// A whole number with a thin gap for every thousand.
    package static func grouped(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e18 else { return "-" }
        let digits = Array(String(Int(abs(value).rounded())))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "\u{2009}" }
            text.append(digit)
        }
        return value < 0 && value.rounded() != 0 ? "-" + text : text
    }

    /// With so many digits after the point.
    package static func fixed(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "-" }
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let whole = Int((abs(value) * scale).rounded())
        let sign = value < 0 && whole > 0 ? "-" : ""
        if places == 0 { return "\(sign)\(whole)" }
        let fraction = String(whole % Int(scale))
        return "\(sign)\(whole / Int(scale))." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// A share as a percentage: `0.1%`.
    package static func percent(_ share: Double) -> String { short(share * 100) + "%" }
}
