import ApusCore

/// What a process was configured with, and where each value is from.
public struct Configuration: Sendable, Hashable {
    /// Where a value is from; the first of these that gives one counts.
    public enum Origin: Sendable, Hashable, CustomStringConvertible {
        /// A flag, by its name.
        case flag(String)
        /// A variable, by its name.
        case environment(String)
        /// A file that a variable names, for secrets.
        case secretFile(String)
        /// A line of a configuration file, by its path.
        case file(String)
        /// Nothing was given.
        case standard

        /// `--port`, `PORT`, the file's path, or `default`.
        public var description: String {
            switch self {
            case .flag(let name): "--\(name)"
            case .environment(let name): name
            case .secretFile(let name): name
            case .file(let path): path
            case .standard: "default"
            }
        }
    }

    /// A setting and its value.
    public struct Entry: Sendable, Hashable {
        /// Its key, such as `cart.lifetime`.
        public let key: String
        /// Its value as text; `[redacted]` for a secret.
        public let value: String
        /// Where the value is from.
        public let origin: Origin
        /// Its name in the environment.
        public let variable: String
        /// What it means.
        public let help: String
        /// What it takes.
        public let accepted: String
    }

    /// All settings, by key.
    public let entries: [Entry]

    /// The entry of a key.
    public subscript(key: String) -> Entry? { entries.first { $0.key == key } }
}

/// What settings are read from.
struct ConfigurationSources: Sendable {
    /// By the flag's name without hyphens.
    var flags: [String: String] = [:]
    /// The environment.
    var environment: [String: String] = [:]
    /// By key.
    var file: [String: String] = [:]
    var filePath = ""
    /// Reads the file that a `NAME_FILE` variable names.
    var read: @Sendable (String) throws -> String = { try ConfigurationFile.readValue($0) }

    /// Gives every declared setting its value.
    ///
    /// - Throws: ``ConfigurationError`` for a value that cannot be used and for a key that nothing declares.
    func resolve(_ declarations: [SettingDeclaration]) throws(ConfigurationError) -> Configuration {
        try checkNames(declarations)
        var entries: [Configuration.Entry] = []
        for setting in declarations.sorted(by: { $0.key < $1.key }) {
            let (text, origin) = try find(setting)
            var shown = setting.standard
            if let text { shown = try setting.take(text, "\(origin)") }
            if setting.isSecret, text != nil { shown = "[redacted]" }
            entries.append(
                Configuration.Entry(
                    key: setting.key,
                    value: shown,
                    origin: origin,
                    variable: setting.variable,
                    help: setting.help,
                    accepted: setting.accepted
                )
            )
        }
        return Configuration(entries: entries)
    }

    private func find(_ setting: SettingDeclaration) throws(ConfigurationError) -> (String?, Configuration.Origin) {
        if let text = flags[setting.flag] {
            guard !setting.isSecret else {
                throw ConfigurationError(
                    field: "--\(setting.flag)",
                    value: "[redacted]",
                    accepted: "\(setting.variable) or \(setting.variable)_FILE; flags can be seen by other users"
                )
            }
            return (text, .flag(setting.flag))
        }
        if let text = environment[setting.variable] { return (text, .environment(setting.variable)) }
        let byFile = setting.variable + "_FILE"
        if let path = environment[byFile] {
            do {
                return (try read(path), .secretFile(byFile))
            } catch {
                throw ConfigurationError(field: byFile, value: path, accepted: "a file that can be read (\(error))")
            }
        }
        if let text = file[setting.key] { return (text, .file(filePath)) }
        return (nil, .standard)
    }

    /// Refuses what nothing declares: flags, keys of the file, and variables that start with `APUS_`.
    private func checkNames(_ declarations: [SettingDeclaration]) throws(ConfigurationError) {
        let flagNames = declarations.map(\.flag)
        for name in flags.keys.sorted() where !flagNames.contains(name) {
            throw Self.unknown("--\(name)", among: flagNames.map { "--\($0)" }, what: "a flag")
        }
        let keys = declarations.map(\.key)
        for key in file.keys.sorted() where !keys.contains(key) {
            throw Self.unknown(key, among: keys, what: "a setting in \(filePath)")
        }
        let variables = declarations.flatMap { [$0.variable, $0.variable + "_FILE"] } + ["APUS_CONTROL"]
        for name in environment.keys.sorted()
        where name.hasPrefix("APUS_") && !name.hasPrefix("APUS_TEST_") && !variables.contains(name) {
            throw Self.unknown(name, among: variables, what: "a variable of Apus")
        }
    }

    private static func unknown(_ name: String, among known: [String], what: String) -> ConfigurationError {
        let nearest = Spelling.nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
        return ConfigurationError(field: what, value: name, accepted: "one that exists\(nearest)")
    }
}

/// Words that were meant by words that were written.
enum Spelling {
    /// The one of `known` that differs least from `word`, where few letters differ.
    static func nearest(to word: String, among known: [String]) -> String? {
        let candidates = known.map { ($0, distance(word, $0)) }
        guard let best = candidates.min(by: { $0.1 < $1.1 }) else { return nil }
        return best.1 <= max(2, word.count / 3) ? best.0 : nil
    }

    /// How many letters have to be changed, added, dropped or swapped with their neighbour.
    ///
    /// - SeeAlso: Damerau, "A technique for computer detection and correction of spelling errors", 1964.
    static func distance(_ one: String, _ other: String) -> Int {
        let one = Array(one.utf8.prefix(64))
        let other = Array(other.utf8.prefix(64))
        var before = [Int](repeating: 0, count: other.count + 1)
        var last = Array(0...other.count)
        for row in 0..<one.count {
            var line = [row + 1] + [Int](repeating: 0, count: other.count)
            for column in 0..<other.count {
                let change = last[column] + (one[row] == other[column] ? 0 : 1)
                line[column + 1] = min(change, last[column + 1] + 1, line[column] + 1)
                if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                    line[column + 1] = min(line[column + 1], before[column - 1] + 1)
                }
            }
            before = last
            last = line
        }
        return last[other.count]
    }
}
