import ApusCore
import CLinux

/// For how long this process uses a shard on a server without looking whether keys leave it.
///
/// A shard that says that none do is believed for a second, counted from before it was asked. Whoever reshards opens a shard and
/// waits for longer than that: what was read meanwhile was read before the first key went. Writes are refused by the shard itself,
/// from when it was opened, unless they say that they have looked.
//
// `@unchecked Sendable` is sound because the words are only touched by atomic operations, and live as long as this.
final class ServerLease: @unchecked Sendable {
    static let length: Duration = .seconds(1)
    /// How long to wait until nobody believes that a shard is shut: clocks may differ in speed by a little.
    static let patience: Duration = .milliseconds(1200)

    /// What was heard when the lease was given: it stands while nothing else has been heard since.
    struct Token: Sendable, Equatable {
        fileprivate let version: UInt64
    }

    private let words: UnsafeMutablePointer<UInt64>
    private var until: UnsafeMutablePointer<UInt64> { words }
    private var openUntil: UnsafeMutablePointer<UInt64> { words + 1 }
    private var version: UnsafeMutablePointer<UInt64> { words + 2 }
    private var renewing: UnsafeMutablePointer<UInt64> { words + 3 }

    private let clock: any Clock

    /// - Parameter clock: What it goes by.
    init(clock: any Clock) {
        self.clock = clock
        words = .allocate(capacity: 4)
        words.initialize(repeating: 0, count: 4)
    }

    deinit { words.deallocate() }

    /// The moment, in monotonic nanoseconds.
    func now() -> Int64 { clock.now().nanoseconds }

    /// Whether nothing has left the shard at this moment, in monotonic nanoseconds.
    func isValid(at now: Int64) -> Bool { now < Int64(bitPattern: apus_acquire_load(until)) }

    /// What a call goes by that does not look; `nil` where it has to.
    func token(at now: Int64) -> Token? {
        let token = Token(version: apus_acquire_load(version))
        return isValid(at: now) && !isOpen(at: now) ? token : nil
    }

    /// Whether the shard has been shut all the time since.
    func stands(_ token: Token, at now: Int64) -> Bool {
        isValid(at: now) && apus_acquire_load(version) == token.version
    }

    /// Whether the shard was open a moment ago, so that a write looks without asking first.
    func isOpen(at now: Int64) -> Bool { now < Int64(bitPattern: apus_acquire_load(openUntil)) }

    /// Whether it is about to end, so that somebody should ask: true for one caller each time.
    func isToBeRenewed(at now: Int64) -> Bool {
        let end = apus_acquire_load(until)
        guard end != 0, Int64(bitPattern: end) - now < Self.length.nanoseconds / 2 else { return false }
        return apus_exchange(renewing, end) != end
    }

    /// The shard has answered a question that was asked at some moment.
    func heard(_ state: ShardState, askedAt moment: Int64) {
        let end = UInt64(bitPattern: moment + Self.length.nanoseconds)
        if state.isOpen {
            apus_release_store(until, 0)
            apus_release_store(openUntil, end)
        } else {
            apus_release_store(version, UInt64(bitPattern: state.version))
            apus_release_store(openUntil, 0)
            apus_release_store(until, end)
        }
    }

    /// The shard has refused a write that had not looked.
    func refused(at now: Int64) {
        apus_release_store(until, 0)
        apus_release_store(openUntil, UInt64(bitPattern: now + Self.length.nanoseconds))
    }

    /// A connection was lost: what was heard before may be from before a long sleep of the machine.
    func forget() { apus_release_store(until, 0) }
}
