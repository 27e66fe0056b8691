import ApusCore
import CLinux
import Glibc

/// Signals as events of a loop.
///
/// ``block(_:)`` comes first, on the main thread, before any other thread is started: a signal that some thread does
/// not block would end the process there.
public struct Signals: Sendable {
    private let descriptor: Int32

    /// Keeps the process from being ended by `numbers`, and makes them readable as events.
    ///
    /// - Throws: ``SystemError`` when the process is out of descriptors.
    public static func block(_ numbers: [Int32]) throws -> Signals {
        let descriptor = apus_signalfd(numbers, Int32(numbers.count))
        guard descriptor >= 0 else { throw SystemError("signalfd") }
        return Signals(descriptor: descriptor)
    }

    /// Calls `body` on `loop` with each signal that arrives, until the task is cancelled.
    public func run(on loop: EventLoop, _ body: (Int32) async -> Void) async throws {
        let duplicate = apus_fcntl_int(descriptor, F_DUPFD_CLOEXEC, 3)
        guard duplicate >= 0 else { throw SystemError("dup") }
        let channel = try Channel(adopting: duplicate, on: loop)
        defer { channel.close() }
        while !Task.isCancelled {
            let number = apus_signalfd_read(channel.descriptor)
            if number > 0 {
                await body(number)
                continue
            }
            channel.state.pointee.readReady = false
            if await channel.readableCancellably(by: .distantFuture) == .cancelled { return }
        }
    }
}
