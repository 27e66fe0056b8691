import ApusCache
import ApusCore
import ApusLoad
import ApusRuntime
import Glibc

/// The program that every system is: its command line.
enum SystemProgram {
    /// Exit codes, as everywhere on the command line.
    static let failure: Int32 = 1
    static let usage: Int32 = 2

    static func run<Declaring: System>(_ type: Declaring.Type, _ words: [String]) -> Never {
        let system = Declaring()
        do {
            let declared = try Declared(system)
            let invocation = try Invocation(
                system: Declaring.name,
                summary: Declaring.summary,
                declared: declared,
                words: words,
                environment: ProcessEnvironment.variables,
                loads: { system.loads }
            ) { system.body.parts }
            try run(invocation)
        } catch let error as UsageError {
            complain("\(Declaring.name): \(error)\n\(Declaring.name) help explains its commands.")
            exit(usage)
        } catch {
            complain("\(Declaring.name): \(StartFailure(wrapping: error, doing: "the system"))")
            exit(failure)
        }
    }

    private static func run(_ invocation: Invocation) throws -> Never {
        if invocation.arguments.has("help") {
            StandardStreams.write(invocation.help.text(invocation.command))
            exit(0)
        }
        switch invocation.command.name {
        case "help":
            if let name = invocation.arguments.operands.first {
                StandardStreams.write(invocation.help.text(try Invocation.command(named: name)))
            } else {
                StandardStreams.write(invocation.help.overview)
            }
            exit(0)
        case "up": try UpCommand.run(invocation)
        case "serve": try ServeCommand.run(invocation)
        case "load": try LoadCommand.run(invocation)
        case "store": try StoreCommand.run(invocation)
        case "config":
            StandardStreams.write(
                ConfigCommand.text(try invocation.configure(), isJSON: invocation.arguments.has("json"))
            )
            exit(0)
        default: RunningCommand.run(invocation)
        }
    }

    /// Ends the process at once, as a failure.
    static func leave(_ line: String) -> Never {
        complain(line)
        exit(failure)
    }

    /// Writes a line to standard error.
    static func complain(_ line: String) { StandardStreams.writeError(line + "\n") }
}

/// One call of a system's program: the system, the command, and the settings.
struct Invocation: Sendable {
    let system: String
    let summary: String
    let declared: Declared
    let command: Command
    let arguments: Arguments
    let environment: [String: String]
    let platform = PlatformSettings()
    /// What the system can be loaded with.
    let loads: @Sendable () -> [Scenario]
    private let telemetry: ObserveConfiguration
    private let body: @Sendable () -> SystemParts

    init(
        system: String,
        summary: String,
        declared: Declared,
        words: [String],
        environment: [String: String],
        loads: @escaping @Sendable () -> [Scenario] = { [] },
        body: @escaping @Sendable () -> SystemParts
    ) throws {
        guard SystemPlan.isName(system) else {
            throw ConfigurationError(
                field: "the system's name",
                value: system,
                accepted: "1 to 32 lower-case letters, digits and hyphens"
            )
        }
        self.system = system
        self.summary = summary
        self.declared = declared
        self.environment = environment
        self.loads = loads
        self.body = body
        telemetry = try ObserveConfiguration(environment: environment)
        let word = words.first ?? "help"
        command = ["-h", "--help"].contains(word) ? .help : try Self.command(named: word)
        arguments = try Arguments(
            Array(words.dropFirst()),
            for: command,
            settings: platform.declarations + declared.settings
        )
    }

    static func command(named name: String) throws(UsageError) -> Command {
        if let command = Command.all.first(where: { $0.name == name }) { return command }
        let hint = Spelling.nearest(to: name, among: Command.all.map(\.name)).map { "; did you mean \($0)?" } ?? ""
        throw UsageError("there is no command \"\(name)\"\(hint)")
    }

    var help: HelpText {
        HelpText(
            system: system,
            summary: summary,
            settings: (platform.declarations + declared.settings).sorted { $0.key < $1.key }
        )
    }

    /// Where the data is, before anything is read from there.
    var dataFolder: String {
        let given = arguments.settings["data"] ?? arguments.value("data") ?? environment["APUS_DATA"] ?? ""
        return given.isEmpty ? Self.standardFolder(system) : given
    }

    static func standardFolder(_ system: String) -> String { ".apus/\(system)" }

    /// What the user typed to start this program.
    var program: String { CommandLine.arguments.first ?? system }

    /// Gives all settings their values.
    ///
    /// - Throws: ``ConfigurationError``.
    func configure() throws(ConfigurationError) -> Configuration {
        var sources = ConfigurationSources()
        sources.flags = arguments.settings
        sources.environment = environment
        let given = arguments.settings["config"] ?? environment["APUS_CONFIG"] ?? ""
        let path = given.isEmpty ? "\(dataFolder)/apus.json" : given
        if !given.isEmpty || Files.status(path) != nil {
            sources.file = try ConfigurationFile.read(path)
            sources.filePath = path
        }
        return try sources.resolve(platform.declarations + declared.settings)
    }

    /// How a process of the system tells about itself, once the settings are known.
    var observe: ObserveConfiguration {
        var observe = telemetry
        observe.logLevel = LogLevel(name: platform.logLevel) ?? .info
        observe.logFormat = ObserveConfiguration.LogFormat(rawValue: platform.logFormat) ?? .automatic
        return observe
    }

    /// The same for one replica, named so that a collector keeps the replicas of a system apart.
    func observe(role: String, replica: Int) -> ObserveConfiguration {
        var observe = observe
        if observe.serviceName == ObserveConfiguration().serviceName { observe.serviceName = role }
        observe.resourceAttributes += [("service.namespace", system), ("service.instance.id", "\(role)/\(replica)")]
        return observe
    }

    /// What the system declares, with the replicas that were asked for.
    ///
    /// - Throws: ``ConfigurationError``, ``UsageError``.
    func plan() throws -> SystemPlan {
        var plan = try SystemPlan(body())
        for word in arguments.options["replicas"] ?? [] {
            let parts = word.split(separator: "=")
            guard parts.count == 2, let count = Int(parts[1]) else {
                throw UsageError("--replicas takes NAME=N, not \"\(word)\"")
            }
            try plan.set(replicas: count, of: String(parts[0]))
        }
        // Another server takes its place.
        if !declared.url(of: Cache<Int, Int>.kind).isEmpty { plan.parts.removeAll { $0.kind == .cache } }
        return plan
    }
}
