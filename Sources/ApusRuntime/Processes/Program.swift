import ApusCore
import CLinux
import Glibc

/// A process's main thread: it is the first loop, runs one task, and the process ends with that task's exit code.
///
/// In place of Swift's asynchronous `main`, whose executor is not ours. With one loop the process has one thread, which
/// spares the kernel counting references to open files and the C library its locks.
public enum Program {
    /// Runs `body` on the first loop of a new group and leaves the process with the code it returns.
    ///
    /// A limit on the size of files (`ulimit -f`) makes writes fail, as a full disk does, and does not end the process.
    ///
    /// - Parameters:
    ///   - loopCount: How many loops; one a core unless said.
    ///   - body: The program; its result is the exit code.
    public static func run(
        loopCount: Int = LoopGroup.coreCount,
        _ body: @escaping @Sendable (LoopGroup) async -> Int32
    ) -> Never {
        apus_ignore_sigxfsz()
        do {
            let group = try LoopGroup(count: loopCount, callerIsFirst: true)
            Task(executorPreference: group.loops[0]) { exit(await body(group)) }
            group.loops[0].run()
        } catch {
            StandardStreams.writeError("apus: cannot start: \(error)\n")
        }
        exit(1)
    }

    /// The path of this program's file, so that it can start itself again with another role.
    public static var path: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
    }

    /// This process's id.
    public static var pid: Int32 { getpid() }

    /// True when the process may do everything.
    public static var isRoot: Bool { getuid() == 0 }

    /// The user this process runs as.
    public static var userID: UInt32 { getuid() }
}

/// Standard output and error, as whole writes.
public enum StandardStreams {
    /// Writes `text` to standard output.
    ///
    /// What cannot be written is lost.
    public static func write(_ text: String) { write(text, to: STDOUT_FILENO) }
    /// Writes `text` to standard error.
    ///
    /// What cannot be written is lost.
    public static func writeError(_ text: String) { write(text, to: STDERR_FILENO) }
    /// True when standard error is a terminal.
    public static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    /// True when standard output is a terminal.
    public static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
                if count <= 0 { return }
                offset += count
            }
        }
    }
}
