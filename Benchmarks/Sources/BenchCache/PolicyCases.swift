import ApusCache
import ApusCore
import ApusObserve
import ApusRuntime
import BenchKit
import Foundation

/// Hit ratios of a cache, with its parts and late reads, over those of the best online policy on recorded traces.
enum PolicyCases {
    /// How far below the best a ratio may be, in points of a hundred.
    static let pointsMax = 1.5

    struct Cell {
        let trace: String
        let capacity: Int
        let optimum: Double
        /// The online policies by name, in per cent.
        let online: [String: Double]
        var name: String { "\(trace)-\(capacity)" }
    }

    static func rows(_ options: Options) throws -> [BenchKit.Row] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Data/cache")
        let cells = try cells(folder).filter { options.wants($0.name) || options.only == "policy" }
        guard !cells.isEmpty else { return [] }
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        var rows: [BenchKit.Row] = []
        var shares: [Double] = []
        for cell in cells {
            let keys = try Traces.read(folder.appending(path: "\(cell.trace).txt.gz").path)
            let ratio = try wait(on: group.loops[0]) { try await hitRatio(keys, capacity: cell.capacity) }
            let best = cell.online.values.max() ?? 100
            shares.append(ratio / cell.optimum)
            say("  \(cell.name): \(ratio)%, the best online policy \(best)%")
            rows.append(
                BenchKit.Row(
                    cell.name,
                    metric: "hit",
                    unit: "%",
                    better: .higher,
                    apus: [ratio],
                    peers: cell.online.mapValues { [$0] },
                    bar: (best - pointsMax) / best
                )
            )
        }
        if options.only == nil || options.only == "policy" {
            let mean = shares.reduce(0, +) / Double(shares.count)
            rows.append(
                BenchKit.Row("hit-over-opt", metric: "hit", unit: "of OPT", better: .higher, apus: [mean], bar: 0.95)
            )
        }
        return rows
    }

    private static func cells(_ folder: URL) throws -> [Cell] {
        let text = try String(contentsOf: folder.appending(path: "hit_ratios.csv"), encoding: .utf8)
        let names = ["OPT", "LRU", "FIFO", "SIEVE", "S3-FIFO", "ARC", "LIRS", "W-TinyLFU"]
        return text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: ",").map(String.init)
            let ratios = fields[4..<12].compactMap(Double.init)
            guard let capacity = Int(fields[3]), ratios.count == names.count else { return nil }
            let online = Dictionary(uniqueKeysWithValues: zip(names, ratios).dropFirst().map { ($0, $1) })
            return Cell(trace: fields[0], capacity: capacity, optimum: ratios[0], online: online)
        }
    }

    /// Per cent of hits of a cache that is asked for each key, and given it where it has not got it.
    private static func hitRatio(_ keys: [Int], capacity: Int) async throws -> Double {
        let cache = Cache<Int, Int>("policy", CacheConfiguration(capacity: capacity, lifetime: nil), metrics: .init())
        var hits = 0
        for key in keys {
            if cache.withValue(key, { _ in true }) == true {
                hits += 1
            } else {
                try await cache.set(key, for: key)
            }
        }
        return 100 * Double(hits) / Double(keys.count)
    }
}
