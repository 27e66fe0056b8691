public import ApusCore

/// How the files of a folder are served.
public struct FileOptions: Sendable, Hashable {
    /// The `Cache-Control` of each file, empty for none; `no-cache` unless set: keep it, but ask before using it.
    public var cacheControl = "no-cache"
    /// The file that stands for its folder; `index.html` unless set, `nil` for none.
    public var indexName: String? = "index.html"
    /// Most bytes of a file in memory for one answer, from 4 KiB to 16 MiB; 64 KiB unless set.
    public var partBytes = 64 << 10
    /// Whether names that begin with a dot are served; false unless set.
    public var servesHidden = false

    /// Starts from the defaults.
    public init() {}

    /// The same, once every value makes sense.
    ///
    /// - Throws: `ConfigurationError` that names the first field that does not.
    public func checked() throws(ConfigurationError) -> Self {
        guard (4 << 10)...(16 << 20) ~= partBytes else {
            throw ConfigurationError(field: "partBytes", value: "\(partBytes)", accepted: "4096 to 16777216")
        }
        guard cacheControl.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }) else {
            throw ConfigurationError(
                field: "cacheControl",
                value: "with control characters",
                accepted: "printable ASCII"
            )
        }
        return self
    }
}
