import BenchKit
import Foundation

/// Key sequences: a decimal key a line, plain or compressed with gzip.
enum Traces {
    /// The keys of a file.
    ///
    /// - Throws: ``BenchError`` where the file is not there, or a line is no key.
    static func read(_ path: String) throws -> [Int] {
        guard FileManager.default.isReadableFile(atPath: path) else { throw BenchError("there is no trace \(path)") }
        let text =
            path.hasSuffix(".gz")
            ? Child.output(of: ["gzip", "-dc", path]) : try String(contentsOfFile: path, encoding: .utf8)
        var keys: [Int] = []
        var key = 0
        var digits = 0
        for byte in text.utf8 {
            if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                key = key &* 10 &+ Int(byte &- UInt8(ascii: "0"))
                digits += 1
            } else if byte == UInt8(ascii: "\n") {
                if digits > 0 { keys.append(key) }
                key = 0
                digits = 0
            } else if byte != UInt8(ascii: "\r") {
                throw BenchError("line \(keys.count + 1) of \(path) is not a decimal key")
            }
        }
        if digits > 0 { keys.append(key) }
        guard !keys.isEmpty else { throw BenchError("\(path) has no keys") }
        return keys
    }

    /// Hits of Belady's optimum, which knows what comes.
    static func optimum(_ keys: [Int], capacity: Int) -> Int {
        var next = [Int](repeating: Int.max, count: keys.count)
        var seen: [Int: Int] = [:]
        for index in keys.indices.reversed() {
            next[index] = seen[keys[index]] ?? Int.max
            seen[keys[index]] = index
        }
        // A heap of when kept keys come next, the farthest first; what is out of date is skipped when it comes up.
        var farthest: [(at: Int, key: Int)] = []
        var kept: [Int: Int] = [:]
        var hits = 0
        for (index, key) in keys.enumerated() {
            if kept[key] != nil {
                hits += 1
            } else if kept.count == capacity {
                while let top = farthest.first {
                    pop(&farthest)
                    if kept[top.key] == top.at {
                        kept[top.key] = nil
                        break
                    }
                }
            }
            kept[key] = next[index]
            push(&farthest, (next[index], key))
        }
        return hits
    }

    private static func push(_ heap: inout [(at: Int, key: Int)], _ item: (at: Int, key: Int)) {
        heap.append(item)
        var child = heap.count - 1
        while child > 0, heap[(child - 1) / 2].at < heap[child].at {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private static func pop(_ heap: inout [(at: Int, key: Int)]) {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var largest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].at > heap[largest].at
            {
                largest = child
            }
            if largest == parent { return }
            heap.swapAt(parent, largest)
            parent = largest
        }
    }
}
