/// A loop's own state: jobs, sockets and deadlines, touched by the loop's thread alone.
struct LoopState: ~Copyable {
    var jobs = JobQueue()
    var channels = ChannelSlab()
    var wheel: DeadlineWheel
    var timers = TimerHeap<@Sendable (Bool) -> Void>()
    var turnEnds: [() -> Void] = []
    /// When this turn began, in nanoseconds of the loop's clock.
    var current: Int64
    /// The loop was told to stop, and does once nothing is left to run.
    var isStopping = false

    init(now: Int64) {
        current = now
        wheel = DeadlineWheel(now: now)
    }
}
