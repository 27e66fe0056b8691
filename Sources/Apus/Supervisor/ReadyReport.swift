import ApusCore
import ApusDashboard
import ApusRuntime

/// What `up` says when the system is ready.
struct ReadyReport: Codable, Sendable {
    struct PartFact: Codable, Sendable, Hashable {
        var name: String
        var kind: String
        var replicas: Int
        var pids: [Int32]
    }

    var system: String
    var pid: Int32
    var url: String?
    var dashboard: String?
    var data: String
    var blocks: [BlockFact]
    var parts: [PartFact]
    var next: String

    init(
        _ start: UpStart,
        url: String?,
        dashboard: String?,
        blocks: [BlockFact],
        pids: [String: [Int32]]
    ) {
        system = start.system
        pid = Program.pid
        self.url = url
        self.dashboard = dashboard
        data = start.folder.path
        self.blocks = blocks
        parts = start.plan.roles.map { part in
            let pids = pids[part.name] ?? [Program.pid]
            return PartFact(name: part.name, kind: part.kind.rawValue, replicas: pids.count, pids: pids)
        }
        let isStandard = start.invocation.dataFolder == Invocation.standardFolder(start.system)
        next = "\(start.invocation.program) traces\(isStandard ? "" : " --data \(start.folder.path)")"
    }

    /// Writes it: what is wrong to standard error, the rest to standard output.
    func show(isJSON: Bool) {
        for block in blocks {
            for problem in block.problems {
                SystemProgram.complain("\(system): \(block.kind) \(block.name): \(problem)")
            }
        }
        StandardStreams.write(text(isJSON: isJSON))
    }

    func text(isJSON: Bool) -> String {
        if isJSON { return ((try? JSONDocument.encode(self, pretty: true)) ?? "{}") + "\n" }
        let width = (parts.map(\.kind) + blocks.map(\.kind) + ["dashboard"]).map(\.count).max() ?? 0
        func pad(_ text: String) -> String { HelpText.pad(text, width + 1) }
        var lines = ["", "\(system) is up, \(data)"]
        if let url { lines.append("  \(pad("open"))\(url)") }
        if let dashboard { lines.append("  \(pad("dashboard"))\(dashboard)") }
        for part in parts {
            let who = part.pids.map(String.init).joined(separator: " ")
            lines.append("  \(pad(part.kind))\(part.name) x \(part.replicas) (\(who))")
        }
        for block in blocks {
            lines.append("  \(pad(block.kind))\(block.name), \(block.place)")
            if let client = block.stockClient { lines.append("  \(pad(""))\(client)") }
        }
        lines.append("")
        lines.append("Next, once you have opened it, see what a request did: \(next)")
        return lines.joined(separator: "\n") + "\n"
    }
}

extension OpenBlocks {
    /// The blocks as the report shows them.
    func facts(_ site: ProcessSite) -> [BlockFact] {
        declared.blocks.map { block in
            BlockFact(
                name: block.name,
                kind: type(of: block).kind,
                place: url(of: block, site.cacheURL).map(URLText.redacted) ?? "\(site.dataFolder)/\(block.folderName)",
                stockClient: block.stockClient,
                problems: block.problems
            )
        }
    }
}
