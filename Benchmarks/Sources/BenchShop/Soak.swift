import ApusLoad
import BenchKit
import Foundation

/// The shop, split, at 70% of its knee for minutes: nothing is lost, and memory stays.
struct Soak {
    /// Growth that counts as none, in MiB: what allocators and page caches move about.
    private static let growthMax = 4.0

    /// The part that keeps the last quarter of an hour by the second, and so grows until that is full.
    private static let historian = "supervisor"

    let rows: [Row]

    /// What all other parts have together.
    private static func serving(_ memory: [String: Double]) -> Double {
        memory.reduce(0) { $0 + ($1.key == historian ? 0 : $1.value) }
    }

    /// Reads a length in seconds; five minutes unless given.
    static func seconds(_ text: String?) -> Int {
        guard let seconds = Int(text ?? "300"), seconds >= 30 else {
            Options.refuse("--soak wants seconds, 30 or more")
        }
        return seconds
    }

    /// Reads a knee in visitors a second.
    static func knee(_ text: String?) -> Double? {
        guard let text else { return nil }
        guard let knee = Double(text), knee.isFinite, knee >= 1 else {
            Options.refuse("--knee wants visitors a second, 1 or more")
        }
        return knee
    }

    /// Soaks.
    ///
    /// - Parameters:
    ///   - home: Where the shop is started from.
    ///   - seconds: How long.
    ///   - knee: The knee in visitors a second; nil looks for it first.
    /// - Throws: ``BenchError``.
    init(_ home: ShopHome, seconds: Int, knee: Double?) throws {
        let shop = try home.start(.split)
        defer { shop.child.stop() }
        let rate: Double
        if let knee {
            rate = knee * LimitFinder.safeShare
        } else {
            say("soak: looking for the knee")
            guard let limit = try shop.load(["--find-limit", "p99=\(Int(ShopContest.promise))ms"]).limit, limit.knee > 0
            else { throw BenchError("no rate kept the promise") }
            rate = limit.safe
        }
        say("soak: \(Int(rate)) visitors/s for \(seconds) s")
        var memory: [[String: Double]] = []
        var last = Date.distantPast
        let report = try shop.load(["--rate", "\(rate)", "--duration", "\(seconds)s"]) {
            guard Date().timeIntervalSince(last) >= 1 else { return }
            last = Date()
            memory.append(try shop.memory())
        }
        guard memory.count >= 20 else { throw BenchError("memory was looked at \(memory.count) times only") }
        // The first half fills caches, pools and the rings of spans and lines.
        let quarter = memory.count / 4
        let (early, late) = (memory[2 * quarter..<3 * quarter], memory[3 * quarter..<4 * quarter])
        func growth(_ value: ([String: Double]) -> Double) -> Double {
            max(0, median(late.map(value)) - median(early.map(value)))
        }
        func row(_ name: String, _ metric: String, _ unit: String, _ figure: Double, bar: Double? = nil) -> Row {
            Row(name, metric: metric, unit: unit, better: .lower, apus: [figure], bar: bar)
        }
        let failedChecks = report.checks.reduce(0) { $0 + $1.failed }
        rows = [
            Row("soak", metric: "rate", unit: "pages/s", better: .higher, apus: [report.all.rate]),
            row("soak", "lost", "pages", Double(report.all.failed + failedChecks), bar: 0),
            row("soak", "p99", "ms", report.all.latency.p99 * 1000),
            row("soak", "bytes", "MiB", median(late.map { $0.values.reduce(0, +) })),
            row("soak-growth", "bytes", "MiB", growth { Self.serving($0) }, bar: Self.growthMax),
            row("soak-growth, \(Self.historian)", "bytes", "MiB", growth { $0[Self.historian] ?? 0 }),
        ]
    }
}
