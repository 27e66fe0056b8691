/// A command of every system's command line.
struct Command: Sendable {
    let name: String
    /// What it does, in a line.
    let summary: String
    /// What follows its name, besides flags.
    var operands = ""
    /// Most operands it takes.
    var operandsMax = 0
    var options: [Option] = []
    /// Whether the system's settings are flags of it.
    var takesSettings = false
    let example: String

    /// A flag of a command.
    struct Option: Sendable {
        let name: String
        /// A letter that says the same, as in `-f`.
        var letter: Character?
        /// What its value is called, or `nil` for a flag without one.
        var value: String?
        var repeats = false
        let help: String
    }
}

/// A command line, taken apart.
struct Arguments: Sendable, Equatable {
    /// What was given, by flag; a flag without a value has an empty one.
    var options: [String: [String]] = [:]
    /// The settings given as flags.
    var settings: [String: String] = [:]
    var operands: [String] = []

    func has(_ option: String) -> Bool { options[option] != nil }
    func value(_ option: String) -> String? { options[option]?.last }

    /// Takes apart what follows a command's name.
    ///
    /// - Throws: ``UsageError`` for what the command does not take.
    init(_ words: [String], for command: Command, settings: [SettingDeclaration]) throws(UsageError) {
        let known = command.takesSettings ? settings.filter { !$0.isSecret || true } : []
        var rest = words[...]
        var isOver = false
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-", !isOver else {
                guard operands.count < command.operandsMax else {
                    throw UsageError("\(command.name) does not take \"\(word)\"")
                }
                operands.append(word)
                continue
            }
            if word == "--" {
                isOver = true
                continue
            }
            if word == "-h" || word == "--help" {
                options["help"] = [""]
                continue
            }
            if word.count == 2, let option = command.options.first(where: { $0.letter == word.last && $0.value == nil })
            {
                options[option.name] = [""]
                continue
            }
            guard word.hasPrefix("--") else { throw UsageError("\(command.name) does not take \"\(word)\"") }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts.first ?? "")
            var given = parts.count == 2 ? String(parts[1]) : nil
            if let option = command.options.first(where: { $0.name == name }) {
                guard option.value != nil else {
                    guard given == nil else { throw UsageError("--\(name) takes no value") }
                    options[name] = [""]
                    continue
                }
                if given == nil { given = rest.popFirst() }
                guard let given else { throw UsageError("--\(name) needs a value: \(option.value ?? "")") }
                guard option.repeats || options[name] == nil else { throw UsageError("--\(name) is given twice") }
                options[name, default: []].append(given)
            } else if known.contains(where: { $0.flag == name }) {
                if given == nil { given = rest.popFirst() }
                guard let given else { throw UsageError("--\(name) needs a value") }
                guard self.settings[name] == nil else { throw UsageError("--\(name) is given twice") }
                self.settings[name] = given
            } else {
                let names = command.options.map { "--\($0.name)" } + known.map { "--\($0.flag)" } + ["--help"]
                let hint = Spelling.nearest(to: "--\(name)", among: names).map { "; did you mean \($0)?" } ?? ""
                throw UsageError("\(command.name) does not know --\(name)\(hint)")
            }
        }
    }
}

/// A command line that makes no sense; the process ends with code 2.
struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
    let description: String
    init(_ line: String) { description = line }
}
