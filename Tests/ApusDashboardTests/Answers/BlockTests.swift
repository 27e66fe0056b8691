import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime
import Testing

@testable import ApusDashboard

@Suite(.timeLimit(.minutes(5))) struct BlockTests {
    private static func detail(_ keys: [(String, Double, Double)], samples: Double) -> BlockDetail {
        var detail = BlockDetail()
        detail.samples = samples
        detail.hotKeys = keys.map { .init(key: $0.0, count: $0.1, error: $0.2) }
        return detail
    }

    @Test func `hot keys of several processes are put together as shares of all look-ups`() {
        let facts = HotKeyFact.merged(
            [
                Self.detail([("a", 60, 0), ("b", 20, 5)], samples: 100),
                Self.detail([("b", 140, 10), ("c", 40, 0)], samples: 300),
            ],
            rate: 1000
        )
        #expect(facts.map(\.key) == ["b", "a", "c"])
        #expect(facts[0].share == 0.4 && facts[0].rate == 400 && facts[0].error == 0.0375)
        #expect(HotKeyFact.merged([], rate: 5).isEmpty)
        #expect(HotKeyFact.merged([Self.detail([], samples: 0)], rate: 5).isEmpty)
    }

    @Test func `slow statements of several processes and shards are put together by their text`() {
        func slow(_ text: String, _ shard: Int, _ count: Int, _ seconds: Double, _ longest: Double) -> BlockDetail {
            var detail = BlockDetail()
            detail.slow = [
                .init(text: text, shard: shard, count: count, seconds: seconds, longest: longest, last: Int64(shard))
            ]
            return detail
        }
        let facts = SlowFact.merged([
            (PartName(part: "orders", replica: 0), slow("COMMIT", 2, 2, 0.4, 0.3)),
            (PartName(part: "orders", replica: 1), slow("COMMIT", 0, 2, 0.8, 0.5)),
            (PartName(part: "carts", replica: 0), slow("SELECT ?", 0, 1, 5, 5)),
        ])
        #expect(facts.map(\.text) == ["SELECT ?", "COMMIT"])
        let commit = facts[1]
        #expect(commit.count == 4 && abs(commit.mean - 0.3) < 1e-9 && commit.longest == 0.5 && commit.last == 2)
        #expect(commit.shards == [0, 2] && commit.processes == ["orders/0", "orders/1"])
    }

    @Test func `a block's page has them now, and not of the past`() async throws {
        try await served { site in
            site.system.state.withLock { state in
                var detail = Self.detail([("dune", 8, 0)], samples: 16)
                detail.slowAfter = 0.1
                detail.resharding = Self.resharding(3)
                // One that has heard of less.
                var other = BlockDetail()
                other.resharding = Self.resharding(1)
                state.details = [
                    (PartName(part: "web", replica: 1), other), (PartName(part: "web", replica: 0), detail),
                ]
            }
            let now = try await site.document(BlockAnswer.self, "/api/blocks/cache/pages")
            #expect(now.hotKeys.map(\.key) == ["dune"] && now.hotKeys[0].share == 0.5 && now.samples == 16)
            #expect(now.slowAfter == 0.1)
            let past = try await site.document(BlockAnswer.self, "/api/blocks/cache/pages?at=1")
            #expect(past.hotKeys.isEmpty && past.slowAfter == nil)
            #expect(now.resharding?.slots == 3 && past.resharding == nil)
        }
    }

    private static func resharding(_ slots: Int) -> BlockDetail.Resharding {
        .init(slots: slots, slotsInAll: 8, shards: 4, isDone: false, isBack: false, begunAt: 1)
    }

    @Test func `rows are counted once for all who ask within a while`() async throws {
        try await served { site in
            for _ in 0..<3 {
                let counts = try await site.document(RowCounts.self, "/api/blocks/store/books/rows")
                #expect(counts.tables.first?.rows == [1])
            }
            #expect(site.system.state.withLock { $0.counts } == 1)
            #expect(try await site.get("/api/blocks/store/nothing/rows").status == .notFound)
        }
    }

    @Test func `an arrow stays when nothing passes, and a block as a filter stands for those who use it`() async throws
    {
        let system = MadeUpSystem(["edge", "web", "orders"])
        let hits = system.metrics("web").counters("apus_cache_hits_total", help: "H.", labels: ["cache"]).series(
            "pages"
        )
        // A cache that a process has and does not use.
        _ = system.metrics("orders").counters("apus_cache_hits_total", help: "H.", labels: ["cache"]).series("pages")
        try await served(system) { site in
            await site.dashboard.gather()
            hits.add(5)
            await site.dashboard.gather()
            for _ in 0..<2 { await site.dashboard.gather() }
            let later = (site.dashboard.timeline.latest ?? 0) / 1_000_000
            let picture = try await site.document(Picture.self, "/api/picture?window=1&at=\(later + 30_000)")
            let arrow = try #require(picture.arrows.first { $0.to == "cache:pages" })
            #expect(arrow.from == "web" && arrow.rate == 0)
            #expect(!picture.arrows.contains { $0.from == "orders" && $0.to == "cache:pages" })
            #expect(site.dashboard.parts(for: "cache:pages") == ["web"])
            #expect(site.dashboard.parts(for: "orders") == ["orders"])
            site.system.processes[1].tail.append(LogRecord(time: 1, level: .info, logger: "l", message: "of the web"))
            site.system.processes[2].tail.append(LogRecord(time: 1, level: .info, logger: "l", message: "of orders"))
            await site.dashboard.gather()
            let lines = try await site.document([String: [LineFact]].self, "/api/logs?part=cache:pages")["lines"] ?? []
            #expect(lines.map(\.message) == ["of the web"])
            let chart = try await site.document(MetricChart.self, "/api/metrics/apus_cache_hits_total?part=cache:pages")
            #expect(chart.lines.count == 1)
            let none = try await site.document(MetricChart.self, "/api/metrics/apus_cache_hits_total?part=cache:none")
            #expect(none.lines.isEmpty)
        }
    }
}
