import ApusObserve

/// A row of a table: a route, a method of a service.
public struct RowFact: Codable, Sendable, Hashable {
    /// What the row is of.
    public var name: String
    /// How often a second.
    public var rate: Double
    /// Half take at most this long, in seconds.
    public var p50: Double?
    /// 99 of 100 take at most this long, in seconds.
    public var p99: Double?
    /// Failures a second.
    public var errors: Double
}

/// What the page of a part shows.
public struct PartFact: Codable, Sendable, Hashable {
    /// The part.
    public var name: String
    /// Its replicas.
    public var replicas: [PartStatus]
    /// Its routes, or the methods of a service, the most used first.
    public var rows: [RowFact]
    /// What passes to and from it.
    public var arrows: [Picture.Arrow]
    /// The part as the picture has it.
    public var node: Picture.Node?
}

/// What the page of a cache or a store shows.
public struct BlockAnswer: Codable, Sendable, Hashable {
    /// A number with its name and what it is, such as hits a second.
    public struct Figure: Codable, Sendable, Hashable {
        /// What it is.
        public var name: String
        /// How much.
        public var value: Double
        /// `1/s`, `seconds`, `bytes`, `share` or nothing.
        public var unit: String
    }

    /// A shard, or the part of a cache in one process.
    public struct Part: Codable, Sendable, Hashable {
        /// A shard's number, or a process.
        public var name: String
        /// What is known of it.
        public var figures: [Figure]
    }

    /// The block.
    public var block: BlockFact
    /// What is known of the whole.
    public var figures: [Figure]
    /// What is known of its parts.
    public var parts: [Part]
    /// What passes to it.
    public var arrows: [Picture.Arrow]
    /// The block as the picture has it.
    public var node: Picture.Node?
    /// A cache's hot keys, the hottest first; known of now alone.
    public var hotKeys: [HotKeyFact] = []
    /// How many look-ups were looked at for them.
    public var samples = 0
    /// A store's slow statements since its processes began; known of now alone.
    public var slow: [SlowFact] = []
    /// From when on a statement counts as slow, in seconds.
    public var slowAfter: Double?
    /// A store's resharding; known of now alone, `nil` where nothing moves.
    public var resharding: BlockDetail.Resharding?
}

extension Dashboard {
    /// What was measured in the last `window` seconds, or before `time`.
    func measures(at time: Int64?, window: Double) async -> Measures {
        let end = time ?? timeline.latest ?? 0
        let frames = await timeline.frames(after: end - Int64(max(1, min(3600, window)) * 1e9), to: end)
        return Measures(Frame.merged(frames) ?? Frame(time: end, span: 1_000_000_000, samples: [:]), timeline.series)
    }

    /// What the page of a part shows; `nil` where there is none of that name.
    func part(_ name: String, at time: Int64?, window: Double) async -> PartFact? {
        let replicas = await source.parts(measured: true).filter { $0.name == name }
        guard !replicas.isEmpty else { return nil }
        let picture = await picture(at: time, window: window)
        let measures = await measures(at: time, window: window)
        let isWhole = Set(replicas.compactMap(\.pid)).count == 1 && source.targets.count == 1
        let mine: (SeriesInfo) -> Bool = { $0.process.part == name || isWhole }
        return PartFact(
            name: name,
            replicas: replicas,
            rows: rows(measures, mine, isWhole ? name : nil),
            arrows: picture.arrows.filter { $0.from == name || $0.to == name },
            node: picture.nodes.first { $0.id == name }
        )
    }

    private func rows(_ measures: Measures, _ mine: @escaping (SeriesInfo) -> Bool, _ service: String?) -> [RowFact] {
        var rows: [RowFact] = []
        let routes = Set(
            measures.all("http_server_request_duration_seconds").compactMap {
                mine($0.info) ? $0.info.label("route") : nil
            }
        )
        for route in routes {
            let here: (SeriesInfo) -> Bool = { mine($0) && $0.label("route") == route }
            let times = measures.spread("http_server_request_duration_seconds", here)
            let errors = measures.rate("http_server_requests_total") { here($0) && $0.label("status") == "5xx" }
            rows.append(row(route, times, errors, measures.seconds))
        }
        let calls = Set(
            measures.all("apus_rpc_server_duration_seconds").compactMap { entry -> String? in
                guard mine(entry.info), let name = entry.info.label("service") else { return nil }
                return service == nil || service == name ? "\(name).\(entry.info.label("method") ?? "")" : nil
            }
        )
        for call in calls {
            let here: (SeriesInfo) -> Bool = { info in
                mine(info) && "\(info.label("service") ?? "").\(info.label("method") ?? "")" == call
            }
            let times = measures.spread("apus_rpc_server_duration_seconds", here)
            rows.append(row(call, times, measures.rate("apus_rpc_server_failures_total", here), measures.seconds))
        }
        return rows.sorted { ($0.rate, $1.name) > ($1.rate, $0.name) }
    }

    private func row(_ name: String, _ times: Spread, _ errors: Double, _ seconds: Double) -> RowFact {
        RowFact(
            name: name,
            rate: Double(times.count) / seconds,
            p50: times.quantile(0.5),
            p99: times.quantile(0.99),
            errors: errors
        )
    }

