import ApusObserve

/// Makes the picture of a system out of what its processes measured.
struct PictureMaker {
    private let facts: SystemFacts
    private let parts: [PartStatus]
    private let measures: Measures
    /// Who was seen to use what: its arrow stays while nothing passes.
    private let calls: Set<KnownCall>
    private let ofPart: [String: Measures]
    private let ofProcess: [PartName: Measures]
    private let isWhole: Bool

    init(facts: SystemFacts, parts: [PartStatus], measures: Measures, calls: Set<KnownCall>) {
        self.facts = facts
        self.parts = parts
        self.measures = measures
        self.calls = calls
        isWhole = Set(parts.compactMap(\.pid)).count == 1 && parts.count > 1
        ofPart = measures.grouped { $0.process.part }
        ofProcess = measures.grouped { $0.process }
    }

    /// What a part measured; of a process that is all parts, everything.
    private func measures(of part: String) -> Measures { isWhole ? measures : ofPart[part] ?? measures.empty }

    func picture(time: Int64, problems: [String]) -> Picture {
        var nodes = partNodes + blockNodes
        if nodes.contains(where: { $0.kind == "edge" }) {
            nodes.insert(Picture.Node(id: "clients", name: "clients", kind: "clients"), at: 0)
        }
        let busiest = nodes.indices.max { (nodes[$0].utilisation ?? 0) < (nodes[$1].utilisation ?? 0) }
        if let busiest, (nodes[busiest].utilisation ?? 0) > 0.01 { nodes[busiest].isBusiest = true }
        return Picture(
            time: time,
            window: measures.seconds,
            nodes: nodes,
            arrows: arrows(nodes),
            problems: problems + facts.blocks.flatMap { block in block.problems.map { "\(block.name): \($0)" } }
        )
    }

    // MARK: Nodes

    private var partNodes: [Picture.Node] {
        var order: [String] = []
        for part in parts where !order.contains(part.name) { order.append(part.name) }
        var nodes = order.map { name in node(name, parts.filter { $0.name == name }) }
        if isWhole, let pid = parts.first?.pid {
            // All parts share a process: what it uses stands once.
            var whole = Picture.Node(id: facts.system, name: facts.system, kind: "process", engine: "process \(pid)")
            let process = PartName(part: facts.system, replica: 0)
            let member = member(process, state: "ready", restarts: nil)
            whole.members = [member]
            fill(&whole)
            nodes.append(whole)
        }
        return nodes
    }

    private func node(_ name: String, _ replicas: [PartStatus]) -> Picture.Node {
        var node = Picture.Node(id: name, name: name, kind: replicas.first?.kind ?? "service")
        node.members = replicas.map { status in
            member(PartName(part: name, replica: status.replica), state: status.state, restarts: status.restarts)
        }
        fill(&node)
        return node
    }

    private func fill(_ node: inout Picture.Node) {
        node.utilisation = node.members.compactMap(\.utilisation).max()
        node.queue = node.members.compactMap(\.queue).max()
        node.cpu = Self.sum(node.members.map(\.cpu))
        node.memory = Self.sum(node.members.map(\.memory))
    }

    private static func sum(_ values: [Double?]) -> Double? {
        let known = values.compactMap(\.self)
        return known.isEmpty ? nil : known.reduce(0, +)
    }

    private func member(_ process: PartName, state: String, restarts: Int?) -> Picture.Member {
        let own = ofProcess[process] ?? measures.empty
        let busy = own.all("apus_loop_busy_seconds_total").compactMap { entry -> Double? in
            if case .growth(let seconds) = entry.sample { return seconds / own.seconds }
            return nil
        }.max()
        let isKnown = !own.all("process_resident_memory_bytes").isEmpty
        let served =
            own.rate("http_server_requests_total") + own.rate("edge_requests_total")
            + Double(own.spread("apus_rpc_server_duration_seconds").count) / own.seconds
        return Picture.Member(
            name: process.description,
            state: state,
            utilisation: isKnown ? min(1, busy ?? 0) : nil,
            queue: own.spread("apus_loop_queue_seconds").quantile(0.99),
            cpu: isKnown ? own.rate("process_cpu_seconds_total") : nil,
            memory: isKnown ? own.level("process_resident_memory_bytes") : nil,
            restarts: restarts,
            rate: served
        )
    }

    private var blockNodes: [Picture.Node] {
        facts.blocks.map { block in
            switch block.kind {
            case "store": store(block)
            case "cache": cache(block)
            default: Picture.Node(id: "\(block.kind):\(block.name)", name: block.name, kind: block.kind)
            }
        }
    }

    private func cache(_ block: BlockFact) -> Picture.Node {
        let mine: (SeriesInfo) -> Bool = { $0.label("cache") == block.name }
        let hits = measures.growth("apus_cache_hits_total", mine)
        let misses = measures.growth("apus_cache_misses_total", mine)
        var node = Picture.Node(id: "cache:\(block.name)", name: block.name, kind: "cache", engine: engine(block))
        node.hitRatio = hits + misses > 0 ? hits / (hits + misses) : nil
        return node
    }

    private func engine(_ block: BlockFact) -> String {
        guard let scheme = block.place.firstRange(of: "://") ?? block.place.firstRange(of: ":") else {
            return block.kind == "cache" ? "in memory" : "SQLite"
        }
        return String(block.place[..<scheme.lowerBound])
    }

