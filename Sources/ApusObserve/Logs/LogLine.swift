import ApusCore

/// Formats one line of the log into bounded memory; what does not fit is left out, and the line is whole all the same.
struct LogLine {
    private(set) var end: UnsafeMutablePointer<UInt8>
    private let limit: UnsafeMutablePointer<UInt8>
    private static let stringBytesMax = 4096

    init(_ place: UnsafeMutablePointer<UInt8>, bytesMax: Int) {
        end = place
        // What closes the line always fits.
        limit = place + bytesMax - 256
    }

    mutating func writeJSON(
        _ stamp: inout TimeStamp,
        _ level: LogLevel,
        _ logger: String,
        _ message: String,
        _ fields: KeyValuePairs<String, LogValue>,
        _ trace: TraceContext
    ) {
        end = TextWriter.text("{\"timestamp\":\"", end)
        end = stamp.write(to: end)
        end = TextWriter.text("\",\"level\":\"", end)
        end = TextWriter.text(Self.name(level), end)
        end = TextWriter.text("\",\"logger\":", end)
        json(logger)
        end = TextWriter.text(",\"message\":", end)
        json(message)
        if trace.isValid {
            end = TextWriter.text(",\"trace_id\":\"", end)
            end = TextWriter.hex16(trace.traceHigh, end)
            end = TextWriter.hex16(trace.traceLow, end)
            end = TextWriter.text("\",\"span_id\":\"", end)
            end = TextWriter.hex16(trace.spanID, end)
            end = TextWriter.byte("\"", end)
        }
        if !fields.isEmpty { writeFields(fields) }
        end = TextWriter.text("}\n", end)
    }

    private mutating func writeFields(_ fields: KeyValuePairs<String, LogValue>) {
        end = TextWriter.text(",\"fields\":{", end)
        var left = fields.count
        var keys: Set<String> = []
        for (key, value) in fields {
            // A key given twice is written once: JSON readers keep either one.
            guard keys.insert(key).inserted else {
                left -= 1
                continue
            }
            guard room(64 + 6 * min(key.utf8.count, Self.stringBytesMax)) else { break }
            if keys.count > 1 { end = TextWriter.byte(",", end) }
            json(key)
            end = TextWriter.byte(":", end)
            json(value)
            left -= 1
        }
        end = TextWriter.byte("}", end)
        guard left > 0 else { return }
        end = TextWriter.text(",\"fields_dropped\":", end)
        end = TextWriter.number(Int64(left), end)
    }

    private func room(_ bytes: Int) -> Bool { limit - end >= bytes }

    private mutating func json(_ value: LogValue) {
        switch value {
        case .string(let text): json(text)
        case .int(let number): end = TextWriter.number(Int64(number), end)
        case .bool(let flag): end = TextWriter.text(flag ? "true" : "false", end)
        case .duration(let duration): json(.double(duration.seconds))
        case .double(let number):
            if number.isFinite { plain("\(number)") } else { json("\(number)") }
        }
    }

    private mutating func json(_ text: String) {
        end = TextWriter.byte("\"", end)
        var text = text
        text.withUTF8 { bytes in
            let count = min(bytes.count, Self.stringBytesMax, max(0, limit - end) / 6)
            end = TextWriter.json(UnsafeRawBufferPointer(start: bytes.baseAddress, count: count), end)
        }
        end = TextWriter.byte("\"", end)
    }

    private mutating func plain(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            let count = min(bytes.count, max(0, limit - end))
            end = TextWriter.bytes(UnsafeRawBufferPointer(start: bytes.baseAddress, count: count), end)
        }
    }

    mutating func writeHuman(
        _ stamp: inout TimeStamp,
        _ level: LogLevel,
        _ logger: String,
        _ message: String,
        _ fields: KeyValuePairs<String, LogValue>,
        colored: Bool
    ) {
        end = stamp.write(to: end)
        end = TextWriter.byte(" ", end)
        if colored { end = TextWriter.text(Self.color(level), end) }
        end = TextWriter.text(Self.label(level), end)
        if colored { end = TextWriter.text("\u{1B}[0m", end) }
        end = TextWriter.byte(" ", end)
        printable(logger)
        end = TextWriter.text(": ", end)
        printable(message)
        for (key, value) in fields {
            end = room(1) ? TextWriter.byte(" ", end) : end
            printable(key)
            end = room(1) ? TextWriter.byte("=", end) : end
            switch value {
            case .string(let text): printable(text)
            case .int(let number): plain("\(number)")
            case .double(let number): plain("\(number)")
            case .bool(let flag): plain("\(flag)")
            case .duration(let duration): plain("\(duration.seconds)s")
            }
        }
        end = TextWriter.byte("\n", end)
    }

    /// Text without control characters, which a terminal would obey.
    private mutating func printable(_ text: String) {
        let hasControls = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard hasControls else { return plain(text) }
        var shown = ""
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .control {
                shown += scalar.escaped(asASCII: true)
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        plain(shown)
    }

    private static func name(_ level: LogLevel) -> StaticString {
        switch level {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    private static func label(_ level: LogLevel) -> StaticString {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO "
        case .warning: "WARN "
        case .error: "ERROR"
        }
    }

    private static func color(_ level: LogLevel) -> StaticString {
        switch level {
        case .trace, .debug: "\u{1B}[2m"
        case .info: "\u{1B}[32m"
        case .warning: "\u{1B}[33m"
        case .error: "\u{1B}[31m"
        }
    }
}
