import ApusCore
import ApusRuntime
import ApusTesting
import FoundationEssentials
import Glibc
import Testing

@testable import ApusObserve

@Suite(.timeLimit(.minutes(5)))
struct AccessLogTests {
    struct Line: Decodable, Equatable {
        var time, method, path: String
        var status, bytes: Int
        var duration_ms: Double
        var peer, host, request_id, trace_id, span_id: String?
    }

    /// Records entries and gives back what is in the file.
    static func written(
        _ format: AccessLog.Format = .json,
        clock: any Clock = ManualClock(),
        _ record: (AccessLog) -> Void
    ) throws -> String {
        let folder = try TemporaryFolder()
        let file = folder.file("access.log")
        let log = AccessLog(to: try LineSink(path: file), format: format, clock: clock, metrics: Metrics())
        record(log)
        log.flush()
        return try Files.readText(file)
    }

    static func entry(_ target: UnsafeRawBufferPointer, _ method: UnsafeRawBufferPointer) -> AccessEntry {
        AccessEntry(
            finished: Instant(nanoseconds: 1_123_456_000),
            durationNanoseconds: 12_345_678,
            method: method,
            target: target,
            status: 200,
            responseBytes: 1234
        )
    }

    @Test func `a line says what happened, in JSON`() throws {
        let text = try Self.written { log in
            withBytes("/products/7?q=a\"b\\c\u{1}é") { target in
                withBytes("GET") { method in
                    withBytes("req-1") { requestID in
                        var entry = Self.entry(target, method)
                        entry.peer = 0x7F00_0001
                        entry.requestID = requestID
                        entry.trace = TraceContext(traceHigh: 0xAB, traceLow: 1, spanID: 0xCDEF, flags: 1)
                        log.record(entry)
                    }
                }
            }
        }
        let line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
        #expect(
            line
                == Line(
                    time: "2026-01-01T00:00:01.123456Z",
                    method: "GET",
                    path: "/products/7?q=a\"b\\c\u{1}é",
                    status: 200,
                    bytes: 1234,
                    duration_ms: 12.345,
                    peer: "127.0.0.1",
                    request_id: "req-1",
                    trace_id: "00000000000000ab0000000000000001",
                    span_id: "000000000000cdef"
                )
        )
    }

    @Test func `a line in the combined format is what nginx writes`() throws {
        let text = try Self.written(.combined) { log in
            withBytes("/a\"\n") { target in
                withBytes("GET") { method in
                    withBytes("curl/8") { agent in
                        var entry = Self.entry(target, method)
                        entry.userAgent = agent
                        log.record(entry)
                    }
                }
            }
        }
        #expect(text == "- - - [01/Jan/2026:00:00:01 +0000] \"GET /a\\x22\\x0a HTTP/1.1\" 200 1234 \"-\" \"curl/8\"\n")
    }

    /// Whatever bytes a client sends, each line is one JSON object with the text they stand for.
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `any bytes make a line that parses`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var targets: [[UInt8]] = []
        for _ in 0..<2000 {
            let count = Int.random(in: 0..<40, using: &random)
            let isText = Bool.random(using: &random)
            let scalars = "aé\u{20AC}\u{1F600}\"\\\n\u{7F}/"
            targets.append(
                isText
                    ? (0..<count).flatMap { _ in Array(String(scalars.randomElement(using: &random) ?? "a").utf8) }
                    : (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            )
        }
        let text = try Self.written { log in
            for target in targets {
                target.withUnsafeBytes { bytes in withBytes("GET") { log.record(Self.entry(bytes, $0)) } }
            }
        }
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == targets.count)
        for (line, target) in zip(lines, targets) {
            let decoded = try JSONDecoder().decode(Line.self, from: Data(line))
            if let valid = String(validating: target, as: UTF8.self) {
                #expect(decoded.path == valid, "seed \(seed)")
            } else {
                #expect(decoded.path.contains("\u{FFFD}"), "seed \(seed)")
            }
        }
    }

    @Test func `a path is cut off, the line is whole`() throws {
        let text = try Self.written { log in
            [UInt8](repeating: 1, count: 100_000).withUnsafeBytes { target in
                withBytes("GET") { log.record(Self.entry(target, $0)) }
            }
        }
        let line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
        #expect(line.path.utf8.count == 2048)
    }

    @Test func `a reader that does not read costs lines, never time, and no line is torn`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let metrics = Metrics()
        let log = AccessLog(to: LineSink(descriptor: ends[1]), clock: ManualClock(), metrics: metrics)
        let lines = 5000
        withBytes("/") { target in
            withBytes("GET") { method in
                for _ in 0..<lines { log.record(Self.entry(target, method)) }
            }
        }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        let reading = ends[0]
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        while true {
            let count = read(reading, &chunk, chunk.count)
            if count > 0 {
                text += chunk[..<count]
            } else {
                let before = text.count
                log.flush()
                let more = read(reading, &chunk, chunk.count)
                if more > 0 { text += chunk[..<more] }
                if text.count == before { break }
            }
        }
        close(ends[0])
        close(ends[1])
        let received = text.split(separator: UInt8(ascii: "\n"))
        let dropped = metrics.counters("apus_log_lines_dropped_total", help: "", labels: ["log"]).series("access").value
        #expect(dropped > 0)
        #expect(received.count + Int(dropped) == lines)
        for line in received { _ = try JSONDecoder().decode(Line.self, from: Data(line)) }
    }

    @Test func `lines of many threads do not mix`() async throws {
        let folder = try TemporaryFolder()
        let file = folder.file("access.log")
        let log = AccessLog(to: try LineSink(path: file), clock: ManualClock(), metrics: Metrics())
        await onThreads(70) { index in
            withBytes("/\(index)") { target in
                withBytes("GET") { method in
                    for _ in 0..<500 { log.record(Self.entry(target, method)) }
                }
            }
            log.flush()
        }
        let lines = try Files.read(file).split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == 70 * 500)
        var counts: [String: Int] = [:]
        for line in lines { counts[try JSONDecoder().decode(Line.self, from: Data(line)).path, default: 0] += 1 }
        #expect(counts.count == 70)
        #expect(counts.values.allSatisfy { $0 == 500 })
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000000Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"), (4_107_542_399_999_999_999, "2100-02-28T23:59:59.999999Z"),
        (1_709_251_199_000_001_000, "2024-02-29T23:59:59.000001Z"),
    ])
    func `time stamps are right at the calendar's corners`(nanoseconds: Int64, text: String) {
        var stamp = TimeStamp(nanoseconds: nanoseconds)
        let written = String(unsafeUninitializedCapacity: 32) { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            return stamp.write(to: start) - start
        }
        #expect(written == text)
    }
}
