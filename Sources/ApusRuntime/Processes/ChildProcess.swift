public import ApusCore
import CLinux
import Glibc

/// A program started by this one, in a process group of its own.
///
/// Watched through a pidfd, so that its end is an event like any other and a reused pid is never signalled.
/// With `diesWithParent` the kernel kills it when the thread that started it ends, so nothing is left running.
public final class ChildProcess: Sendable {
    /// How a process ended.
    public struct Exit: Sendable, Hashable, CustomStringConvertible {
        /// The exit status, or 128 plus the signal's number.
        public let code: Int32
        /// True for status 0.
        public var isSuccess: Bool { code == 0 }
        /// `exit 1` or `signal 9`.
        public var description: String { code > 128 ? "signal \(code - 128)" : "exit \(code)" }
    }

    /// The process id, for messages; signals go through the pidfd.
    public let pid: Int32
    private struct State {
        var exit: Exit?
        var waiters: [UnsafeContinuation<Exit, Never>] = []
    }
    private let state = Lock(State())
    private let pidfd: Int32
    private let loop: EventLoop

    /// Starts a program.
    ///
    /// Only on the loop's own thread, which must outlive the child when it dies with its parent.
    ///
    /// - Parameters:
    ///   - path: The program's file; not looked up in `PATH`.
    ///   - arguments: What follows the program's name.
    ///   - environment: All of its environment.
    ///   - descriptors: What becomes its descriptors 0, 1, 2, …; all others are closed.
    ///   - directory: Where it runs; here unless given.
    ///   - diesWithParent: Whether the kernel ends it (`SIGKILL`) when this process ends.
    ///   - loop: The loop that watches it.
    /// - Throws: ``SystemError`` such as `ENOENT` when it cannot be started.
    public init(
        path: String,
        arguments: [String],
        environment: [String: String],
        descriptors: [Int32] = [0, 1, 2],
        directory: String? = nil,
        diesWithParent: Bool = true,
        on loop: EventLoop
    ) throws {
        precondition(loop.isCurrent, "a child is started on its loop's own thread")
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let envp = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for string in argv + envp { free(string) } }
        let result = apus_spawn(
            path,
            argv,
            envp,
            descriptors,
            Int32(descriptors.count),
            directory,
            diesWithParent ? SIGKILL : 0
        )
        guard result > 0 else { throw SystemError("start \(path)", errno: -result) }
        pid = result
        self.loop = loop
        pidfd = apus_pidfd_open(result)
        guard pidfd >= 0 else {
            let error = SystemError("pidfd_open")
            kill(result, SIGKILL)
            throw error
        }
        let channel = try Channel(adopting: apus_fcntl_int(pidfd, F_DUPFD_CLOEXEC, 3), on: loop)
        Task(executorPreference: loop) { [self] in
            while true {
                var code: Int32 = 0
                if apus_pidfd_wait(pidfd, &code) == 0 {
                    channel.close()
                    ended(Exit(code: code))
                    return
                }
                channel.state.pointee.readReady = false
                _ = await channel.readable(by: .distantFuture)
            }
        }
    }

    deinit { close(pidfd) }

    private func ended(_ exit: Exit) {
        let waiters = state.withLock { state in
            state.exit = exit
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }

    /// How it ended, or `nil` while it runs.
    public var exit: Exit? { state.withLock { $0.exit } }

    /// Waits for its end.
    public func wait() async -> Exit {
        await withUnsafeContinuation { continuation in
            let exit: Exit? = state.withLock { state in
                if state.exit == nil { state.waiters.append(continuation) }
                return state.exit
            }
            if let exit { continuation.resume(returning: exit) }
        }
    }

    /// Sends a signal, such as `SIGTERM`; harmless after its end.
    public func signal(_ number: Int32) { _ = apus_pidfd_signal(pidfd, number) }

    /// Asks it to end and kills it when it has not by `deadline`.
    @discardableResult
    public func terminate(by deadline: Instant) async -> Exit {
        signal(SIGTERM)
        return await withTaskGroup(of: Void.self) { group in
            let loop = self.loop
            group.addTask(executorPreference: loop) {
                do { try await loop.sleep(until: deadline) } catch { return }
                self.signal(SIGKILL)
            }
            let exit = await wait()
            group.cancelAll()
            return exit
        }
    }
}
