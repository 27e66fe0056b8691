import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime
import FoundationEssentials
import Testing

@testable import ApusDashboard

@Suite(.timeLimit(.minutes(5))) struct DashboardServerTests {
    @Test func `a page is our script and style alone, and text stays text`() async throws {
        try await served(MadeUpSystem(["web"], system: "<script>alert(1)</script>")) { site in
            for path in [
                "/", "/parts/web", "/blocks/store/books", "/traces/abc", "/logs", "/explore", "/configuration",
                "/loads",
            ] {
                let page = try await site.get(path)
                #expect(page.status == .ok)
                #expect(!page.text.contains("<script>alert"))
                #expect(page.text.contains("&lt;script&gt;alert"))
                let policy = try #require(page.field("Content-Security-Policy"))
                #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"))
                #expect(!policy.contains("unsafe"))
                #expect(!page.text.contains("style=") && !page.text.contains("onclick"))
            }
        }
    }

    @Test func `every asset is there, is asked for once, and asks nothing of other places`() async throws {
        try await served { site in
            for asset in Asset.all {
                let answer = try await site.get(asset.path)
                #expect(answer.status == .ok && answer.text == asset.text)
                let tag = try #require(answer.field("ETag"))
                #expect(try await site.get(asset.path, [("If-None-Match", tag)]).status == .notModified)
                let addresses = asset.text.replacing("http://www.w3.org/2000/svg", with: "")
                #expect(!addresses.contains("http://") && !addresses.contains("https://"))
                #expect(!asset.text.contains("innerHTML") && !asset.text.contains("eval("))
            }
        }
    }

    @Test func `another host is refused, and a change wants the token`() async throws {
        try await served { site in
            #expect(try await site.get("/api/parts", [("Host", "evil.example")]).status != .ok)
            let bare = try await site.client.send(ClientRequest(.post, "/api/parts/web/restart"), within: .seconds(20))
            #expect(bare.status == .unauthorized)
            let foreign = ClientRequest(
                .post,
                "/api/parts/web/restart",
                fields: [("Cookie", "apus-\(site.port)=\(ServedDashboard.token)"), ("Origin", "http://evil.example")]
            )
            #expect(try await site.client.send(foreign, within: .seconds(20)).status == .forbidden)
            #expect(
                try await site.client.send(ClientRequest(.post, "/api/session", body: [1]), within: .seconds(20)).status
                    == .unauthorized
            )
            #expect(site.system.state.withLock { $0.changes }.isEmpty)
            let entered = try await site.get("/logs?token=\(ServedDashboard.token)")
            #expect(entered.status == .seeOther && entered.field("Location") == "/logs")
            #expect(entered.field("Set-Cookie")?.contains("HttpOnly; SameSite=Strict") == true)
            #expect(try await site.get("/?token=wrong").status == .unauthorized)
        }
    }

    @Test func `changes reach the system, and their reasons the log`() async throws {
        try await served { site in
            #expect(try await site.post("/api/parts/orders/0/restart?reason=new%20settings").status == .ok)
            #expect(try await site.post("/api/parts/orders/scale?replicas=4&reason=sale").status == .ok)
            #expect(try await site.post("/api/parts/nobody/restart").status == .notFound)
            #expect(try await site.post("/api/parts/orders/scale?replicas=65").status == .badRequest)
            let refused = try await site.post("/api/parts/web/0/stop")
            #expect(refused.status == .conflict && refused.text.contains("the web part stays"))
            #expect(site.system.state.withLock { $0.changes } == ["restart orders/0", "scale orders 4"])
            let lines = try await site.document([String: [LineFact]].self, "/api/logs?part=supervisor")["lines"] ?? []
            let reasons = lines.flatMap(\.fields).filter { $0.key == "reason" }.map(\.value)
            #expect(reasons.contains("new settings") && reasons.contains("sale"))
        }
    }

    @Test func `numbers become a picture, charts and pages of parts`() async throws {
        let system = MadeUpSystem(["edge", "web", "orders"])
        let requests = system.metrics("edge").counters(
            "edge_requests_total",
            help: "R.",
            labels: ["replica", "status"]
        )
        let upstream = system.metrics("edge").counter("edge_upstream_requests_total", help: "U.")
        let times = system.metrics("web").histograms(
            "http_server_request_duration_seconds",
            help: "T.",
            bounds: .callDurations,
            labels: ["route"]
        )
        let calls = system.metrics("web").histograms(
            "apus_rpc_client_duration_seconds",
            help: "C.",
            bounds: .callDurations,
            labels: ["service"]
        )
        let hits = system.metrics("web").counters("apus_cache_hits_total", help: "H.", labels: ["cache"]).series(
            "pages"
        )
        let misses = system.metrics("web").counters("apus_cache_misses_total", help: "M.", labels: ["cache"]).series(
            "pages"
        )
        try await served(system) { site in
            // Two rounds, so that a beginning and an end are known.
            await site.dashboard.gather()
            requests.series("web/0", "2xx").add(90)
            requests.series("web/0", "5xx").add(10)
            upstream.add(100)
            hits.add(3)
            misses.add(1)
            for _ in 0..<99 { times.series("GET /books").record(.milliseconds(2)) }
            times.series("GET /books").record(.milliseconds(200))
            calls.series("orders").record(.milliseconds(3))
            await site.dashboard.gather()
            let picture = try await site.document(Picture.self, "/api/picture?window=60")
            let arrows = Dictionary(uniqueKeysWithValues: picture.arrows.map { ("\($0.from)>\($0.to)", $0) })
            let entry = try #require(arrows["clients>edge"])
            #expect(abs(entry.rate * picture.window - 100) < 0.01 && abs(entry.errors * picture.window - 10) < 0.01)
            let web = try #require(arrows["edge>web"])
            #expect(try #require(web.p50) > 0.0015 && #require(web.p50) < 0.0025)
            #expect(arrows["web>orders"]?.p99 != nil)
            #expect(picture.nodes.first { $0.id == "cache:pages" }?.hitRatio == 0.75)
            let part = try await site.document(PartFact.self, "/api/parts/web?window=60")
            #expect(part.rows.map(\.name) == ["GET /books"] && part.replicas.count == 1)
            let block = try await site.document(BlockAnswer.self, "/api/blocks/cache/pages?window=60")
            #expect(block.figures.first { $0.name == "hit ratio" }?.value == 0.75)
            let chart = try await site.document(
                MetricChart.self,
                "/api/metrics/http_server_request_duration_seconds?show=p50&by=route&where=route:GET%20/books"
            )
            #expect(chart.lines.map(\.name) == ["GET /books"])
            #expect(chart.lines[0].values.contains { ($0 ?? 0) > 0.0015 })
            let names = try await site.document([String: [MetricFact]].self, "/api/metrics")["metrics"]?.map(\.name)
            #expect(names?.contains("edge_requests_total") == true)
            #expect(try await site.get("/api/metrics/nothing").status == .notFound)
            #expect(try await site.get("/api/picture?window=no").status == .badRequest)
        }
    }

    @Test func `a request is found with its spans, its lines and the point that it explains`() async throws {
        let system = MadeUpSystem(["edge", "web"])
        try await served(system) { site in
            let now = SystemClock().wallNanoseconds()
            let web = PartName(part: "web", replica: 0)
            site.dashboard.traces.add(
                [span("GET /books", trace: 5, id: 1, began: now, milliseconds: 30)],
                from: web,
                at: now
            )
            let id = TraceID(high: 7, low: 5)
            let list = try await site.document([String: [TraceSummary]].self, "/api/traces?least=10&part=web")["traces"]
            #expect(list?.map(\.trace) == ["\(id)"])
            let spans = try await site.document([String: [SpanFact]].self, "/api/traces/\(id)")["spans"]
            #expect(spans?.count == 1)
            #expect(try await site.get("/api/traces/xyz").status == .badRequest)
            #expect(try await site.get("/api/traces/\(TraceID(high: 1, low: 1))").status == .notFound)
            #expect(try await site.get("/api/logs?trace=12").status == .badRequest)
            let settings = try await site.get("/api/configuration").text
            #expect(settings.contains("[redacted]"))
        }
    }

    @Test func `a page that is open hears of each round, and of lines as they come`() async throws {
        try await served { site in
            let live = try await site.events(1, of: "/api/live")
            #expect(live.first?.hasPrefix("picture\ndata: {\"arrows\":") == true)
            site.system.processes[1].tail.append(
                LogRecord(time: 1, level: .info, logger: "l", message: "a line\nof two")
            )
            let line = try #require(try await site.events(1, of: "/api/logs/live?after=-1&text=line").first)
            #expect(line.hasPrefix("line\n") && line.contains("a line\\nof two"))
        }
    }

    @Test func `a session saved here is opened elsewhere`() async throws {
        let saved = Lock<[UInt8]>([])
        try await served { site in
            let now = SystemClock().wallNanoseconds()
            site.dashboard.traces.add(
                [span("GET /books", trace: 5, id: 1, began: now)],
                from: PartName(part: "web", replica: 0),
                at: now
            )
            site.dashboard.note(.info, "something to remember")
            await site.dashboard.gather()
            let to = (SystemClock().wallNanoseconds() + 5_000_000_000) / 1_000_000
            let bytes = try await site.get("/api/session?to=\(to)").body
            saved.withLock { $0 = bytes }
        }
        try await served { site in
            #expect(try await site.post("/api/session", body: Array("not a session".utf8)).status == .badRequest)
            #expect(try await site.post("/api/session", body: saved.withLock { $0 }).status == .ok)
            let traces = try await site.document([String: [TraceSummary]].self, "/api/traces")["traces"]
            #expect(traces?.map(\.name) == ["GET /books"])
            let lines = try await site.get("/api/logs?text=remember").text
            #expect(lines.contains("something to remember"))
        }
    }
}
