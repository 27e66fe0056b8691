import ApusCore
import ApusRuntime
import Glibc

/// Waits for a while, wherever the caller runs.
enum Pause {
    /// By the loop's timers on a loop; else on a thread of its own.
    ///
    /// - Throws: `CancellationError`.
    static func take(_ duration: Duration) async throws {
        if let loop = EventLoop.current { return try await loop.sleep(for: duration) }
        try Task.checkCancellation()
        try await StoreThread.run { block(duration) }
        try Task.checkCancellation()
    }

    /// The same on a thread that may wait.
    static func block(_ duration: Duration) {
        let nanoseconds = max(0, duration.nanoseconds)
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // A signal that cuts it short does no harm: whoever waits looks again.
        nanosleep(&time, nil)
    }
}
