extension Command {
    private static let json = Option(name: "json", help: "one JSON document on standard output")
    private static let data = Option(name: "data", value: "DIR", help: "the data folder of the system")

    static let up = Command(
        name: "up",
        summary: "start the system; Ctrl-C drains, a second one ends now",
        options: [
            Option(name: "one-process", help: "all parts in this process, services called directly"),
            Option(name: "fresh", help: "start from an empty data folder; deletes only one that Apus made"),
            Option(name: "replicas", value: "NAME=N", repeats: true, help: "how many processes run a part"),
            Option(name: "json", help: "one JSON document on standard output when ready: URLs and process ids"),
        ],
        takesSettings: true,
        example: "up --port 8080 --data /var/lib/shop --replicas orders=3"
    )
    static let serve = Command(
        name: "serve",
        summary: "run one replica of one part; only up starts it, and tells it where the others are",
        operands: "NAME",
        operandsMax: 1,
        options: [
            Option(name: "replica", value: "N", help: "which replica this is, from 0"),
            Option(name: "generation", value: "N", help: "how often the replica was started before"),
        ],
        takesSettings: true,
        example: "serve orders --replica 0"
    )
    static let ps = Command(
        name: "ps",
        summary: "list the parts that run: process, state, restarts, processor time, memory",
        options: [data, json],
        example: "ps --json"
    )
    static let restart = Command(
        name: "restart",
        summary: "start a part anew, replica by replica, without failing a request",
        operands: "NAME[/N]",
        operandsMax: 1,
        options: [data, json],
        example: "restart orders/0"
    )
    static let stop = Command(
        name: "stop",
        summary: "drain the system, or one part, and end it",
        operands: "[NAME[/N]]",
        operandsMax: 1,
        options: [data, json],
        example: "stop"
    )
    static let start = Command(
        name: "start",
        summary: "start a part that was stopped",
        operands: "NAME[/N]",
        operandsMax: 1,
        options: [data, json],
        example: "start orders/1"
    )
    static let traces = Command(
        name: "traces",
        summary: "list the latest traces, or show what one request did",
        operands: "[ID]",
        operandsMax: 1,
        options: [data, json],
        example: "traces 4bf92f3577b34da6a3ce929d0e0e4736"
    )
    static let config = Command(
        name: "config",
        summary: "show every setting: its value, where that is from, what it takes",
        options: [json],
        takesSettings: true,
        example: "config --json"
    )
    static let help = Command(
        name: "help",
        summary: "explain a command",
        operands: "[COMMAND]",
        operandsMax: 1,
        example: "help up"
    )
    static let all = [up, serve, ps, start, stop, restart, traces, config, help]
}

/// Texts of `help`.
struct HelpText {
    let system: String
    let summary: String
    let settings: [SettingDeclaration]

    /// What the program does.
    var overview: String {
        let width = Command.all.map { Self.head($0).count }.max() ?? 0
        let lines = Command.all.map { "  \(Self.pad(Self.head($0), width))  \($0.summary)\n" }
        return """
            \(system)\(summary.isEmpty ? "" : ": \(summary)")

            Usage: \(system) COMMAND [flags]

            \(lines.joined())
            \(system) COMMAND --help explains one command.

            Examples:
              \(system) up                   start; a process a replica
              \(system) up --one-process     start; everything in one process

            """
    }

    /// What one command does.
    func text(_ command: Command) -> String {
        var text = "Usage: \(system) \(Self.head(command)) [flags]\n\n"
        text += "\(command.summary.prefix(1).uppercased())\(command.summary.dropFirst()).\n\n"
        var lines = command.options.map { option in
            ("--\(option.name)\(option.value.map { " \($0)" } ?? "")", option.help)
        }
        lines.append(("--help", "this text"))
        text += Self.table(lines)
        if command.takesSettings {
            text +=
                "\nSettings: a flag wins over the environment, the environment over a file, a file over the default.\n"
            text += Self.table(
                settings.filter { !$0.isSecret }.map { setting in
                    let standard = setting.standard.isEmpty ? "" : " (\(setting.standard))"
                    return ("--\(setting.flag) VALUE", "\(setting.help)\(standard) [\(setting.variable)]")
                }
            )
            let secrets = settings.filter(\.isSecret)
            if !secrets.isEmpty {
                text += "\nSecrets: by the environment, or by a file that NAME_FILE names.\n"
                text += Self.table(secrets.map { ($0.variable, $0.help) })
            }
        }
        return text + "\nExample:\n  \(system) \(command.example)\n"
    }

    private static func head(_ command: Command) -> String {
        command.operands.isEmpty ? command.name : "\(command.name) \(command.operands)"
    }

    private static func table(_ lines: [(String, String)]) -> String {
        let width = min(28, lines.map(\.0.count).max() ?? 0)
        return lines.map { "  \(pad($0.0, width))  \($0.1)\n" }.joined()
    }

    static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