    private func store(_ block: BlockFact) -> Picture.Node {
        var node = Picture.Node(id: "store:\(block.name)", name: block.name, kind: "store", engine: engine(block))
        let shards = Set(
            measures.all("apus_store_waiting").filter { $0.info.label("store") == block.name }
                .compactMap { $0.info.label("shard").flatMap(Int.init) }
        )
        node.members = shards.sorted().map { shard in
            let mine: (SeriesInfo) -> Bool = { $0.label("store") == block.name && $0.label("shard") == "\(shard)" }
            let requests = measures.growth("apus_store_writes_total", mine)
            let waited = measures.growth("apus_store_queue_seconds_total", mine)
            return Picture.Member(
                name: "\(shard)",
                state: measures.level("apus_store_waiting", mine) > 0 ? "waiting" : "ready",
                // One process writes a shard at a time, so that their shares of time add up.
                utilisation: min(1, measures.rate("apus_store_commit_seconds_total", mine)),
                queue: requests > 0 ? waited / requests : nil,
                rate: (requests + measures.growth("apus_store_reads_total", mine)) / measures.seconds
            )
        }
        node.utilisation = node.members.compactMap(\.utilisation).max()
        node.queue = node.members.compactMap(\.queue).max()
        return node
    }

    // MARK: Arrows

    private func arrows(_ nodes: [Picture.Node]) -> [Picture.Arrow] {
        var arrows: [Picture.Arrow] = []
        for edge in nodes where edge.kind == "edge" { arrows += self.arrows(ofEdge: edge.id) }
        let services = Set(nodes.filter { $0.kind == "service" }.map(\.id))
        for caller in callers(nodes) {
            arrows += calls(from: caller, to: services) + caches(of: caller) + stores(of: caller)
        }
        return arrows.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    }

    /// The nodes that stand for processes.
    private func callers(_ nodes: [Picture.Node]) -> [String] {
        isWhole ? [facts.system] : nodes.filter { ["edge", "web", "service"].contains($0.kind) }.map(\.id)
    }

    private func isKnown(_ from: String, _ to: String) -> Bool { calls.contains(KnownCall(from: from, to: to)) }

    private func arrows(ofEdge edge: String) -> [Picture.Arrow] {
        let own = measures(of: edge)
        let failed: (SeriesInfo) -> Bool = { $0.label("status") == "5xx" }
        let times = own.spread("edge_request_duration_seconds")
        var arrows = [
            Picture.Arrow(
                from: "clients",
                to: edge,
                rate: own.rate("edge_requests_total"),
                p50: times.quantile(0.5),
                p99: times.quantile(0.99),
                errors: own.rate("edge_requests_total", failed),
                retries: 0
            )
        ]
        guard let target = facts.targets[edge] else { return arrows }
        let served = measures(of: target).spread("http_server_request_duration_seconds")
        arrows.append(
            Picture.Arrow(
                from: edge,
                to: target,
                rate: own.rate("edge_upstream_requests_total"),
                p50: served.quantile(0.5),
                p99: served.quantile(0.99),
                errors: own.rate("edge_requests_total") { failed($0) && $0.label("upstream") != "-" },
                retries: own.rate("edge_retries_total")
            )
        )
        return arrows
    }

    private func calls(from caller: String, to services: Set<String>) -> [Picture.Arrow] {
        let own = (ofPart[caller] ?? measures.empty).grouped { $0.label("service") ?? "" }
        return services.sorted().compactMap { service in
            let times = own[service]?.spread("apus_rpc_client_duration_seconds") ?? Spread()
            guard times.count > 0 || isKnown(caller, service) else { return nil }
            return Picture.Arrow(
                from: caller,
                to: service,
                rate: Double(times.count) / measures.seconds,
                p50: times.quantile(0.5),
                p99: times.quantile(0.99),
                errors: own[service]?.rate("apus_rpc_client_failures_total") ?? 0,
                retries: own[service]?.rate("apus_rpc_client_retries_total") ?? 0
            )
        }
    }

    private func caches(of caller: String) -> [Picture.Arrow] {
        let all = (ofPart[caller] ?? measures.empty).grouped { $0.label("cache") ?? "" }
        return facts.blocks.filter { $0.kind == "cache" }.compactMap { block in
            let own = all[block.name] ?? measures.empty
            let rate = own.rate("apus_cache_hits_total") + own.rate("apus_cache_misses_total")
            guard rate > 0 || isKnown(caller, "cache:\(block.name)") else { return nil }
            let times = own.spread("apus_cache_load_duration_seconds")
            return Picture.Arrow(
                from: caller,
                to: "cache:\(block.name)",
                rate: rate,
                p50: times.quantile(0.5),
                p99: times.quantile(0.99),
                errors: own.rate("apus_cache_load_failures_total"),
                retries: 0,
                of: "loads"
            )
        }
    }

    private func stores(of caller: String) -> [Picture.Arrow] {
        let all = (ofPart[caller] ?? measures.empty).grouped { $0.label("store") ?? "" }
        return facts.blocks.filter { $0.kind == "store" }.compactMap { block in
            let own = all[block.name] ?? measures.empty
            let rate = own.rate("apus_store_writes_total") + own.rate("apus_store_reads_total")
            guard rate > 0 || isKnown(caller, "store:\(block.name)") else { return nil }
            let times = own.spread("apus_store_write_duration_seconds")
            return Picture.Arrow(
                from: caller,
                to: "store:\(block.name)",
                rate: rate,
                p50: times.quantile(0.5),
                p99: times.quantile(0.99),
                errors: own.rate("apus_store_failures_total"),
                retries: 0,
                of: "writes"
            )
        }
    }
}
