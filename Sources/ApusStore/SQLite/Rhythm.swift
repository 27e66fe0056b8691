import ApusCore
import ApusRuntime

/// How a writer waits while its callers ask again as soon as they are answered.
///
/// Waking a sleeping thread takes about as long as a fast disk's sync. So a writer whose last pause was short looks for
/// the next request for a moment before it sleeps, and a group waits a moment for as many requests as the last one had,
/// which are on their way, so that they share its sync. Where pauses are longer it sleeps at once.
struct Rhythm {
    /// How long a writer looks before it sleeps, in nanoseconds.
    private static let lookMax: Int64 = 50_000
    /// How long a group waits for each further request, in nanoseconds.
    private static let gatherMax: Int64 = 15_000
    /// A pause up to here counts as short, in nanoseconds; it includes the waking.
    private static let shortMax: Int64 = 100_000
    private static let hasCores = LoopGroup.coreCount > 1

    private let clock = SystemClock()
    private var isQuick = false
    private var endedAt = Instant(nanoseconds: 0)
    private var lastSize = 0

    /// Looks for the next request, if it is likely to come at once.
    func look(in queue: WorkQueue) {
        guard isQuick else { return }
        let arrived = queue.arrived
        if queue.count == 0 { queue.spin(until: arrived + 1, nanoseconds: Self.lookMax) }
    }

    /// A group begins: the pause is over.
    mutating func begin() {
        isQuick = Self.hasCores && (clock.now() - endedAt).nanoseconds < Self.shortMax
    }

    /// Whether a group of so many need not wait for another request: the queue was empty a moment ago.
    func isWhole(_ size: Int, in queue: WorkQueue) -> Bool {
        guard isQuick, size < lastSize else { return true }
        let arrived = queue.arrived
        if queue.count == 0 { queue.spin(until: arrived + 1, nanoseconds: Self.gatherMax) }
        return queue.count == 0
    }

    /// A group of so many has ended.
    mutating func end(_ size: Int) {
        lastSize = size
        endedAt = clock.now()
    }
}
