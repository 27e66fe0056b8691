extension SpanStore {
    /// One trace as JSON, for a dashboard: `{"trace_id":…,"spans":[…]}`, or `nil` where no span of it is held.
    ///
    /// A span: `span_id`, `parent_id` (or null), `name`, `kind`, `start_ns` since 1970, `duration_ns`, `failed`, `attributes`.
    ///
    /// - Parameter traceID: 32 hexadecimal digits, as ``TraceContext/traceIDText`` gives them.
    /// - Returns: The document as text.
    public func json(traceID: String) -> String? {
        let digits = traceID.lowercased()
        guard digits.utf8.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
            let low = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        let spans = spans(traceHigh: high, traceLow: low)
        guard !spans.isEmpty else { return nil }
        return "{\"trace_id\":\"\(digits)\",\"spans\":[\(spans.map(\.json).joined(separator: ","))]}"
    }

    /// The newest local roots as JSON, newest first: an array of spans with their `trace_id`.
    public func recentJSON(most: Int = 256) -> String {
        "[\(recentRoots(most: most).map(\.json).joined(separator: ","))]"
    }
}

extension FinishedSpan {
    /// The span as a JSON object.
    public var json: String {
        let kinds: [Span.Kind: String] = [
            .internal: "internal", .server: "server", .client: "client", .producer: "producer", .consumer: "consumer",
        ]
        let noted = attributes.map { "\(jsonText($0.key.description)):\($0.value.json)" }.joined(separator: ",")
        let parent = parentID == 0 ? "null" : "\"\(TraceContext.hexText(parentID))\""
        return """
            {"trace_id":"\(context.traceIDText)","span_id":"\(context.spanIDText)","parent_id":\(parent),\
            "name":\(jsonText(name.description)),"kind":"\(kinds[kind] ?? "internal")","start_ns":\(began),\
            "duration_ns":\(ended - began),"failed":\(failed),"attributes":{\(noted)}}
            """
    }
}

extension FinishedSpan.Value {
    fileprivate var json: String {
        switch self {
        case .int(let number): "\(number)"
        case .double(let number): number.isFinite ? "\(number)" : "\"\(number)\""
        case .bool(let flag): "\(flag)"
        case .string(let text): jsonText(text)
        }
    }
}

/// A JSON string, quotes included.
private func jsonText(_ text: String) -> String {
    var text = text
    return text.withUTF8 { bytes in
        String(unsafeUninitializedCapacity: 6 * bytes.count + 2) { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            let end = TextWriter.json(UnsafeRawBufferPointer(bytes), TextWriter.byte("\"", start))
            return TextWriter.byte("\"", end) - start
        }
    }
}
