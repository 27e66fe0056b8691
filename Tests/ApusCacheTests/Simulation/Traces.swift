import ApusCache
import ApusCore
import Foundation
import Testing

/// Key sequences to judge policies on: recorded ones, and some that nobody tuned for.
enum Traces {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../../Data/cache"
    )

    /// The keys of a recorded trace.
    static func recorded(_ name: String) throws -> [Int] {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", folder.appending(path: "\(name).txt.gz").path]
        process.standardOutput = pipe
        try process.run()
        let text = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(name) is not to be read")
        return text.split(separator: UInt8(ascii: "\n")).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    }

    struct Cell {
        let trace: String
        let capacity: Int
        let optimum: Double
        /// Of the online policies.
        let best: Double
        let lru: Double
    }

    /// The rows of the table of hit ratios, in per cent.
    static func cells() throws -> [Cell] {
        let text = try String(contentsOf: folder.appending(path: "hit_ratios.csv"), encoding: .utf8)
        return text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: ",")
            let ratios = fields[4..<12].compactMap { Double($0) }
            guard let capacity = Int(fields[3]), ratios.count == 8, let best = ratios.dropFirst().max() else {
                return nil
            }
            return Cell(trace: String(fields[0]), capacity: capacity, optimum: ratios[0], best: best, lru: ratios[1])
        }
    }

    /// Draws numbers below `count`, the first the most often: Zipf's law with exponent 0.9.
    struct Zipf {
        private let sums: [Double]

        init(_ count: Int) {
            var sum = 0.0
            sums = (1...count).map { rank in
                sum += pow(Double(rank), -0.9)
                return sum
            }
        }

        func draw(_ random: inout SeededRandom) -> Int {
            let wanted = Double.random(in: 0..<(sums.last ?? 1), using: &random)
            var (low, high) = (0, sums.count - 1)
            while low < high {
                let middle = (low + high) / 2
                if sums[middle] < wanted { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// Skewed reads with scans between them, of keys that never come again.
    static func scans(seed: UInt64) -> [Int] {
        var random = SeededRandom(seed: seed)
        let zipf = Zipf(5000)
        var next = 1_000_000
        return (0..<10).flatMap { _ in
            let keys = (0..<5000).map { _ in zipf.draw(&random) }
            defer { next += 3000 }
            return keys + (next..<next + 3000)
        }
    }

    /// Skewed reads of a set that moves on.
    static func drift(seed: UInt64) -> [Int] {
        var random = SeededRandom(seed: seed)
        let zipf = Zipf(3000)
        return (0..<80_000).map { $0 / 10 + zipf.draw(&random) }
    }

    /// A loop, skewed reads, and a narrow set that moves on, twice over.
    static func phases(seed: UInt64) -> [Int] {
        var random = SeededRandom(seed: seed)
        let zipf = Zipf(10_000)
        return (0..<2).flatMap { phase in
            let loop = (0..<20_000).map { 500_000 + $0 % 1300 }
            let skewed = (0..<20_000).map { _ in phase * 100_000 + zipf.draw(&random) }
            let moving = (0..<20_000).map {
                2_000_000 * (phase + 1) + $0 / 10 + Int.random(in: 0..<200, using: &random)
            }
            return loop + skewed + moving
        }
    }
}
