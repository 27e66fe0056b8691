/// A loop's own state: jobs, sockets and deadlines, touched by the loop's thread alone.
struct LoopState: ~Copyable {
    var jobs = JobQueue()
    var channels = ChannelSlab()
    var wheel: DeadlineWheel
    var timers = TimerHeap<@Sendable (Bool) -> Void>()
    var turnEnds: [() -> Void] = []
    /// When this turn began, in nanoseconds of the loop's clock.
    var current: Int64 {
        get { time.pointee }
        nonmutating set { time.pointee = newValue }
    }
    /// Where that is kept: a place of its own, so that the loop's thread finds it without the loop.
    let time: UnsafeMutablePointer<Int64>
    /// The loop was told to stop, and does once nothing is left to run.
    var isStopping = false

    init(now: Int64) {
        time = .allocate(capacity: 1)
        time.initialize(to: now)
        wheel = DeadlineWheel(now: now)
    }

    deinit { time.deallocate() }
}
