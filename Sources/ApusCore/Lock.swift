public import Glibc

// `@unchecked Sendable` is sound because `state` is reached only between lock and unlock.
/// A value that one thread at a time may touch.
///
/// The one lock of the project. It is built on `pthread_mutex_t` because the thread sanitizer on Linux
/// takes `Synchronization.Mutex` for a race even round a plain counter.
///
/// Never held across an `await`: the body is synchronous.
public final class Lock<State>: @unchecked Sendable {
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline var state: State

    /// Creates an unlocked value.
    public init(_ state: sending State) {
        self.mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        self.state = state
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` with the value to itself.
    @inlinable
    public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }
}
