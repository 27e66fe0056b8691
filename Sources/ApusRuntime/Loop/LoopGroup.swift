import ApusCore
import CLinux
import Glibc

/// The loops of a process: one a core unless said otherwise.
public final class LoopGroup: Sendable {
    /// The loops, by their index.
    public let loops: [EventLoop]
    private let threads: Lock<[pthread_t]>

    /// Starts `count` loops, each on a thread of its own.
    ///
    /// - Parameters:
    ///   - count: How many loops; the number of cores unless said otherwise.
    ///   - name: The threads' name, as `top -H` shows it.
    /// - Throws: ``SystemError`` where the kernel gives no more descriptors or threads.
    public convenience init(count: Int = LoopGroup.coreCount, name: String = "loop") throws {
        try self.init(count: count, name: name, callerIsFirst: false)
    }

    /// With `callerIsFirst`, starts no thread for the first loop: the caller's thread becomes it by ``EventLoop/run()``.
    init(count: Int, name: String = "loop", callerIsFirst: Bool) throws {
        precondition(count > 0, "a group has a loop")
        apus_ignore_sigpipe()
        loops = try (0..<count).map { try EventLoop(index: $0) }
        threads = Lock([])
        for loop in loops.dropFirst(callerIsFirst ? 1 : 0) {
            let thread = try Threads.start(name: "\(name)-\(loop.index)") { loop.run() }
            threads.withLock { $0.append(thread) }
        }
    }

    /// How many cores this process may use.
    public static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// The loop a caller on any thread may use: its own, else the first.
    public var any: EventLoop {
        if let current = EventLoop.current, loops.contains(where: { $0 === current }) { return current }
        return loops[0]
    }

    /// Ends the threads once their ready jobs have run.
    ///
    /// Not from a loop's own thread.
    public func shutdown() {
        for loop in loops { loop.stop() }
        for thread in threads.withLock({ threads in
            defer { threads = [] }; return threads
        }) {
            pthread_join(thread, nil)
        }
    }
}

/// Threads of our own, by name.
enum Threads {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    static func start(name: String, _ run: @escaping @Sendable () -> Void) throws -> pthread_t {
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                _ = body.name.withCString { apus_set_thread_name($0) }
                body.run()
                return nil
            },
            body.toOpaque()
        )
        guard result == 0 else {
            body.release()
            throw SystemError("pthread_create", errno: result)
        }
        return thread
    }
}
