import ApusCore
import ApusObserve
import ApusRuntime

/// What has to be done once before the system serves: loading a catalogue, checking what is there.
///
/// ```swift
/// Setup("catalogue") { site in
///     if try await store.isLoaded { return }
///     try await load { done, all in site.progress(done, of: all, "products") }
/// }
/// ```
/// It runs at each start, once a system and not once a replica, in a process of its own with all blocks open, in the order
/// of the body; so it looks first whether there is something left to do. The system does not start where it throws.
public struct Setup: SystemContent {
    /// The part.
    public let parts: SystemParts

    /// A step before the start.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - run: Does it, on the first loop of its process.
    public init(_ name: String, _ run: @escaping @Sendable (SetupSite) async throws -> Void) {
        parts = SystemParts([Part(name: name, kind: .setup, replicas: 1, content: .setup(run))])
    }
}

/// Where a ``Setup`` runs.
public struct SetupSite: Sendable {
    /// The loop it runs on.
    public let loop: EventLoop
    /// All loops of the process, for work that can be split.
    public let loops: [EventLoop]
    /// Threads for work that blocks, such as reading files.
    public let blocking: BlockingPool
    /// The system's data folder.
    public let dataFolder: String
    /// The log of the setup.
    public let log: Log
    let report: @Sendable (Progress) -> Void

    /// How far a setup is.
    struct Progress: Sendable, Hashable, Codable {
        var step: String
        var done: Int
        var all: Int
        var unit: String
    }
    let step: String

    /// Says how far it is; shown to whoever waits, at most some times a second.
    public func progress(_ done: Int, of all: Int, _ unit: String = "") {
        report(Progress(step: step, done: done, all: all, unit: unit))
    }
}
