import ApusCore
import ApusStore

/// Making a follower file the shard.
extension StoreCommand {
    static func followerPromoted(_ store: Store, _ wish: Wish, _ invocation: Invocation) async throws -> String {
        guard case .promote(let shard, let isPlanned, let isForced) = wish.work, !isPlanned else {
            throw UsageError(
                "store promote on files needs --shard N, takes --force, and is for a system that is stopped"
            )
        }
        let view = ProgressLine(isQuiet: wish.isJSON)
        defer { view.end() }
        let site = BlockSite(
            url: invocation.declared.url(of: store),
            dataFolder: "\(invocation.dataFolder)/\(store.folderName)"
        )
        let report = try await store.promoteFollower(shard: shard, at: site, isForced: isForced) {
            view.show($0, percent: nil)
        }
        if wish.isJSON { return try JSONDocument.encode(report) + "\n" }
        view.end()
        return text(report, store.name)
    }

    static func text(_ report: FollowerPromotionReport, _ store: String) -> String {
        var lines = [
            "\(store): shard \(report.shard) is what its follower was, at position \(report.position), after "
                + Shown.duration(Double(report.nanoseconds) / 1e9)
        ]
        if report.commitsLost > 0 { lines.append("acknowledged commits that are lost: \(report.commitsLost)") }
        if let aside = report.aside { lines.append("the old file is \(aside)") }
        lines.append("the next start makes another follower")
        return lines.joined(separator: "\n") + "\n"
    }
}
