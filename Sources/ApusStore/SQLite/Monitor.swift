import Glibc

/// A value that one thread at a time may touch, and on which threads wait for a change.
//
// `@unchecked Sendable` is sound because `state` is reached only between lock and unlock. It is apart from
// `ApusCore.Lock` because a condition needs the mutex itself.
final class Monitor<State>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: sending State) {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        self.state = state
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result, Failure: Error>(_ body: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Lets one waiting thread look again.
    func signal() { pthread_cond_signal(condition) }

    /// Lets all waiting threads look again.
    func broadcast() { pthread_cond_broadcast(condition) }

    /// Waits until `body` gives a value.
    func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// Waits until `body` gives a value or `nanoseconds` have passed.
    func wait<Result>(nanoseconds: Int, _ body: (inout State) -> Result?) -> Result? {
        var until = timespec()
        clock_gettime(CLOCK_MONOTONIC, &until)
        let sum = until.tv_nsec + nanoseconds
        until.tv_sec += sum / 1_000_000_000
        until.tv_nsec = sum % 1_000_000_000
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            if pthread_cond_timedwait(condition, mutex, &until) == ETIMEDOUT { return body(&state) }
        }
    }
}
