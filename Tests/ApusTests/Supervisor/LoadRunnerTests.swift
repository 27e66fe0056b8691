import ApusCore
import ApusDashboard
import ApusHTTP
import ApusLoad
import ApusRuntime
import Glibc
import Testing

@testable import Apus

/// Loads that are started over the dashboard, as children of the system's own process.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct LoadRunnerTests {
    private static func post(_ path: String, _ system: RunningSystem) async throws -> ClientResponse {
        try await system.administer(.post, path, fields: [("Authorization", "Bearer \(system.token)")])
    }

    private static func loads(_ system: RunningSystem) async throws -> LoadsDocument {
        try JSONDocument.decode(LoadsDocument.self, from: try await system.administer(.get, "/api/loads").body)
    }

    /// The process that loads the system, by its command line.
    private static func generator(of system: RunningSystem) -> Int32? {
        for name in (try? Files.list("/proc")) ?? [] {
            guard let pid = Int32(name), let line = try? Files.readText("/proc/\(pid)/cmdline", bytesMax: 4096) else {
                continue
            }
            let words = line.split(separator: "\0")
            if words.dropFirst().first == "load", words.contains("--data=\(system.dataFolder)") { return pid }
        }
        return nil
    }

    @Test(arguments: [[], ["--one-process"]])
    func `a run is started, watched to its end, and found among the results`(mode: [String]) async throws {
        try await withSystem(mode) { system in
            #expect(try await Self.loads(system).scenarios.map(\.name) == ["greetings", "notes"])
            let started = try await Self.post("/api/loads/start?scenario=greetings&rate=40&duration=2s", system)
            #expect(started.status == .ok, "\(started.text)")
            #expect(try await Self.post("/api/loads/start?scenario=greetings", system).status == .conflict)
            let isDone = try await system.eventually(within: .seconds(60)) {
                try await Self.loads(system).run?.state.isUnderWay == false
            }
            #expect(isDone)
            let loads = try await Self.loads(system)
            let run = try #require(loads.run)
            #expect(run.state == .done, "\(run)")
            #expect(run.driver?.contains("40 arrivals a second") == true && !run.samples.isEmpty)
            #expect(loads.loads.map(\.name) == [run.result])
            let summary = try #require(loads.loads.first?.summary)
            #expect(summary.scenario == "greetings" && summary.errors == 0 && summary.rate > 10)
        }
    }

    @Test func `a run that is stopped leaves what it measured`() async throws {
        try await withSystem { system in
            #expect(try await Self.post("/api/loads/start?rate=50&duration=10m", system).status == .ok)
            let isUnderWay = try await system.eventually(within: .seconds(60)) {
                try await Self.loads(system).run.map { $0.state == .running && $0.samples.count >= 2 } ?? false
            }
            #expect(isUnderWay)
            #expect(try await Self.post("/api/loads/stop", system).status == .ok)
            let hasEnded = try await system.eventually(within: .seconds(30)) {
                try await Self.loads(system).run?.state == .stopped
            }
            #expect(hasEnded)
            let loads = try await Self.loads(system)
            #expect(loads.loads.map(\.name) == [loads.run?.result])
            #expect(Self.generator(of: system) == nil)
            // The next one may be started now.
            #expect(try await Self.post("/api/loads/start?rate=50&duration=1s", system).status == .ok)
        }
    }

    @Test(arguments: [SIGKILL, SIGTERM])
    func `no generator outlives the system`(signal: Int32) async throws {
        try await withSystem { system in
            #expect(try await Self.post("/api/loads/start?rate=50&duration=10m", system).status == .ok)
            let isUnderWay = try await system.eventually(within: .seconds(60)) {
                try await Self.loads(system).run?.state == .running
            }
            #expect(isUnderWay)
            let generator = try #require(Self.generator(of: system))
            #expect(getpgid(generator) == generator)
            system.process.signal(signal)
            let exit = await system.ends(within: .seconds(30))
            #expect(exit?.code == (signal == SIGTERM ? 0 : 128 + SIGKILL))
            #expect(try await system.eventually(within: .seconds(5)) { !RunningSystem.isAlive(generator) })
        }
    }

    @Test func `a search for the limit tells its steps`() async throws {
        try await withSystem { system in
            let path = "/api/loads/start?rate=20&limit=p99%3D1us"
            #expect(try await Self.post(path, system).status == .ok)
            let isDone = try await system.eventually(within: .seconds(120)) {
                try await Self.loads(system).run?.state.isUnderWay == false
            }
            #expect(isDone)
            let run = try #require(try await Self.loads(system).run)
            // No server answers within a microsecond: no rate holds.
            #expect(run.isLimit && run.state == .done && !run.steps.isEmpty && run.steps.allSatisfy { !$0.holds })
            #expect(try await Self.loads(system).loads.first?.summary?.knee == 0)
        }
    }

    @Test func `a program reads a run line by line`() async throws {
        try await withSystem { system in
            let words = ["load", "greetings", "--rate=30", "--duration=2s"]
            let run = try await system.command(words + ["--json", "-f"])
            #expect([0, 3].contains(run.code), "\(run.errors)")
            let events = try run.output.split(separator: "\n").map { line in
                try JSONDocument.decode(LoadEvent.self, from: line.utf8)
            }
            #expect(events.first?.began?.driver.contains("30 arrivals a second") == true)
            #expect(events.contains { $0.sample != nil })
            #expect(try #require(events.last?.report).all.requests > 0)
            let refused = try await system.command(words + ["--follow"])
            #expect(refused.code == 2 && refused.errors.contains("--follow takes --json"))
        }
    }

    @Test func `the command line shows parts, blocks, metrics and results as the pages do`() async throws {
        try await withSystem { system in
            _ = try await system.get("/notes/1")
            _ = try await system.get("/hello/Ada")
            func json<Value: Decodable>(_ type: Value.Type, _ words: [String]) async throws -> Value {
                let answer = try await system.command(words + ["--json"])
                #expect(answer.code == 0, "\(words): \(answer.errors)")
                return try JSONDocument.decode(type, from: answer.output.utf8)
            }
            #expect(try await json(PartFact.self, ["ps", "web"]).replicas.count == 2)
            #expect(try await json(BlockAnswer.self, ["ps", "cache:seen"]).block.name == "seen")
            #expect(try await json(BlockAnswer.self, ["ps", "notes"]).block.kind == "store")
            let rows = try await json(RowCounts.self, ["ps", "notes", "--rows"])
            #expect(rows.tables.map(\.name) == ["notes"] && rows.isComplete)
            #expect(rows.tables[0].rows.compactMap(\.self).reduce(0, +) == 1)
            let isMeasured = try await system.eventually(within: .seconds(20)) {
                try await json([String: [MetricFact]].self, ["metrics"])["metrics"]?.contains {
                    $0.name == "http_server_requests_total"
                } ?? false
            }
            #expect(isMeasured)
            let words = ["metrics", "http_server_requests_total", "--by", "part", "--last", "1m"]
            #expect(try await json(MetricChart.self, words).name == "http_server_requests_total")
            #expect(try await json(LoadsDocument.self, ["loads"]).scenarios.count == 2)
            for words in [["ps", "web"], ["ps", "seen"], ["ps", "notes", "--rows"], ["loads"], words, ["metrics"]] {
                let answer = try await system.command(words)
                #expect(answer.code == 0 && !answer.output.isEmpty && answer.errors.isEmpty, "\(words): \(answer)")
            }
            for (words, line) in [
                (["ps", "wab"], "did you mean web"), (["ps", "web", "--rows"], "wants a store"),
                (["ps", "--rows"], "needs the name"), (["metrics", "m", "--last", "long"], "--last takes"),
                (["metrics", "m", "--where", "x"], "LABEL=VALUE"),
            ] {
                let answer = try await system.command(words)
                #expect(answer.code == 2 && answer.errors.contains(line), "\(words): \(answer)")
            }
            #expect(try await system.command(["metrics", "nothing"]).code == 1)
            #expect(try await system.command(["loads", "nothing.json"]).code == 1)
        }
    }
}
