import ApusCore
import ApusRuntime
import ApusStore

/// Copies of all shards, and back.
extension StoreCommand {
    static func backedUp(_ store: Store, into folder: String, _ wish: Wish, _ view: ProgressLine) async throws -> String
    {
        defer { view.end() }
        let report = try await store.backup(into: folder) { view.show("\($0.rows) rows copied", percent: nil) }
        if wish.isJSON { return try JSONDocument.encode(report) + "\n" }
        view.end()
        return """
            \(store.name): \(report.rows) rows of \(report.shards) shards, \(report.bytes >> 10) KiB, as they were at one \
            moment, in \(folder)
            took \(Shown.duration(Double(report.nanoseconds) / 1e9)); writers waited for up to \
            \(Shown.duration(Double(report.pause) / 1e9))

            """
    }

    /// Brings a backup into the store, while this process has the data folder for itself.
    static func restored(
        _ store: Store,
        from backup: String,
        _ wish: Wish,
        _ invocation: Invocation
    ) async throws -> String {
        let folder = try DataFolder.take(
            invocation.dataFolder,
            system: invocation.system,
            report: SystemProgram.complain
        )
        defer { folder.release() }
        let view = ProgressLine(isQuiet: wish.isJSON)
        defer { view.end() }
        let site = BlockSite(url: invocation.declared.url(of: store), dataFolder: "\(folder.path)/\(store.folderName)")
        let report = try await store.restore(from: backup, at: site) { progress in
            let all = max(1, progress.rowsInAll ?? 1)
            let percent = min(100, progress.rows * 100 / all)
            view.show("\(percent) % \(progress.isChecking ? "read back" : "restored")", percent: percent)
        }
        if wish.isJSON { return try JSONDocument.encode(report) + "\n" }
        view.end()
        return """
            \(store.name): \(report.rows) rows as they were \(age(report.takenAt)) ago, on \(report.shards) shards, read back and \
            the same
            took \(Shown.duration(Double(report.nanoseconds) / 1e9)); start it with \(invocation.program) up

            """
    }

    private static func age(_ takenAt: Int64) -> String {
        let now = SystemClock().wallNanoseconds() / 1_000_000_000
        return Shown.time(seconds: Int(max(0, now - takenAt)))
    }
}
