import ApusCore
import ApusStore

/// Making a replica the primary.
extension StoreCommand {
    /// Promotes a replica, with the store's URL alone: the first shard's primary may be what was lost.
    static func promoted(_ store: Store, _ wish: Wish, _ invocation: Invocation) async throws -> String {
        let url = invocation.declared.url(of: store)
        if url?.hasPrefix("sqlite:") ?? true { return try await followerPromoted(store, wish, invocation) }
        guard case .promote(let shard, let isPlanned, let isForced) = wish.work else {
            throw UsageError("store promote needs --shard N")
        }
        let view = ProgressLine(isQuiet: wish.isJSON)
        defer { view.end() }
        let site = BlockSite(url: url, dataFolder: "\(invocation.dataFolder)/\(store.folderName)")
        let report = try await store.promote(shard: shard, at: site, isPlanned: isPlanned, isForced: isForced) {
            view.show($0, percent: nil)
        }
        if wish.isJSON { return try JSONDocument.encode(report) + "\n" }
        view.end()
        return text(report, store.name)
    }

    static func text(_ report: PromotionReport, _ store: String) -> String {
        var lines = [
            "\(store): \(report.server) is the primary of shard \(report.shard) and of all that lie there, on timeline "
                + "\(report.timeline), after \(Shown.duration(Double(report.nanoseconds) / 1e9))"
        ]
        if !report.following.isEmpty { lines.append("following it: \(report.following.joined(separator: ", "))") }
        if !report.left.isEmpty {
            lines.append(
                "not following it: \(report.left.joined(separator: ", ")); rewind each with pg_rewind, or copy it anew with "
                    + "pg_basebackup -R, before it is started again"
            )
        }
        if !report.isConfirmed {
            lines.append(
                "its writes wait for replicas to confirm them, and none does: have one follow it, or on \(report.server): "
                    + "ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf()"
            )
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