    /// What the page of a block shows; `nil` where there is none of that name.
    func block(_ kind: String, _ name: String, at time: Int64?, window: Double) async -> BlockAnswer? {
        guard let block = source.facts.blocks.first(where: { $0.kind == kind && $0.name == name }) else { return nil }
        let picture = await picture(at: time, window: window)
        let measures = await measures(at: time, window: window)
        let id = "\(kind):\(name)"
        var answer = BlockAnswer(
            block: block,
            figures: figures(kind, measures) { $0.label(kind) == name },
            parts: kind == "store" ? shards(name, measures) : processes(kind, name, measures),
            arrows: picture.arrows.filter { $0.to == id },
            node: picture.nodes.first { $0.id == id }
        )
        guard time == nil else { return answer }
        let details = await source.details(of: kind, name)
        let rate = answer.figures.first { $0.name == Self.lookUps }?.value ?? 0
        answer.hotKeys = HotKeyFact.merged(details.map(\.detail), rate: rate)
        answer.samples = Int(details.reduce(0) { $0 + $1.detail.samples })
        answer.slow = SlowFact.merged(details)
        answer.slowAfter = details.compactMap(\.detail.slowAfter).first
        // A process may have heard of less.
        answer.resharding = details.compactMap(\.detail.resharding).max { $0.slots < $1.slots }
        return answer
    }

    private static let lookUps = "look-ups"

    private func shards(_ name: String, _ measures: Measures) -> [BlockAnswer.Part] {
        let shards = Set(
            measures.all("apus_store_waiting").compactMap { entry in
                entry.info.label("store") == name ? entry.info.label("shard").flatMap { Int($0) } : nil
            }
        )
        return shards.sorted().map { shard in
            BlockAnswer.Part(
                name: "\(shard)",
                figures: figures("store", measures) { $0.label("store") == name && $0.label("shard") == "\(shard)" }
            )
        }
    }

    private func processes(_ kind: String, _ name: String, _ measures: Measures) -> [BlockAnswer.Part] {
        // Every process has all caches; those that use this one are shown.
        let users = Set(timeline.calls.filter { $0.to == "\(kind):\(name)" }.map(\.from))
        let found = Set(
            measures.all("apus_cache_entries").compactMap { entry in
                entry.info.label(kind) == name && users.contains(entry.info.process.part) ? entry.info.process : nil
            }
        )
        return found.sorted().map { process in
            BlockAnswer.Part(
                name: process.description,
                figures: figures(kind, measures) { $0.label(kind) == name && $0.process == process }
            )
        }
    }

    private func figures(_ kind: String, _ measures: Measures, _ mine: (SeriesInfo) -> Bool) -> [BlockAnswer.Figure] {
        var figures: [BlockAnswer.Figure] = []
        func add(_ name: String, _ value: Double?, _ unit: String) {
            if let value { figures.append(BlockAnswer.Figure(name: name, value: value, unit: unit)) }
        }
        func share(_ part: Double, _ whole: Double) -> Double? { whole > 0 ? part / whole : nil }
        if kind == "cache" {
            let hits = measures.growth("apus_cache_hits_total", mine)
            let misses = measures.growth("apus_cache_misses_total", mine)
            add("hit ratio", share(hits, hits + misses), "share")
            add(Self.lookUps, (hits + misses) / measures.seconds, "1/s")
            add("loads", measures.rate("apus_cache_loads_total", mine), "1/s")
            add("load p99", measures.spread("apus_cache_load_duration_seconds", mine).quantile(0.99), "seconds")
            add("failed loads", measures.rate("apus_cache_load_failures_total", mine), "1/s")
            add("evictions", measures.rate("apus_cache_evictions_total", mine), "1/s")
            add("stale answers", measures.rate("apus_cache_stale_served_total", mine), "1/s")
            add("entries", measures.level("apus_cache_entries", mine), "")
            add("weight", measures.level("apus_cache_weight", mine), "")
        } else if kind == "store" {
            let writes = measures.growth("apus_store_writes_total", mine)
            let commits = measures.growth("apus_store_commits_total", mine)
            let times = measures.spread("apus_store_write_duration_seconds", mine)
            add("reads on loops", measures.rate("apus_store_local_reads_total", mine), "1/s")
            add("scans", measures.rate("apus_store_scans_total", mine), "1/s")
            add("writes", writes / measures.seconds, "1/s")
            add("commits", commits / measures.seconds, "1/s")
            add("writes a commit", share(writes, commits), "")
            add("write p50", times.quantile(0.5), "seconds")
            add("write p99", times.quantile(0.99), "seconds")
            add("time in the queue", share(measures.growth("apus_store_queue_seconds_total", mine), writes), "seconds")
            add("time of a commit", share(measures.growth("apus_store_commit_seconds_total", mine), commits), "seconds")
            add("writer in use", measures.rate("apus_store_commit_seconds_total", mine), "share")
            add("waiting now", measures.level("apus_store_waiting", mine), "")
            add("slow", measures.rate("apus_store_slow_total", mine), "1/s")
            add("undone", measures.rate("apus_store_failures_total", mine), "1/s")
            add("refused", measures.rate("apus_store_refused_total", mine), "1/s")
            let bytes = measures.all("apus_store_bytes").filter { mine($0.info) }
            // Every process that has the store open sees the same files.
            let sizes = Dictionary(grouping: bytes) { $0.info.label("shard") ?? "" }
            let size = sizes.values.reduce(0.0) { sum, entries in
                sum + (entries.compactMap { if case .level(let value) = $0.sample { value } else { nil } }.max() ?? 0)
            }
            // A server's disk is not seen from here.
            if size > 0 { add("on disk", size, "bytes") }
            // Each process knows of all slots; not all know at once where one has gone.
            let slots = Dictionary(grouping: measures.all("apus_store_slots").filter { mine($0.info) }) {
                $0.info.process
            }
            let known = slots.values.map { entries in
                entries.reduce(0.0) { sum, entry in
                    if case .level(let value) = entry.sample { sum + value } else { sum }
                }
            }
            add("slots", known.max() ?? 0, "")
        }
        return figures
    }
}
