public import ApusCore

/// Everything an access log says about one request: pointers into buffers of the server, good until ``AccessLog/record(_:)``
/// returns.
///
/// Not Sendable: the buffers belong to the loop that serves the request.
public struct AccessEntry {
    /// When the answer was finished, on the loop's clock.
    public var finished: Instant
    /// From the first byte of the request to the last of the answer, in nanoseconds.
    public var durationNanoseconds: Int64
    /// `GET`.
    public var method: UnsafeRawBufferPointer
    /// Path and query as they came; only the first 2,048 bytes are written.
    public var target: UnsafeRawBufferPointer
    /// The answer's status, such as 200.
    public var status: Int
    /// Bytes of the answer's body.
    public var responseBytes: Int
    /// Bytes of the request's body.
    public var requestBytes = 0
    /// The peer's IPv4 address in host order; 0 for a Unix socket.
    public var peer: UInt32 = 0
    /// The request id, or empty; the first 128 bytes are written.
    public var requestID = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The `Host` header, or empty; the first 256 bytes are written.
    public var host = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The `Referer` header, or empty; the first 256 bytes are written.
    public var referer = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The `User-Agent` header, or empty; the first 256 bytes are written.
    public var userAgent = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Who answered, for a proxy: the backend's name, or empty; the first 64 bytes are written.
    public var upstream = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The span of the request, or ``TraceContext/none``.
    public var trace = TraceContext.none

    /// What every request has; the rest may be filled in.
    public init(
        finished: Instant,
        durationNanoseconds: Int64,
        method: UnsafeRawBufferPointer,
        target: UnsafeRawBufferPointer,
        status: Int,
        responseBytes: Int
    ) {
        self.finished = finished
        self.durationNanoseconds = durationNanoseconds
        self.method = method
        self.target = target
        self.status = status
        self.responseBytes = responseBytes
    }
}

/// One line for each request, at the price of formatting it.
///
/// Lines gather in a buffer of 64 KiB a thread. They leave when it is full, once a second if more lines come, and by
/// ``flush()``, which a server calls about once a second on each loop and when it drains. Where the other side does not
/// take them, lines are dropped and counted in `apus_log_lines_dropped_total`; a request never waits for its line.
/// No lock, no allocation, no reference count.
public final class AccessLog: Sendable {
    /// How a line looks.
    public enum Format: Sendable, Hashable {
        /// One JSON object a line.
        case json
        /// The combined format of Apache and nginx.
        case combined
    }

    private let writer: LineWriter
    private let format: Format

    /// A log that writes to `sink`.
    ///
    /// - Parameters:
    ///   - sink: Where lines go.
    ///   - format: How a line looks.
    ///   - bufferBytes: Size of each thread's buffer; at least 64 KiB.
    ///   - clock: Gives the time of day.
    ///   - metrics: Where written and dropped lines are counted.
    public init(
        to sink: LineSink,
        format: Format = .json,
        bufferBytes: Int = 64 << 10,
        clock: any Clock = SystemClock(),
        metrics: Metrics = .process
    ) {
        self.format = format
        writer = LineWriter(sink: sink, capacity: bufferBytes, clock: clock, log: "access", metrics: metrics)
    }

    /// Appends the line of one request.
    public func record(_ entry: AccessEntry) {
        switch format {
        case .json: recordJSON(entry)
        case .combined: recordCombined(entry)
        }
    }

    /// Hands over what this thread collected.
    public func flush() { writer.flush() }

