import ApusCache
import BenchKit
import Foundation

/// `./apus bench cache --trace FILE`: what each policy would hit on a trace, at one size and at sizes around it.
struct Simulator {
    /// What was asked for.
    struct Request {
        var trace: String
        var size: Int?
        var report = "cache-policies.html"
        var json = false
    }

    /// A policy's per cent of hits at a size.
    struct Point: Codable {
        var policy: String
        var size: Int
        var hit: Double
    }

    struct Answer: Codable {
        var trace: String
        var reads: Int
        var keys: Int
        var size: Int
        var report: String
        var points: [Point]
    }

    private static let policies: [(name: String, kind: CachePolicyKind?)] = [
        ("Apus", nil), ("LRU", .lru), ("LIRS", .lirs), ("S3-FIFO", .s3fifo), ("W-TinyLFU", .wTinyLFU),
    ]

    /// Reads the request from a command line; `nil` where there is none.
    static func request(_ arguments: [String]) throws -> Request? {
        guard arguments.contains("--trace") else { return nil }
        var request = Request(trace: "")
        var left = arguments[...]
        while let option = left.popFirst() {
            switch option {
            case "--json": request.json = true
            case "--trace": request.trace = left.popFirst() ?? ""
            case "--report": request.report = left.popFirst() ?? ""
            case "--save": _ = left.popFirst()
            case "--size":
                guard let size = left.popFirst().flatMap(Int.init), size > 0 else {
                    throw BenchError("--size wants a number of entries, 1 or more")
                }
                request.size = size
            default: throw BenchError("with --trace there is no option \(option)")
            }
        }
        return request
    }

    /// Runs all policies and writes the page; prints the table or the document.
    static func run(_ request: Request) throws {
        let keys = try Traces.read(request.trace)
        let unique = Set(keys).count
        let size = request.size ?? max(1, unique / 4)
        let sizes = sizes(around: size, keys: unique)
        var points: [Point] = []
        for size in sizes {
            let optimum = Traces.optimum(keys, capacity: size)
            points.append(Point(policy: "OPT", size: size, hit: percent(optimum, keys.count)))
            for (name, kind) in policies {
                let simulation = CacheSimulation(capacity: size, policy: kind)
                for key in keys { simulation.access(key) }
                points.append(Point(policy: name, size: size, hit: percent(simulation.hits, keys.count)))
            }
            say("  \(size) entries")
        }
        let name = URL(filePath: request.trace).lastPathComponent
        let page = CurvePage(
            title: "Hit ratio by size",
            words: "\(name): \(keys.count) reads of \(unique) keys.",
            xName: "entries",
            yName: "hits, %",
            curves: (["Apus", "OPT"] + policies.dropFirst().map(\.name)).map { policy in
                CurvePage.Curve(
                    name: policy,
                    isOwn: policy == "Apus",
                    isDashed: policy == "OPT",
                    points: points.filter { $0.policy == policy }.map { (Double($0.size), $0.hit) }
                )
            }
        )
        try page.html.write(toFile: request.report, atomically: true, encoding: .utf8)
        let answer = Answer(
            trace: name,
            reads: keys.count,
            keys: unique,
            size: size,
            report: request.report,
            points: points
        )
        try show(answer, json: request.json)
    }

    private static func percent(_ hits: Int, _ reads: Int) -> Double {
        (10_000 * Double(hits) / Double(reads)).rounded() / 100
    }

    /// Nine sizes from an eighth to twice the one asked for; no more than there are keys.
    private static func sizes(around size: Int, keys: Int) -> [Int] {
        let all = [0.125, 0.25, 0.375, 0.5, 0.75, 1, 1.25, 1.5, 2].map { max(1, Int(Double(size) * $0)) }
        return Set(all.filter { $0 <= keys } + [size]).sorted()
    }

    private static func show(_ answer: Answer, json: Bool) throws {
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            FileHandle.standardOutput.write(try encoder.encode(answer) + Data("\n".utf8))
            return
        }
        print("\(answer.trace): \(answer.reads) reads of \(answer.keys) keys; per cent of hits")
        let names = ["OPT"] + policies.map(\.name)
        print("entries".padding(10) + names.map { $0.padding(11) }.joined())
        for size in Set(answer.points.map(\.size)).sorted() {
            let ratios = names.map { name in
                answer.points.first { $0.policy == name && $0.size == size }.map { String(format: "%.2f", $0.hit) }
                    ?? ""
            }
            let mark = size == answer.size ? "\(size) *" : "\(size)"
            print(mark.padding(10) + ratios.map { $0.padding(11) }.joined())
        }
        print("the plot: \(answer.report)")
    }
}

extension String {
    /// The text with spaces after it, `width` wide.
    fileprivate func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
