import ApusLoad
import BenchKit

/// The knee of the shop in one process and split, and what its processes do at a rate that is safe.
struct ShopContest {
    /// The promise.
    static let promise = 50.0
    /// How long each shop is loaded at the safe rate.
    private static let safeSeconds = 20
    /// A page's time at the server that is promised, in milliseconds.
    private static let pageMilliseconds = 10.0

    /// What one search and the run after it found.
    private struct Round {
        var visitors: Double
        var pages: Double
        var p99: Double
        var confidence: String
        /// At the safe rate: cores by part, microseconds a request, milliseconds at the server by route.
        var cores: [String: Double]
        var system: Double
        var times: [String: Double]
    }

    private var rounds: [ShopMode: [Round]] = [:]
    private(set) var notes: [String] = []

    /// The two take turns, as many rounds as the options say.
    init(_ home: ShopHome, options: Options) throws {
        for round in 0..<options.rounds {
            for mode in round % 2 == 0 ? ShopMode.allCases : ShopMode.allCases.reversed()
            where options.wants(mode.rawValue) {
                let measured = try Self.measure(try home.start(mode))
                rounds[mode, default: []].append(measured)
                say(
                    "  round \(round + 1) \(mode.rawValue): knee \(Int(measured.visitors)) visitors/s, "
                        + "\(Int(measured.pages)) pages/s, confidence \(measured.confidence)"
                )
            }
        }
        for (mode, found) in rounds where found.contains(where: { $0.confidence == "low" }) {
            notes.append("\(mode.rawValue): a search was not sure; the machine had other work")
        }
    }

    private static func measure(_ shop: ShopSystem) throws -> Round {
        defer { shop.child.stop() }
        let found = try shop.load(["--find-limit", "p99=\(Int(promise))ms"])
        guard let limit = found.limit, limit.knee > 0 else { throw BenchError("no rate kept the promise") }
        let atKnee = limit.steps.filter { $0.rate == limit.knee && $0.holds }
        let (before, timesBefore) = (shop.cpu(), shop.serverTimes())
        let safe = try shop.load(["--rate", "\(limit.safe)", "--duration", "\(safeSeconds)s"])
        let used = shop.cpu().mapValues { $0 / 1e9 }.merging(before.mapValues { $0 / 1e9 }) { $0 - $1 }
        let times = shop.serverTimes().since(timesBefore)
        var cores = used.mapValues { $0 / safe.elapsed }
        cores["generator"] = safe.generator.cpuSeconds / safe.elapsed
        return Round(
            visitors: limit.knee,
            pages: median(atKnee.map(\.answered)),
            p99: median(atKnee.map(\.p99)) * 1000,
            confidence: limit.confidence,
            cores: cores,
            system: used.values.reduce(0, +) / Double(max(1, safe.all.requests)) * 1e6,
            times: Dictionary(
                uniqueKeysWithValues: times.routes(askedFor: 20).map { ($0, times.p99($0) * 1000) }
            )
        )
    }

    /// The knee of each that was looked for, in visitors a second.
    var knees: [ShopMode: Double] { rounds.mapValues { median($0.map(\.visitors)) } }

    /// Rates, latency, cores by part, and times at the server, for each way to run.
    var rows: [Row] { ShopMode.allCases.flatMap { mode in rounds[mode].map { rows(mode.rawValue, $0) } ?? [] } }

    private func rows(_ name: String, _ rounds: [Round]) -> [Row] {
        func row(
            _ metric: String,
            _ unit: String,
            _ better: Row.Better,
            _ figures: [Double],
            of part: String? = nil,
            bar: Double? = nil
        ) -> Row {
            let name = part.map { "\(name), \($0)" } ?? name
            return Row(name, metric: metric, unit: unit, better: better, apus: figures, bar: bar)
        }
        var rows = [
            row("rate", "pages/s", .higher, rounds.map(\.pages)),
            row("rate", "visitors/s", .higher, rounds.map(\.visitors), of: "visitors"),
            row("p99", "ms", .lower, rounds.map(\.p99), bar: Self.promise),
            row("cpu", "us/page", .lower, rounds.map(\.system), of: "at 70%"),
        ]
        for part in Set(rounds.flatMap(\.cores.keys)).sorted() {
            rows.append(row("cpu", "cores", .lower, rounds.compactMap { $0.cores[part] }, of: "at 70%, \(part)"))
        }
        for route in Set(rounds.flatMap(\.times.keys)).sorted() {
            let bar = route.hasPrefix("GET ") ? Self.pageMilliseconds : nil
            rows.append(
                row("p99", "ms", .lower, rounds.compactMap { $0.times[route] }, of: "at the server, \(route)", bar: bar)
            )
        }
        return rows
    }
}
