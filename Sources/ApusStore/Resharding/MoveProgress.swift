import ApusCore

/// How far a resharding has come.
public struct MoveProgress: Sendable, Hashable, Codable {
    /// Slots that are where they are to be.
    public var slots: Int
    /// Slots that were to move.
    public var slotsInAll: Int
    /// Rows moved by this run; while it counts, rows seen.
    public var rows: Int
    /// The longest that a step has kept writers of its shard waiting, in nanoseconds.
    public var pause: Int64
    /// True while it looks through a shard, before it moves anything of it.
    public var isCounting = false

    init(slots: Int, slotsInAll: Int, rows: Int, pause: Duration, isCounting: Bool = false) {
        self.slots = slots
        self.slotsInAll = slotsInAll
        self.rows = rows
        self.pause = pause.nanoseconds
        self.isCounting = isCounting
    }
}

/// What a resharding did.
public struct MoveReport: Sendable, Hashable, Codable {
    /// Rows that changed their shard.
    public var rows = 0
    /// Steps, each of which kept the writers of one shard waiting.
    public var steps = 0
    /// The longest of them, in nanoseconds.
    public var pause: Int64 = 0
    /// How long all of it took, in nanoseconds.
    public var nanoseconds: Int64 = 0

    /// Nothing.
    public init() {}
}

/// What a resharding would do, and about how long it would take.
public struct MoveEstimate: Sendable, Hashable, Codable {
    /// What would move.
    public var plan: MovePlan
    /// Rows that would move.
    public var rows = 0
    /// Bytes of the shards' files that these rows take, about.
    public var bytes = 0
    /// Rows of the key that has the most: they move in one step.
    public var largestKey = 0
    /// How long it would take, in seconds, about.
    public var seconds = 0.0
    /// How long the step with the largest key would keep writers of its shard waiting, in seconds, about.
    public var pause = 0.0

    init(plan: MovePlan) { self.plan = plan }
}

/// What the run of a plan counts.
//
// Steps come one after the other; the lock is for who looks on.
final class MoveMeter: Sendable {
    private struct State {
        var report = MoveReport()
        var rowsPerStep = MovePace.rowsAtFirst
        var lastStep: Duration = .zero
        /// Steps in a row whose shards did not come together.
        var missed = 0
    }
    /// How much longer a target waits each time, at most.
    private static let waitMost = 6

    private let state = Lock(State())
    private let tell: @Sendable (MoveProgress) -> Void
    private let moved: @Sendable () -> Int
    private let slotsInAll: Int
    private let clock: any Clock
    private let pace: MovePace
    private let began: Instant
    private let site: any MoveSite

    /// - Parameters:
    ///   - tell: Told of each step.
    ///   - clock: Measures them.
    ///   - pace: How long they may take.
    ///   - site: Where the slots lie.
    ///   - slotsInAll: Slots that are to move.
    ///   - moved: How many have.
    init(
        _ tell: @escaping @Sendable (MoveProgress) -> Void,
        clock: any Clock,
        pace: MovePace,
        site: any MoveSite,
        slotsInAll: Int,
        moved: @escaping @Sendable () -> Int
    ) {
        self.tell = tell
        self.clock = clock
        self.pace = pace
        self.site = site
        self.slotsInAll = slotsInAll
        self.moved = moved
        began = clock.now()
    }

    var rowsPerStep: Int { state.withLock { $0.rowsPerStep } }
    var lastStep: Duration { state.withLock { $0.lastStep } }
    /// How long the next step keeps the target for a source that is busy.
    var meeting: Duration { site.meeting * (1 << state.withLock { min($0.missed, Self.waitMost) }) }
    var report: MoveReport {
        var report = state.withLock { $0.report }
        report.nanoseconds = (clock.now() - began).nanoseconds
        return report
    }

    /// Rows were looked through.
    func counted(_ rows: Int) { show(rows: rows, isCounting: true) }
    /// Tells of the last step: not within it, as whoever is told may take long.
    func show() { show(rows: state.withLock { $0.report.rows }, isCounting: false) }

    /// A step brought rows, and all of it took so long.
    func stepped(_ moved: MoveStep.Moved, took time: Duration) {
        state.withLock { state in
            state.report.rows += moved.rows
            state.report.steps += 1
            state.report.pause = max(state.report.pause, moved.pause.nanoseconds)
            state.lastStep = time
            state.missed = 0
            state.rowsPerStep = pace.rows(after: state.rowsPerStep, in: moved.pause)
        }
    }

    /// A step is to be done anew.
    func missed(took time: Duration) {
        state.withLock { state in
            state.lastStep = time
            state.missed += 1
        }
    }

    private func show(rows: Int, isCounting: Bool) {
        tell(
            MoveProgress(
                slots: moved(),
                slotsInAll: slotsInAll,
                rows: rows,
                pause: .nanoseconds(state.withLock { $0.report.pause }),
                isCounting: isCounting
            )
        )
    }
}
