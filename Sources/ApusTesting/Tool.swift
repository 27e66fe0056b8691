public import ApusRuntime
import Foundation

/// Programs of the machine that a test uses.
public enum Tool {
    /// Runs a program to its end.
    ///
    /// Only on the loop's own thread.
    ///
    /// - Parameters:
    ///   - name: Looked up in `PATH`.
    ///   - arguments: What follows the name.
    ///   - loop: Watches it.
    /// - Throws: `SystemError` where there is none, or it fails.
    public static func run(_ name: String, _ arguments: [String], on loop: EventLoop) async throws {
        let environment = ProcessInfo.processInfo.environment
        let candidates = (environment["PATH"] ?? "/usr/bin").split(separator: ":").map { "\($0)/\(name)" }
        guard let program = candidates.first(where: { access($0, X_OK) == 0 }) else {
            throw SystemError("\(name) in PATH", errno: ENOENT)
        }
        let process = try ChildProcess(path: program, arguments: arguments, environment: environment, on: loop)
        let exit = await process.wait()
        guard exit.isSuccess else { throw SystemError("\(name): \(exit)", errno: EINVAL) }
    }
}
