import ApusObserve

/// The spans of one trace, each with the process that recorded it.
struct TraceRecord: Sendable, Hashable {
    struct Part: Sendable, Hashable {
        var span: CollectedSpan
        var process: PartName
    }

    var id: TraceID
    var parts: [Part]

    /// Most spans of one trace; further ones are dropped.
    static let spansMax = 512

    /// The span without a known parent that began first: what the request was.
    var root: Part? {
        let known = Set(parts.map(\.span.spanID))
        let roots = parts.filter { $0.span.parentID == 0 || !known.contains($0.span.parentID) }
        return roots.min {
            ($0.span.parentID == 0 ? 0 : 1, $0.span.began) < ($1.span.parentID == 0 ? 0 : 1, $1.span.began)
        }
    }

    /// Whether its beginning is known: no span names a parent that is missing at its front.
    var isWhole: Bool { parts.contains { $0.span.parentID == 0 } }

    var hasFailed: Bool { parts.contains { $0.span.failed } }

    var summary: TraceSummary {
        let root = root
        var name = root?.span.name ?? ""
        // The edge knows no routes: the first server behind it does.
        let routed = parts.filter { $0.span.kind == .server && $0.span.name.contains("/") }
            .min { $0.span.began < $1.span.began }
        if let routed, !name.contains("/") { name = routed.span.name }
        if let path = (routed ?? root)?.span.attributes.first(where: { $0.key == "url.path" })?.value {
            if name.contains("{") || !name.contains("/") { name += " \(path)" }
        }
        // A path that no route takes has no better name than what was asked.
        let method = root?.span.attributes.first { $0.key == "http.request.method" }?.value
        if let method, let root, name.hasPrefix("\(root.span.name) "), !root.span.name.contains("/") {
            name = method + name.dropFirst(root.span.name.count)
        }
        return TraceSummary(
            trace: "\(id)",
            name: name,
            part: root?.process.description ?? "",
            began: root?.span.began ?? 0,
            nanoseconds: root?.span.nanoseconds ?? 0,
            failed: hasFailed,
            spans: parts.count,
            parts: Set(parts.map(\.process.part)).sorted()
        )
    }

    var facts: [SpanFact] {
        parts.map { SpanFact($0.span, part: $0.process.description) }.sorted {
            ($0.began, $0.span) < ($1.began, $1.span)
        }
    }

    // MARK: As bytes

    var packed: [UInt8] {
        var writer = PackedWriter()
        writer.write(fixed: id.high)
        writer.write(fixed: id.low)
        writer.write(count: parts.count)
        for part in parts {
            writer.write(part.process.part)
            writer.write(count: part.process.replica)
            part.span.write(to: &writer)
        }
        return writer.bytes
    }

    init(id: TraceID, parts: [Part] = []) {
        self.id = id
        self.parts = parts
    }

    init(packed bytes: [UInt8]) throws(PackedDamage) {
        var reader = PackedReader(bytes)
        id = TraceID(high: try reader.fixed(), low: try reader.fixed())
        parts = []
        for _ in 0..<(try reader.count(bytesEach: 22)) {
            let process = PartName(part: try reader.text(), replica: try reader.index())
            parts.append(Part(span: try CollectedSpan(from: &reader), process: process))
        }
    }
}
