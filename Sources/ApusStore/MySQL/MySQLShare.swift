#if MySQL
import ApusCore

/// The connections that a shard's pools have beyond the first of each: the protocol has one statement at a time on a connection,
/// and a server has few connections.
final class MySQLShare: Sendable {
    private let left: Lock<Int>

    /// - Parameter max: How many there are in all, 0 or more.
    init(_ max: Int) { left = Lock(max) }

    /// Takes one; false where none is left.
    func take() -> Bool {
        left.withLock { left in
            guard left > 0 else { return false }
            left -= 1
            return true
        }
    }

    /// Gives one back that was taken.
    func give() { left.withLock { $0 += 1 } }
}
#endif
