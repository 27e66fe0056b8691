/// Puts what several processes measure into one text, each sample labelled with the part and replica it is from.
enum MetricsMerge {
    /// What one process measures.
    struct Source: Sendable {
        let part: String
        let replica: Int
        let text: String
    }

    /// - SeeAlso: Prometheus, "Exposition formats": all lines of a metric are one group.
    static func text(_ sources: [Source]) -> String {
        var order: [String] = []
        var heads: [String: String] = [:]
        var samples: [String: [String]] = [:]
        for source in sources {
            let labels = "part=\"\(source.part)\",replica=\"\(source.replica)\""
            var family = ""
            for line in source.text.split(separator: "\n") {
                if line.hasPrefix("# ") {
                    let words = line.split(separator: " ", maxSplits: 3)
                    guard words.count >= 3 else { continue }
                    family = String(words[2])
                    if samples[family] == nil {
                        samples[family] = []
                        order.append(family)
                    }
                    // Help and type once, as the first process has them.
                    let kind = "\(words[1]) \(family)"
                    if heads[kind] == nil { heads[kind] = String(line) }
                } else if !family.isEmpty {
                    samples[family, default: []].append(labelled(line, labels))
                }
            }
        }
        return order.map { family in
            let head = ["HELP", "TYPE"].compactMap { heads["\($0) \(family)"] }
            return (head + (samples[family] ?? [])).map { "\($0)\n" }.joined()
        }.joined()
    }

    private static func labelled(_ sample: Substring, _ labels: String) -> String {
        if let brace = sample.firstIndex(of: "{") {
            let after = sample.index(after: brace)
            return "\(sample[..<after])\(labels),\(sample[after...])"
        }
        guard let space = sample.firstIndex(of: " ") else { return String(sample) }
        return "\(sample[..<space]){\(labels)}\(sample[space...])"
    }
}
