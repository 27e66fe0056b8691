public import ApusObserve

/// What the dashboard shows and changes: a supervisor with its processes, or one process that is all of them.
///
/// Asked on the dashboard's loop.
public protocol DashboardSource: Sendable {
    /// What is known from the start.
    var facts: SystemFacts { get }
    /// What keeps the system from serving; empty when all parts serve.
    func problems() async -> [String]
    /// All replicas.
    ///
    /// - Parameter measured: Whether the kernel is asked for processor time and memory, which costs a little.
    /// - Returns: One a replica, in the order of their declaration.
    func parts(measured: Bool) async -> [PartStatus]
    /// The processes that can be asked for pulses now.
    var targets: [PulseTarget] { get }
    /// What every process measures, as Prometheus reads it.
    func metrics() async -> String
    /// Restarts, stops, starts or kills a replica, or all of a part.
    ///
    /// - Throws: ``ChangeRefused``.
    func change(_ change: PartChange, of name: String, replica: Int?) async throws(ChangeRefused)
    /// Gives a part more or fewer replicas.
    ///
    /// - Throws: ``ChangeRefused``.
    func scale(_ name: String, to replicas: Int) async throws(ChangeRefused)
    /// What the processes know of a block beyond its metrics, one a process that answers.
    func details(of kind: String, _ name: String) async -> [(process: PartName, detail: BlockDetail)]
    /// Counts the rows of a store, within some seconds.
    ///
    /// - Throws: ``ChangeRefused`` where no process can.
    func countRows(of store: String) async throws(ChangeRefused) -> RowCounts
    /// Runs loads; `nil` where nothing can be started.
    var loads: (any LoadRunning)? { get }
    /// Drains the whole system, and then ends.
    func end()
}

/// A process that answers a collector.
public struct PulseTarget: Sendable {
    /// Which process.
    public let process: PartName
    /// Asks it.
    public let ask: @Sendable (PulseRequest) async throws -> Pulse

    /// A process and how it is asked.
    public init(process: PartName, ask: @escaping @Sendable (PulseRequest) async throws -> Pulse) {
        self.process = process
        self.ask = ask
    }
}

/// What can be done to a replica.
public enum PartChange: String, Sendable, CaseIterable {
    /// Starts one that was stopped.
    case start
    /// Drains it and leaves it at that.
    case stop
    /// Starts it anew without failing a request.
    case restart
    /// Ends it at once by signal 9, as a crash would; it is started again like after any other.
    case kill
}

/// Why a change was not made.
public struct ChangeRefused: Error, Sendable, CustomStringConvertible {
    /// A line for whoever asked.
    public let description: String

    /// A refusal with its reason.
    public init(_ line: String) { description = line }
}
