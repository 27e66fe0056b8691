import ApusObserve

/// Makes the picture of a system out of what its processes measured.
struct PictureMaker {
    let facts: SystemFacts
    let parts: [PartStatus]
    let measures: Measures

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

    private var isWhole: Bool { Set(parts.compactMap(\.pid)).count == 1 && parts.count > 1 }

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
        let mine: (SeriesInfo) -> Bool = { $0.process == process }
        let loops = measures.all("apus_loop_busy_seconds_total").filter { mine($0.info) }
        let busy = loops.compactMap { entry -> Double? in
            if case .growth(let seconds) = entry.sample { return seconds / measures.seconds }
            return nil
        }.max()
        let isKnown = !measures.all("process_resident_memory_bytes").filter { mine($0.info) }.isEmpty
        let served =
            measures.rate("http_server_requests_total", mine) + measures.rate("edge_requests_total", mine)
            + Double(measures.spread("apus_rpc_server_duration_seconds", mine).count) / measures.seconds
        return Picture.Member(
            name: process.description,
            state: state,
            utilisation: isKnown ? min(1, busy ?? 0) : nil,
            queue: measures.spread("apus_loop_queue_seconds", mine).quantile(0.99),
            cpu: isKnown ? measures.rate("process_cpu_seconds_total", mine) : nil,
            memory: isKnown ? measures.level("process_resident_memory_bytes", mine) : nil,
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

    private func arrows(ofEdge edge: String) -> [Picture.Arrow] {
        let mine: (SeriesInfo) -> Bool = { $0.process.part == edge || isWhole }
        let failed: (SeriesInfo) -> Bool = { mine($0) && $0.label("status") == "5xx" }
        let times = measures.spread("edge_request_duration_seconds", mine)
        var arrows = [
            Picture.Arrow(
                from: "clients",
                to: edge,
                rate: measures.rate("edge_requests_total", mine),
                p50: times.quantile(0.5),
                p99: times.quantile(0.99),
                errors: measures.rate("edge_requests_total", failed),
                retries: 0
            )
        ]
        guard let target = facts.targets[edge] else { return arrows }
        let served = measures.spread("http_server_request_duration_seconds") { $0.process.part == target || isWhole }
        arrows.append(
            Picture.Arrow(
                from: edge,
                to: target,
                rate: measures.rate("edge_upstream_requests_total", mine),
                p50: served.quantile(0.5),
                p99: served.quantile(0.99),
                errors: measures.rate("edge_requests_total") { failed($0) && $0.label("upstream") != "-" },
                retries: measures.rate("edge_retries_total", mine)
            )
        )
        return arrows
    }

    private func calls(from caller: String, to services: Set<String>) -> [Picture.Arrow] {
        services.sorted().compactMap { service in
            let mine: (SeriesInfo) -> Bool = { $0.process.part == caller && $0.label("service") == service }
            guard !measures.all("apus_rpc_client_duration_seconds").filter({ mine($0.info) }).isEmpty else {
                return nil
            }
            let times = measures.spread("apus_rpc_client_duration_seconds", mine)
            return Picture.Arrow(
                from: caller,
                to: service,
                rate: Double(times.count) / measures.seconds,
                p50: times.quantile(0.5),
                p99: times.quantile(0.99),
                errors: measures.rate("apus_rpc_client_failures_total", mine),
                retries: measures.rate("apus_rpc_client_retries_total", mine)
            )
        }
    }

    private func caches(of caller: String) -> [Picture.Arrow] {
        facts.blocks.filter { $0.kind == "cache" }.compactMap { block in
            let mine: (SeriesInfo) -> Bool = { $0.process.part == caller && $0.label("cache") == block.name }
            let rate = measures.rate("apus_cache_hits_total", mine) + measures.rate("apus_cache_misses_total", mine)
            guard rate > 0 else { return nil }
            let times = measures.spread("apus_cache_load_duration_seconds", mine)
            return Picture.Arrow(
                from: caller,
                to: "cache:\(block.name)",
                rate: rate,
                p50: times.quantile(0.5),
                p99: times.quantile(0.99),
                errors: measures.rate("apus_cache_load_failures_total", mine),
                retries: 0,
                of: "loads"
            )
        }
    }

    private func stores(of caller: String) -> [Picture.Arrow] {
        facts.blocks.filter { $0.kind == "store" }.compactMap { block in
            let mine: (SeriesInfo) -> Bool = { $0.process.part == caller && $0.label("store") == block.name }
            let rate = measures.rate("apus_store_writes_total", mine) + measures.rate("apus_store_reads_total", mine)
            guard rate > 0 else { return nil }
            let times = measures.spread("apus_store_write_duration_seconds", mine)
            return Picture.Arrow(
                from: caller,
                to: "store:\(block.name)",
                rate: rate,
                p50: times.quantile(0.5),
                p99: times.quantile(0.99),
                errors: measures.rate("apus_store_failures_total", mine),
                retries: 0,
                of: "writes"
            )
        }
    }
}
