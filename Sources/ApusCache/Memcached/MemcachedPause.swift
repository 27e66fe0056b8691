import ApusCore

/// How long nobody tries a server again, after it was lost.
struct MemcachedPause {
    private let first: Duration
    private let longest: Duration
    private var length: Duration
    private var until = Instant(nanoseconds: .min)

    init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = max(first, longest)
        length = first
    }

    /// Whether it is not yet time to try.
    func isOn(at now: Instant) -> Bool { now < until }

    /// The next pause is twice as long; by chance up to a half longer, so that many do not come at the same time.
    mutating func failed(at now: Instant, chance: UInt64) {
        until = now + length + length * (Double(chance % 512) / 1024)
        length = min(length * 2, longest)
    }

    mutating func succeeded() {
        length = first
        until = Instant(nanoseconds: .min)
    }
}
