import ApusCore
import ApusRuntime

/// One replica of a part, through all its processes.
//
// `@unchecked Sendable` is sound because its state is touched on the supervisor's loop alone.
final class Replica: @unchecked Sendable {
    /// What it is doing.
    enum State: String, Codable, Sendable {
        case starting, ready, draining, stopped, waiting
    }

    let part: Part
    let number: Int
    /// The process that serves, or is about to.
    var current: Child?
    /// The process that takes over during a restart.
    var next: Child?
    var state = State.stopped
    /// Starts beyond the first.
    var restarts = 0
    var generation = 0
    /// Whether it should run.
    var isWanted = true
    /// Why its last process ended, in a line.
    var lastFailure: String?
    var pause = RestartPause()
    /// Set while a restart replaces the process, so that its end is no crash.
    var replacing: Promise<Void>?
    /// Wakes a replica that waits before its next start.
    var wake: Promise<Void>?

    init(part: Part, number: Int) {
        self.part = part
        self.number = number
    }

    var label: String { "\(part.name)/\(number)" }

    /// What others are told of it, if it serves.
    var member: Membership.Member? {
        guard let child = current, child.isReady, !child.isDraining else { return nil }
        let addresses =
            switch part.kind {
            case .service: child.addresses.services[part.name] ?? []
            case .web, .edge, .cache: child.addresses.servers[part.name].map { [$0] } ?? []
            case .setup: [String]()
            }
        return Membership.Member(replica: number, generation: child.generation, addresses: addresses)
    }
}
