import ApusCore
import Glibc

/// Counts how often it is looked at, and kills the process at one of them.
///
/// The store looks at it whenever it has asked the server something and waits, and between a migration and the record
/// of it: so there is a look at each step.
final class DeadlyClock: Clock {
    private let looks = Lock(0)
    private let deadly: Int

    init(at deadly: Int = .max) { self.deadly = deadly }
    var count: Int { looks.withLock { $0 } }

    private func look() {
        let count = looks.withLock { looks in
            looks += 1
            return looks
        }
        if count == deadly { kill(getpid(), SIGKILL) }
    }

    func now() -> Instant {
        look()
        return SystemClock().now()
    }

    func wallNanoseconds() -> Int64 {
        look()
        return SystemClock().wallNanoseconds()
    }
}
