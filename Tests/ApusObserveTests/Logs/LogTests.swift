import ApusCore
import ApusRuntime
import ApusTesting
import FoundationEssentials
import Testing

@testable import ApusObserve

extension String {
    /// How often `part` occurs.
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}

@Suite(.timeLimit(.minutes(5)))
struct LogTests {
    struct Line: Decodable {
        var timestamp, level, logger, message: String
        var fields: [String: Field]?
        var fields_dropped: Int?
        var trace_id, span_id: String?
    }

    enum Field: Decodable, Equatable {
        case text(String)
        case number(Double)
        case flag(Bool)

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let flag = try? value.decode(Bool.self) {
                self = .flag(flag)
            } else if let number = try? value.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try value.decode(String.self))
            }
        }
    }

    static func written(
        _ format: LogOutput.Format = .json,
        level: LogLevel = .info,
        _ body: (Log) throws -> Void
    ) throws -> [String] {
        let folder = try TemporaryFolder()
        let file = folder.file("log")
        let output = LogOutput(
            to: try LineSink(path: file),
            format: format,
            level: level,
            clock: ManualClock(),
            metrics: Metrics()
        )
        try body(Log("test", to: output))
        return try Files.readText(file).split(separator: "\n").map(String.init)
    }

    static func parse(_ line: String) throws -> Line { try JSONDecoder().decode(Line.self, from: Data(line.utf8)) }

    @Test func `a line has its time, level, logger, message and typed fields`() throws {
        let lines = try Self.written { log in
            log.warning(
                "slow \"query\"",
                ["rows": 3, "share": 0.5, "ok": false, "took": .duration(.milliseconds(1500)), "table": "orders"]
            )
        }
        let line = try Self.parse(try #require(lines.first))
        #expect(line.timestamp == "2026-01-01T00:00:01.000000Z")
        #expect(line.level == "warning")
        #expect(line.logger == "test")
        #expect(line.message == "slow \"query\"")
        let fields: [String: Field] = [
            "rows": .number(3), "share": .number(0.5), "ok": .flag(false), "took": .number(1.5),
            "table": .text("orders"),
        ]
        #expect(line.fields == fields)
        #expect(line.trace_id == nil)
    }

    @Test func `a secret never shows, whichever way it gets in`() throws {
        let secret = Secret("hunter2")
        struct Failed: Error { let token: Secret<String> }
        let write: (Log) -> Void = { log in
            log.info("login with \(secret)", ["password": .secret(secret), "again": "\(secret)"])
            log.error("failed", ["error": .error(Failed(token: secret))])
        }
        for format in [LogOutput.Format.json, .human(colored: true)] {
            let lines = try Self.written(format, write)
            #expect(lines.count == 2)
            for line in lines {
                #expect(!line.contains("hunter2"))
                #expect(line.contains("[redacted]"))
            }
        }
    }

    @Test func `nothing is computed while the level is off, and the level can change`() throws {
        var computed = 0
        func message() -> String {
            computed += 1
            return "m"
        }
        let lines = try Self.written { log in
            log.debug(message(), ["x": .string(message())])
            #expect(computed == 0)
            log.output.configure(level: .debug)
            log.debug(message())
            log.output.configure(level: .error)
            log.warning(message())
        }
        #expect(computed == 1)
        #expect(lines.count == 1)
    }

    @Test func `what does not fit is left out and the line still parses`() throws {
        let long = String(repeating: "\u{1}", count: 10_000)
        let lines = try Self.written { log in
            log.info(long, ["a": .string(long), "b": .string(long), "c": 1, "d": 2])
        }
        let line = try Self.parse(try #require(lines.first))
        #expect(line.message.utf8.count == 4096)
        #expect((line.fields?.count ?? 0) + (line.fields_dropped ?? 0) == 4)
        #expect((line.fields_dropped ?? 0) > 0)
    }

    @Test func `a key given twice is written once, and what JSON has no number for is text`() throws {
        let lines = try Self.written { $0.info("m", ["c": 1, "c": 2, "d": .double(.nan)]) }
        #expect(try Self.parse(try #require(lines.first)).fields == ["c": .number(1), "d": .text("nan")])
        #expect(lines[0].components(of: "\"c\":") == 1)
    }

    @Test func `a line names the trace it belongs to`() throws {
        let tracer = Tracer(store: SpanStore(), metrics: Metrics())
        let span = tracer.begin("test", at: Instant(nanoseconds: 0))
        let lines = try Self.written { log in Trace.$current.withValue(span) { log.info("m") } }
        let line = try Self.parse(try #require(lines.first))
        #expect(line.trace_id == span.context.traceIDText)
        #expect(line.span_id == span.context.spanIDText)
    }

    @Test func `people get a plain line, without what a terminal would obey`() throws {
        let lines = try Self.written(.human(colored: false)) { $0.info("re\u{1B}[2Jd\nx", ["k": "v"]) }
        #expect(lines == ["2026-01-01T00:00:01.000000Z INFO  test: re\\u{1B}[2Jd\\nx k=v"])
        let colored = try Self.written(.human(colored: true)) { $0.info("m") }
        #expect(colored == ["2026-01-01T00:00:01.000000Z \u{1B}[32mINFO \u{1B}[0m test: m"])
    }

    @Test func `on a loop lines leave at the turn's end`() async throws {
        let folder = try TemporaryFolder()
        let file = folder.file("log")
        let output = LogOutput(to: try LineSink(path: file), clock: ManualClock(), metrics: Metrics())
        let log = Log("test", to: output)
        let group = try LoopGroup(count: 1)
        let loop = group.loops[0]
        // The first line opens the thread's buffer and leaves at once; later ones wait for the end of their turn.
        let early = await Task(executorPreference: loop) {
            for _ in 0..<3 { log.info("m") }
            return (try? Files.readText(file).split(separator: "\n").count) ?? -1
        }.value
        let late = await Task(executorPreference: loop) {
            await Task.yield()
            try? await loop.sleep(until: loop.now + .milliseconds(1))
            return (try? Files.readText(file).split(separator: "\n").count) ?? -1
        }.value
        await Task.detached { group.shutdown() }.value
        #expect(early == 0)
        #expect(late == 3)
    }
}
