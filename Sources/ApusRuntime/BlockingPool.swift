import ApusCore
import Glibc

/// Threads for calls that block: files, name look-ups, C libraries without a non-blocking interface.
///
/// Bounded twice: so many threads, so many callers waiting. A caller beyond that is refused at once.
public final class BlockingPool: Sendable {
    /// The pool cannot take another call now.
    public struct Overloaded: Error, Sendable, CustomStringConvertible {
        /// The bound that was met.
        public let waitersMax: Int
        /// One line for the log.
        public var description: String { "\(waitersMax) blocking calls are waiting already" }
    }

    private struct State {
        var queue: [@Sendable () -> Void] = []
        var idle = 0
        var threads: [pthread_t] = []
        var isClosed = false
    }
    private let state = Lock(State())
    private let available = Signal()
    private let threadsMax: Int
    private let waitersMax: Int
    private let name: String

    /// A pool that starts threads as they are needed.
    ///
    /// - Parameters:
    ///   - threadsMax: Most threads at a time; 4 unless said.
    ///   - waitersMax: Most calls that wait for a thread; 1,024 unless said.
    ///   - name: The threads' name.
    public init(threadsMax: Int = 4, waitersMax: Int = 1024, name: String = "blocking") {
        self.threadsMax = threadsMax
        self.waitersMax = waitersMax
        self.name = name
    }

    /// Runs `body` on a thread of the pool.
    ///
    /// A call that has begun is not interrupted by cancellation: it answers when the system call does.
    ///
    /// - Throws: ``Overloaded`` when too many wait, `CancellationError` before it began, else what `body` throws.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try Task.checkCancellation()
        let handover = Handover<Result>()
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let accepted = state.withLock { state in
                if state.isClosed || state.queue.count >= waitersMax { return false }
                state.queue.append {
                    handover.fill(body)
                    continuation.resume()
                }
                if state.idle < state.queue.count && state.threads.count < threadsMax {
                    if let thread = try? Threads.start(name: name, { self.work() }) { state.threads.append(thread) }
                }
                return true
            }
            if accepted {
                available.notify()
            } else {
                handover.fail(Overloaded(waitersMax: waitersMax))
                continuation.resume()
            }
        }
        return try handover.take()
    }

    /// Ends the threads once the calls that wait have run.
    ///
    /// Not from a thread of the pool.
    public func shutdown() {
        let threads = state.withLock { state in
            state.isClosed = true
            defer { state.threads = [] }
            return state.threads
        }
        for _ in threads { available.notify() }
        for thread in threads { pthread_join(thread, nil) }
    }

    private func work() {
        while true {
            let next: (@Sendable () -> Void)? = state.withLock { state in
                guard state.queue.isEmpty else { return state.queue.removeFirst() }
                state.idle += 1
                return nil
            }
            if let next {
                next()
                continue
            }
            if state.withLock({ $0.isClosed }) { return }
            available.wait()
            state.withLock { $0.idle -= 1 }
        }
    }
}

/// A counting semaphore for threads.
//
// `@unchecked Sendable` is sound because `sem_t` is made for use from many threads.
final class Signal: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    init() { sem_init(semaphore, 0, 0) }
    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }
    func notify() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}
