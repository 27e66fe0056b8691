import ApusCore

/// Where the embedded engine keeps its files.
struct SQLiteLocation {
    let folder: String

    /// Reads a URL: `nil` or `sqlite:` for the data folder, `sqlite:/path` for another.
    ///
    /// - Throws: `ConfigurationError` for anything else.
    init(url: String?, dataFolder: String) throws(ConfigurationError) {
        guard let url, !url.isEmpty, url != "sqlite:" else {
            folder = dataFolder
            return
        }
        let path = url.dropFirst("sqlite:".count)
        guard url.hasPrefix("sqlite:"), path.hasPrefix("/"), !path.contains("?"), !path.contains("#") else {
            // What follows the scheme can hold a password.
            let scheme = url.prefix { $0 != ":" }
            throw ConfigurationError(
                field: "STORE_URL",
                value: "\(scheme):…",
                accepted: "sqlite: for files in the data folder, or sqlite:/absolute/folder"
            )
        }
        folder = path.hasPrefix("//") ? String(path.dropFirst(2)) : String(path)
    }
}
