import ApusCore
import ApusDashboard
import ApusHTTP
import ApusRuntime

/// `ps NAME`: the page of a part, a cache or a store.
enum PartCommand {
    /// The document of `orders`, of `cache:products`, or of `products` where no part is called so; or its text.
    static func answer(_ name: String, _ arguments: Arguments, _ remote: RemoteSystem) async throws -> String {
        let isJSON = arguments.has("json")
        let facts = try RunningCommand.decode(DashboardFacts.self, try await remote.get("/api/facts")).facts
        let known = try RunningCommand.decode([String: [PartStatus]].self, try await remote.get("/api/parts"))
        let parts = Set((known["parts"] ?? []).map(\.name))
        let asksRows = arguments.has("rows")
        if parts.contains(name), !asksRows {
            let document = try await remote.get("/api/parts/\(PercentCoding.encode(name))")
            return isJSON ? document : text(try RunningCommand.decode(PartFact.self, document))
        }
        let halves = name.split(separator: ":", maxSplits: 1).map(String.init)
        let block = facts.blocks.first { block in
            halves.count == 2 ? block.kind == halves[0] && block.name == halves[1] : block.name == name
        }
        guard let block, !asksRows || block.kind == "store" else {
            let names = parts.sorted() + facts.blocks.map { "\($0.kind):\($0.name)" }
            let hint = Spelling.nearest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
            throw UsageError(asksRows ? "--rows wants a store, not \"\(name)\"" : "there is no part \"\(name)\"\(hint)")
        }
        let path = "/api/blocks/\(block.kind)/\(PercentCoding.encode(block.name))"
        if asksRows {
            let document = try await remote.get(path + "/rows")
            return isJSON ? document : text(try RunningCommand.decode(RowCounts.self, document))
        }
        let document = try await remote.get(path)
        return isJSON ? document : text(try RunningCommand.decode(BlockAnswer.self, document))
    }

    static func text(_ part: PartFact) -> String {
        let replicas = RunningCommand.table(part.replicas)
        let rows = TextTable(
            ["WHAT", "RATE/s", "p50", "p99", "ERRORS/s"],
            part.rows.map { row in
                [
                    row.name, Shown.rate(row.rate), Shown.duration(row.p50), Shown.duration(row.p99),
                    Shown.rate(row.errors),
                ]
            }
        ).text
        return replicas + "\n" + (part.rows.isEmpty ? "nothing was asked of it in the last 30 s\n" : rows) + "\n"
            + TopCommand.table(part.arrows)
    }

    static func text(_ answer: BlockAnswer) -> String {
        var sections = [
            TextTable(["\(answer.block.kind) \(answer.block.name)", ""], answer.figures.map { [$0.name, shown($0)] })
                .text
        ]
        if !answer.hotKeys.isEmpty {
            sections.append(
                TextTable(
                    ["HOT KEY", "SHARE", "LOOK-UPS/s", "AT MOST LESS"],
                    answer.hotKeys.map {
                        [$0.key, Shown.percent($0.share), Shown.rate($0.rate), Shown.percent($0.error)]
                    }
                ).text
            )
        }
        if let names = answer.parts.first?.figures.map(\.name) {
            sections.append(
                TextTable(
                    [answer.block.kind == "store" ? "SHARD" : "PROCESS"] + names.map { $0.uppercased() },
                    answer.parts.map { part in
                        [part.name] + names.map { name in part.figures.first { $0.name == name }.map(shown) ?? "-" }
                    }
                ).text
            )
        }
        if !answer.slow.isEmpty {
            sections.append(
                TextTable(
                    ["SLOW STATEMENT", "TIMES", "MEAN", "LONGEST", "SHARDS"],
                    answer.slow.map { slow in
                        [
                            slow.text.split(whereSeparator: \.isWhitespace).joined(separator: " "), "\(slow.count)",
                            Shown.duration(slow.mean), Shown.duration(slow.longest),
                            slow.shards.map(String.init).joined(separator: " "),
                        ]
                    }
                ).text
            )
        }
        if let client = answer.block.stockClient { sections.append(client + "\n") }
        return sections.joined(separator: "\n")
    }

    static func text(_ counts: RowCounts) -> String {
        let rows = counts.tables.map { table in
            [table.name] + table.rows.map { $0.map(String.init) ?? "-" }
                + ["\(table.rows.compactMap(\.self).reduce(0, +))"]
        }
        let note = counts.isComplete ? "" : "the time was up before all was counted: a dash was not\n"
        return TextTable(["TABLE"] + counts.shards.map { "SHARD \($0)" } + ["ALL"], rows).text + note
    }

    private static func shown(_ figure: BlockAnswer.Figure) -> String {
        switch figure.unit {
        case "seconds": Shown.duration(figure.value)
        case "share": Shown.percent(figure.value)
        case "bytes": "\(Int(figure.value) >> 10) KiB"
        case "1/s": Shown.rate(figure.value) + "/s"
        default: Shown.rate(figure.value)
        }
    }
}
