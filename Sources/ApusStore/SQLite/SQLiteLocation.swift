import ApusCore

/// Where the embedded engine keeps its files, and those that follow them.
struct SQLiteLocation {
    let folder: String
    let following: Following

    /// Reads a URL: `nil` or `sqlite:` for the data folder, `sqlite:/path` for another; behind `?`, followers.
    ///
    /// | option | meaning |
    /// | --- | --- |
    /// | `follower=/folder` | each shard has a follower there; `none` ends that |
    /// | `follow=async`, `sync` | whether a commit waits until it is on the follower's disk; `async` unless said |
    /// | `lost=refuse`, `continue` | with `sync`, what becomes of writes while the follower is lost; `refuse` unless said |
    ///
    /// - Throws: `ConfigurationError` for anything else.
    init(url: String?, dataFolder: String) throws(ConfigurationError) {
        guard let url, !url.isEmpty else {
            (folder, following) = (dataFolder, .unsaid)
            return
        }
        let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].dropFirst("sqlite:".count)
        guard url.hasPrefix("sqlite:"), path.isEmpty || path.hasPrefix("/"), !url.contains("#") else {
            // What follows the scheme can hold a password.
            throw Self.refusal("\(url.prefix { $0 != ":" }):…", Self.forms)
        }
        folder =
            path.isEmpty ? dataFolder : path.hasPrefix("//") ? String(path.dropFirst(2)) : String(path)
        following = try Self.following(parts.count > 1 ? parts[1] : "")
    }

    private static let forms = "sqlite: for files in the data folder, or sqlite:/absolute/folder"

    private static func refusal(_ value: String, _ accepted: String) -> ConfigurationError {
        ConfigurationError(field: "STORE_URL", value: value, accepted: accepted)
    }

    private static func following(_ text: Substring) throws(ConfigurationError) -> Following {
        var options: [Substring: Substring] = [:]
        for option in text.split(separator: "&") {
            let halves = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, ["follower", "follow", "lost"].contains(halves[0]), options[halves[0]] == nil
            else {
                throw refusal(
                    "sqlite:…?\(option)",
                    "follower=/folder, follow=async or sync, lost=refuse or continue, each once"
                )
            }
            options[halves[0]] = halves[1]
        }
        guard let folder = options["follower"] else {
            guard options.isEmpty else { throw refusal("sqlite:…?\(text)", "follow and lost with follower=/folder") }
            return .unsaid
        }
        if folder == "none", options.count == 1 { return .ended }
        guard folder.hasPrefix("/") else { throw refusal("follower=\(folder)", "an absolute folder, or none alone") }
        guard let mode = FollowPlace.Mode(rawValue: String(options["follow"] ?? "async")) else {
            throw refusal("follow=\(options["follow"] ?? "")", "async or sync")
        }
        let lost = options["lost"] ?? (mode == .sync ? "refuse" : "continue")
        guard lost == "continue" || lost == "refuse" && mode == .sync else {
            throw refusal("lost=\(lost)", "refuse with follow=sync, or continue")
        }
        return .place(FollowPlace(folder: String(folder), mode: mode, goesOnAlone: lost == "continue"))
    }
}
