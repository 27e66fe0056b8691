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
    private static let reason = Option(name: "reason", value: "TEXT", help: "why, kept in the log")

    static let ps = Command(
        name: "ps",
        summary: "list the parts that run; or show one part, cache or store with all that is known of it",
        operands: "[NAME]",
        operandsMax: 1,
        options: [
            data, json,
            Option(name: "rows", help: "count the rows of a store: reads every shard, for some seconds at most"),
        ],
        example: "ps cache:products --json"
    )
    static let metrics = Command(
        name: "metrics",
        summary: "list what is measured, or show one metric over time",
        operands: "[METRIC]",
        operandsMax: 1,
        options: [
            data, json,
            Option(name: "part", value: "NAME", help: "only of a part, or of a block such as cache:products"),
            Option(name: "show", value: "WHAT", help: "rate, level, mean, p50, p90, p99 or p999"),
            Option(name: "by", value: "LABEL", help: "a line for each value of a label, for each part or process"),
            Option(name: "where", value: "LABEL=VALUE", repeats: true, help: "only series with this value"),
            Option(name: "last", value: "TIME", help: "how far back (15m)"),
            Option(name: "steps", value: "N", help: "how many values (12)"),
        ],
        example: "metrics http_server_request_duration_seconds --show p99 --by route --last 5m"
    )
    static let loads = Command(
        name: "loads",
        summary: "list the results of load runs, show one, or compare two, the older first",
        operands: "[RESULT [RESULT]]",
        operandsMax: 2,
        options: [data, json],
        example: "loads --json"
    )
    static let restart = Command(
        name: "restart",
        summary: "start a part anew, replica by replica, without failing a request",
        operands: "NAME[/N]",
        operandsMax: 1,
        options: [data, json, reason],
        example: "restart orders/0 --reason \"new settings\""
    )
    static let stop = Command(
        name: "stop",
        summary: "drain the system, or one part, and end it",
        operands: "[NAME[/N]]",
        operandsMax: 1,
        options: [data, json, reason],
        example: "stop"
    )
    static let start = Command(
        name: "start",
        summary: "start a part that was stopped",
        operands: "NAME[/N]",
        operandsMax: 1,
        options: [data, json, reason],
        example: "start orders/1"
    )
    static let kill = Command(
        name: "kill",
        summary: "end a replica at once, as a crash would, to see what that does; it is started again",
        operands: "NAME[/N]",
        operandsMax: 1,
        options: [data, json, reason],
        example: "kill orders/0 --reason \"a drill\""
    )
    static let scale = Command(
        name: "scale",
        summary: "give a part more or fewer replicas while it runs",
        operands: "NAME=N",
        operandsMax: 1,
        options: [data, json, reason],
        example: "scale orders=4 --reason \"sale begins\""
    )
    static let top = Command(
        name: "top",
        summary: "show what is busy: rates, times, errors, use of each part; the picture of the dashboard as text",
        options: [
            data, json,
            Option(name: "follow", letter: "f", help: "go on, once a second; one document a line with --json"),
        ],
        example: "top -f"
    )
    static let logs = Command(
        name: "logs",
        summary: "search the log of all parts",
        operands: "[WORDS]",
        operandsMax: 16,
        options: [
            data, json,
            Option(name: "follow", letter: "f", help: "go on with lines as they come; one document a line with --json"),
            Option(name: "part", value: "NAME[/N]", help: "only lines of a part"),
            Option(name: "level", value: "LEVEL", help: "the least level: trace, debug, info, warning or error"),
            Option(name: "trace", value: "ID", help: "only lines of a trace"),
            Option(name: "most", value: "N", help: "how many lines, 200 unless given"),
        ],
        example: "logs -f --level warning"
    )
    static let session = Command(
        name: "session",
        summary: "save what the dashboard has gathered in the last hour to a file, or open such a file in it",
        operands: "save|open FILE",
        operandsMax: 2,
        options: [data, json],
        example: "session save slow-checkout.apus-session"
    )
    static let traces = Command(
        name: "traces",
        summary: "list the latest traces, or show what one request did",
        operands: "[ID]",
        operandsMax: 1,
        options: [
            data, json,
            Option(name: "part", value: "NAME", help: "only those that went through a part"),
            Option(name: "text", value: "TEXT", help: "only those whose name has it"),
            Option(name: "least", value: "MS", help: "only those that took as long, in milliseconds"),
            Option(name: "failed", help: "only those that failed"),
            Option(name: "most", value: "N", help: "how many, 30 unless given"),
        ],
        example: "traces 4bf92f3577b34da6a3ce929d0e0e4736"
    )
    static let load = Command(
        name: "load",
        summary: "load the system, or a URL, honestly: arrivals fixed beforehand, latency from when they were due",
        operands: "[SCENARIO]",
        operandsMax: 1,
        options: [
            Option(name: "list", help: "what the system can be loaded with"),
            Option(name: "url", value: "URL", help: "what to load; the running system's edge unless given"),
            Option(name: "rate", value: "N", help: "arrivals a second; of a shape, the highest"),
            Option(name: "duration", value: "TIME", help: "how long, such as 30s or 5m"),
            Option(
                name: "shape",
                value: "NAME",
                help: "constant, ramp, step, spike, soak, day, or stages such as 50:30s,50-400:1m"
            ),
            Option(name: "arrivals", value: "HOW", help: "random (the default) or even"),
            Option(name: "closed", value: "N", help: "N clients that wait for each answer; hides what a stall costs"),
            Option(name: "warm-up", value: "TIME", help: "before the run, at its first rate, not counted"),
            Option(name: "time-limit", value: "TIME", help: "longest wait for an answer (10s)"),
            Option(name: "under-way", value: "N", help: "most requests or visitors at once (10000)"),
            Option(name: "think", value: "FACTOR", help: "what visitors' pauses are multiplied by (1)"),
            Option(name: "seed", value: "N", help: "the same seed is the same run (1)"),
            Option(name: "loops", value: "N", help: "threads of the generator; one a core unless given"),
            Option(
                name: "require",
                value: "WHAT",
                repeats: true,
                help: "p99=50ms, errors=0.1%, rate=100, p99{GET /}=20ms; code 3 where it is not kept"
            ),
            Option(
                name: "find-limit",
                value: "WHAT",
                repeats: true,
                help: "look for the highest rate that keeps this, such as p99=50ms"
            ),
            Option(name: "report", value: "FILE", help: "write a page with plots"),
            Option(name: "save", value: "FILE", help: "write the JSON document"),
            Option(name: "compare", value: "FILE", help: "compare with a document that --save or --json has written"),
            Option(name: "allow-remote", help: "load another machine; only if it is yours"),
            Option(
                name: "follow",
                letter: "f",
                help: "with --json, a document a line as it goes: began, sample, step, report"
            ),
            data, json,
        ],
        example: "load --rate 200 --duration 1m --require p99=50ms --report load.html"
    )
    static let store = Command(
        name: "store",
        summary:
            "show where a store's rows lie, move them to other shards while the system serves, back them up, promote replicas",
        operands: "status|reshard|backup|restore|promote [STORE]",
        operandsMax: 2,
        options: [
            Option(name: "to", value: "N", help: "spread the slots evenly over N shards, moving as few as that takes"),
            Option(
                name: "move",
                value: "WHAT=SHARD",
                help:
                    "bring a slot (17), slots (0-63) or a directory's name to one shard, which may be the next new one"
            ),
            Option(
                name: "onto",
                value: "URL",
                help:
                    "move a folder's rows to this database server, spread over --to N shards; - reads the URL from standard input"
            ),
            Option(name: "dry-run", help: "say what would move, how long that takes and what it costs; move nothing"),
            Option(name: "continue", help: "go on with what was stopped or killed"),
            Option(name: "back", help: "move everything back to where it was"),
            Option(name: "finish", help: "keep it as it is and forget the way back"),
            Option(name: "into", value: "FOLDER", help: "backup: a new folder for the copy of all shards"),
            Option(name: "from", value: "FOLDER", help: "restore: a backup's folder; the store is new or empty"),
            Option(name: "shard", value: "N", help: "promote: the shard whose replica becomes the primary"),
            Option(name: "planned", help: "promote: the primary answers, and hands over"),
            Option(name: "force", help: "promote: go by the replicas that answer, whatever the others may have"),
            data, json,
        ],
        example: "store reshard --to 8 --dry-run"
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
    static let all = [
        up, serve, ps, top, logs, traces, metrics, start, stop, restart, kill, scale, load, loads, store, session,
        config, help,
    ]
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
