import ApusCore
import ApusLoad
import ApusRuntime

/// A run as it goes, on standard error: a picture that renews itself on a terminal, a line a second elsewhere.
final class LiveView: Sendable {
    private struct State {
        var title = ""
        var samples: [LoadReport.Sample] = []
        var linesShown = 0
    }
    private let state = Lock(State())
    private let isTerminal = StandardStreams.isErrorTerminal

    func begin(_ title: String) {
        state.withLock { $0.title = title }
        if !isTerminal { StandardStreams.writeError(title + "\n") }
    }

    func show(_ sample: LoadReport.Sample) {
        let text = state.withLock { state in
            state.samples.append(sample)
            guard isTerminal else { return TextReport.line(sample) + "\n" }
            let lines = Self.picture(state.title, state.samples)
            let back = state.linesShown > 0 ? "\u{1B}[\(state.linesShown)A" : ""
            state.linesShown = lines.count
            return back + lines.map { "\r\u{1B}[K\($0)\n" }.joined()
        }
        StandardStreams.writeError(text)
    }

    /// Leaves the last picture where it is.
    func end() {
        guard isTerminal else { return }
        StandardStreams.writeError("\n")
    }

    /// The lines of the picture.
    static func picture(_ title: String, _ samples: [LoadReport.Sample]) -> [String] {
        guard let last = samples.last else { return [title] }
        let recent = samples.suffix(60)
        func row(_ name: String, _ values: [Double], _ shown: String) -> String {
            "\(HelpText.pad(name, 10)) \(HelpText.pad(sparkline(values), 60)) \(shown)"
        }
        func time(_ seconds: Double) -> String { Duration.nanoseconds(Int64(seconds * 1e9)).shown }
        let rates = recent.map { Double($0.requests) / max($0.seconds, 1e-9) }
        return [
            title,
            row(
                "requests",
                rates,
                "\(Figures.short(rates.last ?? 0))/s\(last.wanted.map { " for \(Figures.short($0)) arrivals/s" } ?? "")"
            ),
            row("p50", recent.map(\.latency.p50), time(last.latency.p50)),
            row("p99", recent.map(\.latency.p99), time(last.latency.p99)),
            row("failed", recent.map { Double($0.failed) }, "\(last.failed)"),
            row("under way", recent.map { Double($0.underWay) }, "\(last.underWay)"),
            "\(Figures.fixed(last.at, 0)) s, the generator is late by \(time(last.lag)) at p99",
        ]
    }

    /// Values as bars, the highest full.
    static func sparkline(_ values: [Double]) -> String {
        let bars = Array("\u{2581}\u{2582}\u{2583}\u{2584}\u{2585}\u{2586}\u{2587}\u{2588}")
        guard let most = values.max(), most > 0 else { return String(repeating: "\u{2581}", count: values.count) }
        return String(values.map { bars[min(7, max(0, Int($0 / most * 7.999)))] })
    }
}