    @inline(__always)
    private static func first(_ count: Int, of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes.baseAddress, count: min(count, bytes.count))
    }

    private func recordJSON(_ entry: AccessEntry) {
        let target = Self.first(2048, of: entry.target)
        let method = Self.first(32, of: entry.method)
        let requestID = Self.first(128, of: entry.requestID)
        let host = Self.first(256, of: entry.host)
        let userAgent = Self.first(256, of: entry.userAgent)
        let referer = Self.first(256, of: entry.referer)
        let upstream = Self.first(64, of: entry.upstream)
        let strings = target.count + method.count + requestID.count + host.count
        let more = userAgent.count + referer.count + upstream.count
        writer.append(bytesMax: 512 + 6 * (strings + more), at: entry.finished) { place, stamp in
            var end = TextWriter.text("{\"time\":\"", place)
            end = stamp.write(to: end)
            end = TextWriter.text("\",\"method\":\"", end)
            end = TextWriter.json(method, end)
            end = TextWriter.text("\",\"path\":\"", end)
            end = TextWriter.json(target, end)
            end = TextWriter.text("\",\"status\":", end)
            end = TextWriter.digits3(Int64(entry.status), end)
            end = TextWriter.text(",\"bytes\":", end)
            end = TextWriter.number(Int64(entry.responseBytes), end)
            end = TextWriter.text(",\"duration_ms\":", end)
            end = TextWriter.milliseconds(entry.durationNanoseconds, end)
            if entry.requestBytes != 0 {
                end = TextWriter.text(",\"request_bytes\":", end)
                end = TextWriter.number(Int64(entry.requestBytes), end)
            }
            if entry.peer != 0 {
                end = TextWriter.text(",\"peer\":\"", end)
                end = TextWriter.address(entry.peer, end)
                end = TextWriter.byte("\"", end)
            }
            end = Self.field(",\"host\":\"", host, end)
            end = Self.field(",\"upstream\":\"", upstream, end)
            end = Self.field(",\"request_id\":\"", requestID, end)
            end = Self.field(",\"referer\":\"", referer, end)
            end = Self.field(",\"user_agent\":\"", userAgent, end)
            if entry.trace.isValid {
                end = TextWriter.text(",\"trace_id\":\"", end)
                end = TextWriter.hex16(entry.trace.traceHigh, end)
                end = TextWriter.hex16(entry.trace.traceLow, end)
                end = TextWriter.text("\",\"span_id\":\"", end)
                end = TextWriter.hex16(entry.trace.spanID, end)
                end = TextWriter.byte("\"", end)
            }
            return TextWriter.text("}\n", end)
        }
    }

    @inline(__always)
    private static func field(
        _ name: StaticString,
        _ bytes: UnsafeRawBufferPointer,
        _ place: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        if bytes.isEmpty { return place }
        return TextWriter.byte("\"", TextWriter.json(bytes, TextWriter.text(name, place)))
    }

    private func recordCombined(_ entry: AccessEntry) {
        let target = Self.first(2048, of: entry.target)
        let method = Self.first(32, of: entry.method)
        let userAgent = Self.first(256, of: entry.userAgent)
        let referer = Self.first(256, of: entry.referer)
        let strings = target.count + method.count + userAgent.count + referer.count
        writer.append(bytesMax: 256 + 4 * strings, at: entry.finished) { place, stamp in
            var end =
                entry.peer != 0 ? TextWriter.address(entry.peer, place) : TextWriter.byte("-", place)
            end = TextWriter.text(" - - [", end)
            end = stamp.writeCombined(to: end)
            end = TextWriter.text("] \"", end)
            end = Self.plain(method, end)
            end = TextWriter.byte(" ", end)
            end = Self.plain(target, end)
            end = TextWriter.text(" HTTP/1.1\" ", end)
            end = TextWriter.digits3(Int64(entry.status), end)
            end = TextWriter.byte(" ", end)
            end = TextWriter.number(Int64(entry.responseBytes), end)
            end = TextWriter.text(" \"", end)
            end = referer.isEmpty ? TextWriter.byte("-", end) : Self.plain(referer, end)
            end = TextWriter.text("\" \"", end)
            end = userAgent.isEmpty ? TextWriter.byte("-", end) : Self.plain(userAgent, end)
            return TextWriter.text("\"\n", end)
        }
    }

    /// As nginx does: what is not printable ASCII, quotes and backslashes become `\xHH`.
    private static func plain(
        _ bytes: UnsafeRawBufferPointer,
        _ place: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        var end = place
        for byte in bytes {
            if byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                end = TextWriter.hexByte(byte, TextWriter.text("\\x", end))
            } else {
                end[0] = byte
                end += 1
            }
        }
        return end
    }
}
