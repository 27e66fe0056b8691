public import ApusLoad
import ApusRuntime

/// A whole system: the blocks it keeps things in, and the parts it is made of.
///
/// ```swift
/// @main
/// struct Shop: System {
///     let store = Store("shop", shards: 4, migrations: Schema.migrations)
///
///     var body: some SystemContent {
///         Edge(to: "web")
///         Web("web", replicas: 2) { host in try routes(host) }
///         Service(orders, replicas: 2) { host in OrdersService(actorSystem: host.actors, store: store) }
///     }
/// }
/// ```
/// Stored properties that are blocks are opened by each process that runs a part, and closed when it drains; those that are
/// settings are read from flags, environment and file. The program gets its command line from ``main()``: `up` runs the
/// system as a process a replica, `up --one-process` as one.
public protocol System: Sendable {
    /// What the system is made of.
    associatedtype Body: SystemContent
    /// The system as declared: nothing is opened yet.
    init()
    /// What the system is called: the name of its default data folder, in lower case; the type's name unless said.
    static var name: String { get }
    /// What the system is, in a sentence for `help`; empty unless said.
    static var summary: String { get }
    /// The parts. Read once in each process, after the settings are known.
    @SystemBuilder var body: Body { get }
    /// What it can be loaded with: `load NAME` on its command line; the first is taken where no name is given.
    var loads: [Scenario] { get }
}

extension System {
    /// The type's name in lower case.
    public static var name: String { "\(Self.self)".lowercased() }
    /// Nothing.
    public static var summary: String { "" }
    /// None.
    public var loads: [Scenario] { [] }

    /// The program: reads the command line, does what it says, and ends the process with its exit code.
    ///
    /// 0 for success, 1 for failure, 2 for a command line that makes no sense, 3 where a check found something, 130 and 143
    /// when a second signal ended it before it had drained.
    public static func main() { SystemProgram.run(Self.self, Array(CommandLine.arguments.dropFirst())) }
}
