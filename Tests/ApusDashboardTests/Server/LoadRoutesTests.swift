import ApusCore
import ApusHTTP
import ApusRuntime
import FoundationEssentials
import Testing

@testable import ApusDashboard
@testable import ApusLoad

@Suite(.timeLimit(.minutes(5))) struct LoadRoutesTests {
    @Test func `a run is started with the token, one at a time, and stopped`() async throws {
        try await served { site in
            let bare = ClientRequest(.post, "/api/loads/start?scenario=reading")
            #expect(try await site.client.send(bare, within: .seconds(20)).status == .unauthorized)
            #expect(site.system.runner.status == nil)
            let path =
                "/api/loads/start?scenario=reading&rate=70&duration=45s&shape=ramp&require=p99%3D50ms&reason=sale"
            #expect(try await site.post(path).status == .ok)
            let status = try #require(site.system.runner.status)
            #expect(status.scenario == "reading" && status.seconds == 45 && status.asked.contains("70"))
            #expect(try await site.post(path).status == .conflict)
            #expect(try await site.post("/api/loads/stop").status == .ok)
            #expect(try await site.post("/api/loads/stop").status == .conflict)
            let lines = try await site.document([String: [LineFact]].self, "/api/logs?text=load")["lines"] ?? []
            #expect(lines.contains { line in line.fields.contains { $0.key == "reason" && $0.value == "sale" } })
        }
    }

    @Test(arguments: [
        ("scenario=nothing", Status.notFound), ("rate=0", .badRequest), ("rate=1e9", .badRequest),
        ("rate=many", .badRequest), ("duration=long", .badRequest), ("duration=3h", .badRequest),
        ("shape=square", .badRequest), ("shape=1:4h", .badRequest), ("limit=fast", .badRequest),
        ("require=p99", .badRequest),
    ])
    func `a run that makes no sense is refused`(query: String, status: Status) async throws {
        try await served { site in
            let answer = try await site.post("/api/loads/start?\(query)")
            #expect(answer.status == status, "\(answer.text)")
            #expect(site.system.runner.status == nil)
        }
    }

    @Test func `a question has the scenario's own rate and time, and a search has no end`() throws {
        let scenario = ScenarioFact(
            Scenario("s", rate: 20, duration: .seconds(90)) { _ in Mix([Journey("j") { _ in }]) }
        )
        let plain = try LoadQuestion(scenario: scenario)
        #expect(plain.rate == 20 && plain.seconds == 90 && plain.shape == "constant")
        #expect(try LoadQuestion(scenario: scenario, shape: "soak").seconds == 1800)
        #expect(try LoadQuestion(scenario: scenario, shape: "10:20s,10-50:40s").seconds == 60)
        let search = try LoadQuestion(scenario: scenario, limit: ["p99=50ms"])
        #expect(search.seconds == nil && search.words.contains("p99=50ms"))
    }

    @Test func `a page hears of a run as it goes, each sample once`() async throws {
        try await served { site in
            #expect(try await site.post("/api/loads/start?scenario=reading").status == .ok)
            let sample = loadReport(p99: 0.01).samples[0]
            let runner = site.system.runner
            runner.change { $0.add(sample: sample) }
            let events = try await site.events(3, of: "/api/loads/live") { seen in
                runner.change { status in
                    status.state = seen == 1 ? .running : .done
                    status.add(sample: sample)
                }
            }
            let told = try events.map { event in
                try JSONDecoder().decode(LoadStatus.self, from: Data(event.dropFirst("run\ndata: ".count).utf8))
            }
            #expect(told.map(\.state) == [.preparing, .running, .done])
            #expect(told.map(\.samplesFrom) == [0, 1, 2] && told.allSatisfy { $0.samples.count == 1 })
        }
    }

    @Test func `what a run says and measures is bounded`() throws {
        let scenario = ScenarioFact(Scenario("s") { _ in Mix([Journey("j") { _ in }]) })
        var status = LoadStatus(number: 1, try LoadQuestion(scenario: scenario), began: 0)
        let sample = loadReport(p99: 0.01).samples[0]
        for index in 0..<LoadStatus.samplesMax + 10 {
            status.add(line: "\(index)")
            status.add(sample: sample)
        }
        #expect(status.lines.count == LoadStatus.linesMax && status.lines.last == "\(LoadStatus.samplesMax + 9)")
        #expect(status.samples.count == LoadStatus.samplesMax)
    }

    @Test func `results are listed with what they say, shown and compared`() async throws {
        try await served { site in
            try site.write(loadReport(p99: 0.01), to: "first.json")
            try site.write(loadReport(p99: 0.02, holds: false), to: "second.json")
            try Files.writeAtomically("{\"rate\":5}", to: "\(site.loads)/strange.json")
            try Files.writeAtomically("secret", to: "\(site.loads)/other.txt")
            let document = try await site.document(LoadsDocument.self, "/api/loads")
            #expect(document.scenarios.map(\.name) == ["reading"] && document.run == nil)
            let facts = Dictionary(uniqueKeysWithValues: document.loads.map { ($0.name, $0.summary) })
            #expect(facts.keys.sorted() == ["first.json", "second.json", "strange.json"])
            #expect(facts["first.json"]??.p99 == 0.01 && facts["first.json"]??.holds == true)
            #expect(facts["second.json"]??.holds == false && facts["strange.json"] == .some(nil))
            #expect(try await site.document(LoadReport.self, "/api/loads/first.json").all.requests == 300)
            let compared = try await site.document(
                LoadComparison.self,
                "/api/loads/compare?old=first.json&new=second.json"
            )
            let p99 = try #require(compared.rows.first { $0.kind == "all" && $0.measure == "p99" })
            #expect(p99.change == 1 && p99.verdict == "worse")
            for path in ["nothing.json", "other.txt", "..%2Fsecret.json"] {
                #expect(try await !site.get("/api/loads/\(path)").status.isSuccess)
            }
            #expect(try await site.get("/api/loads/compare?old=first.json&new=strange.json").status == .notFound)
        }
    }

    @Test func `the whole report is a page that may show its own style and nothing else`() async throws {
        try await served { site in
            try site.write(loadReport(p99: 0.01), to: "first.json")
            let page = try await site.get("/loads/first.json/report")
            #expect(page.status == .ok && page.text.contains("&lt;b&gt;balanced"))
            let policy = try #require(page.field("Content-Security-Policy"))
            #expect(policy.contains("default-src 'none'") && policy.contains("sandbox"))
            #expect(!policy.contains("script-src"))
            #expect(try await site.get("/loads/nothing.json/report").status == .notFound)
        }
    }

    @Test func `nothing outside of the folder of results is read`() throws {
        let folder = try TemporaryFolder()
        try Files.writeAtomically("{\"rate\":5}", to: "\(folder.path)/first.json")
        try Files.writeAtomically("secret", to: "\(folder.path)/other.txt")
        #expect(LoadFact.list(folder.path).map(\.name) == ["first.json"])
        #expect(LoadFact.read("first.json", in: folder.path, bytesMax: 100) == Array("{\"rate\":5}".utf8))
        for name in ["../first.json", "other.txt", "", "..", "a/../first.json"] {
            #expect(LoadFact.read(name, in: folder.path, bytesMax: 100) == nil)
        }
    }
}
