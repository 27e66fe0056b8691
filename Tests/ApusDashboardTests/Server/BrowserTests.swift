import ApusCore
import ApusLoad
import ApusObserve
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusDashboard

/// A system of a hundred parts that a test makes up, with figures that go on growing.
private struct HundredParts: Sendable {
    let system: MadeUpSystem
    private let grow: [@Sendable () -> Void]

    init() {
        let services = (0..<98).map { "part-" + (($0 < 10) ? "0\($0)" : "\($0)") }
        let caches = (0..<12).map { "cache-" + (($0 < 10) ? "0\($0)" : "\($0)") }
        let stores = (0..<4).map { "store-\($0)" }
        let blocks =
            caches.map { BlockFact(name: $0, kind: "cache", place: "/nowhere/\($0)", stockClient: nil) }
            + stores.map { BlockFact(name: $0, kind: "store", place: "/nowhere/\($0)", stockClient: "sqlite3 x") }
        let system = MadeUpSystem(["edge", "web"] + services, blocks: blocks)
        self.system = system
        var grow: [@Sendable () -> Void] = []
        func counter(_ part: String, _ name: String, _ labels: [(String, String)], by amount: Int) {
            let family = system.metrics(part).counters(name, help: "Made up.", labels: labels.map(\.0))
            let series =
                labels.count == 1 ? family.series(labels[0].1) : family.series(labels[0].1, labels[1].1)
            grow.append { series.add(amount) }
        }
        func times(_ part: String, _ name: String, _ label: (String, String), _ microseconds: Int64) {
            let family = system.metrics(part).histograms(
                name,
                help: "Made up.",
                bounds: .callDurations,
                labels: [label.0],
                seriesMax: 64
            )
            let series = family.series(label.1)
            grow.append {
                for share in 1...8 { series.record(.microseconds(microseconds * Int64(share))) }
            }
        }
        counter("edge", "edge_requests_total", [("replica", "web/0"), ("status", "2xx")], by: 40)
        counter("edge", "edge_requests_total", [("replica", "web/0"), ("status", "5xx")], by: 1)
        times("web", "http_server_request_duration_seconds", ("route", "GET /books/{book}"), 900)
        for (index, service) in services.enumerated() {
            // Each service is called by one of a tenth as many, and calls a cache, a store, or both.
            let caller = index < 10 ? "web" : services[index / 10]
            times(caller, "apus_rpc_client_duration_seconds", ("service", service), Int64(100 + index * 13))
            if index % 2 == 0 {
                let cache = caches[index % 12]
                counter(service, "apus_cache_hits_total", [("cache", cache)], by: 30 + index)
                counter(service, "apus_cache_misses_total", [("cache", cache)], by: 5)
                times(service, "apus_cache_load_duration_seconds", ("cache", cache), 70)
                system.metrics(service).observe(
                    "apus_cache_entries",
                    help: "Made up.",
                    labels: [("cache", cache)]
                ) { 17 }
            } else {
                let labels = [("store", stores[index % 4]), ("shard", "0")]
                counter(service, "apus_store_writes_total", labels, by: 3)
                system.metrics(service).observe("apus_store_waiting", help: "Made up.", labels: labels) { 0 }
            }
            system.metrics(service).observe("process_resident_memory_bytes", help: "Made up.") { 40e6 }
            system.metrics(service).observeTotal(
                "apus_loop_busy_seconds_total",
                help: "Made up.",
                labels: [("loop", "0")]
            ) { Double(index) * 0.001 }
        }
        self.grow = grow
    }

    /// Lets a tenth of a second of work happen.
    func step() { for one in grow { one() } }
}

@Suite(.needs(.browser), .timeLimit(.minutes(10))) struct BrowserTests {
    @Test func `a hundred parts are painted soon, read well and used by everybody`() async throws {
        let python = try #require(RealPart.browser.location, "APUS_TEST_ALL=1, but APUS_TEST_BROWSER is not set")
        let parts = HundredParts()
        parts.system.state.withLock { state in
            var detail = BlockDetail()
            (detail.samples, detail.slowAfter) = (400, 0.1)
            detail.hotKeys = [.init(key: "dune", count: 80, error: 2), .init(key: "emma", count: 10, error: 1)]
            detail.slow = [.init(text: "SELECT ?", shard: 0, count: 2, seconds: 0.5, longest: 0.3, last: 1)]
            detail.resharding = .init(slots: 3, slotsInAll: 8, shards: 4, isDone: false, isBack: false, begunAt: 1)
            state.details = [(PartName(part: "part-03", replica: 0), detail)]
        }
        try await served(parts.system) { site in
            try site.write(loadReport(p99: 0.01), to: "older.json")
            try site.write(loadReport(p99: 0.02), to: "newer.json")
            let loop = site.dashboard.loop
            let working = Task(executorPreference: loop) {
                while !Task.isCancelled {
                    parts.step()
                    Self.answer(site)
                    try? await loop.sleep(for: .milliseconds(100))
                }
            }
            let script =
                #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
                .joined(separator: "/") + "/Browser/dashboard_test.py"
            let url = "\(site.url)/?token=\(ServedDashboard.token)"
            let folder = try TemporaryFolder()
            let (exit, output) = try await Self.run([python, script, url], in: folder, on: loop)
            working.cancel()
            await working.value
            #expect(exit.isSuccess, "\(exit)\n\(output)")
            print(output)
        }
    }

    /// A request with its lines, and what a load that is under way measures.
    private static func answer(_ site: ServedDashboard) {
        let now = SystemClock().wallNanoseconds()
        let id = UInt64(now / 100_000_000)
        let web = PartName(part: "web", replica: 0)
        site.dashboard.traces.add(
            [span("GET /books/{book}", trace: id, id: id, began: now, milliseconds: Int64(id % 40))],
            from: web,
            at: now
        )
        site.dashboard.traces.add(
            [span("part-07.look", trace: id, id: id + 1, parent: id, began: now, milliseconds: 1)],
            from: PartName(part: "part-07", replica: 0),
            at: now
        )
        if id % 10 == 0 { site.dashboard.note(.info, "a book was looked at", ["book": "dune"], from: web) }
        site.system.runner.change { status in
            guard status.state.isUnderWay else { return }
            status.state = .running
            var sample = loadReport(p99: 0.004 + Double(id % 7) / 1000).samples[0]
            sample.at = Double(status.samples.count + 1)
            status.add(sample: sample)
        }
    }

    /// Runs a script to its end.
    private static func run(
        _ words: [String],
        in folder: TemporaryFolder,
        on loop: EventLoop
    ) async throws -> (ChildProcess.Exit, String) {
        let path = "\(folder.path)/output"
        let output = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer {
            close(output)
            close(null)
        }
        let process = try ChildProcess(
            path: words[0],
            arguments: Array(words.dropFirst()),
            environment: ["PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"],
            descriptors: [null, output, output],
            on: loop
        )
        let timer = loop.schedule(at: loop.preciseNow() + .seconds(540)) { process.signal(SIGKILL) }
        let exit = await process.wait()
        loop.cancel(timer)
        return (exit, try Files.readText(path, bytesMax: 1 << 20))
    }
}
