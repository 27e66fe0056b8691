import ApusCore

/// A system with what reflection finds in it: blocks and settings, which are its stored properties.
struct Declared: Sendable {
    let blocks: [any Block]
    let settings: [SettingDeclaration]
    /// The URL given for each kind of block.
    private let urls: [String: SettingBox<String>]

    /// - Throws: ``ConfigurationError`` where two blocks or settings share a name.
    init(_ system: some System) throws(ConfigurationError) {
        var blocks: [any Block] = []
        var settings: [SettingDeclaration] = []
        for child in Mirror(reflecting: system).children {
            if let block = child.value as? any Block { blocks.append(block) }
            if let setting = child.value as? any DeclaredSetting { settings.append(setting.declaration) }
        }
        self.blocks = blocks
        let kinds = Set(blocks.map { type(of: $0).kind }).sorted()
        let urls = Dictionary(uniqueKeysWithValues: kinds.map { ($0, SettingBox("")) })
        self.urls = urls
        self.settings = settings + urls.sorted { $0.key < $1.key }.map { Self.url($0.key, $0.value) }
        try Self.check(blocks.map(\.folderName), what: "name of a block")
        try Self.check(self.settings.map(\.key), what: "key of a setting")
    }

    /// The URL given for a block's kind, or `nil` for the embedded engine.
    func url(of block: any Block) -> String? {
        let url = url(of: type(of: block).kind)
        return url.isEmpty ? nil : url
    }

    /// The URL given for a kind of block; empty for the embedded engine.
    func url(of kind: String) -> String { urls[kind]?.value ?? "" }

    private static func check(_ names: [String], what: String) throws(ConfigurationError) {
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw ConfigurationError(field: what, value: name, accepted: "one of its own")
        }
    }

    /// The setting that chooses the engine of a kind of block.
    private static func url(_ kind: String, _ box: SettingBox<String>) -> SettingDeclaration {
        SettingDeclaration(
            key: "\(kind).url",
            variable: nil,
            help: "The engine of every \(kind); the embedded one unless set.",
            accepted: "a URL",
            standard: "",
            isSecret: false
        ) { text, _ throws(ConfigurationError) in
            box.value = text
            return URLText.redacted(text)
        }
    }
}

extension Block {
    /// The folder it gets within the data folder: `store-shop`.
    var folderName: String { "\(Self.kind)-\(name)" }
}

/// URLs as text.
enum URLText {
    /// The URL without the password that it may carry.
    static func redacted(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://"), let at = url[scheme.upperBound...].lastIndex(of: "@"),
            let colon = url[scheme.upperBound..<at].firstIndex(of: ":")
        else { return url }
        return url[...colon] + "[redacted]" + url[at...]
    }
}
