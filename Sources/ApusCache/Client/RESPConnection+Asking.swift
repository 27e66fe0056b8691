import ApusCore
import ApusRuntime

/// Commands of tasks: they wait for their replies, and no longer than they may.
extension RESPConnection {
    /// Sends a command and waits for its reply; only on the loop's own thread.
    ///
    /// - Throws: ``RESPFailure``, ``RESPClientError``, `CancellationError`.
    @inline(__always)
    func ask(_ command: RESPCommand, deadline: Int64) async throws -> RESPValue {
        if let error = refusal(of: command.wire) { throw error }
        // The task waits nowhere before its command is submitted, so that the number is its own.
        let number = own.pointee.pipeline.next
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                submit(command.wire, .caller(continuation), deadline: deadline)
            }
        } onCancel: {
            loop.execute { [self] in cancel(number) }
        }
    }

    /// Sends commands in a row, without others between them, and waits for all replies.
    ///
    /// - Returns: A reply a command; refusals are among them as errors.
    /// - Throws: ``RESPClientError``, `CancellationError`.
    func ask(_ commands: [RESPCommand], deadline: Int64) async throws -> [RESPValue] {
        if commands.isEmpty { return [] }
        var wire: [UInt8] = []
        wire.reserveCapacity(commands.reduce(0) { $0 + $1.wire.count })
        for command in commands { wire += command.wire }
        if let error = refusal(of: wire, replies: commands.count) { throw error }
        let number = own.pointee.pipeline.next
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                submit(
                    wire,
                    replies: commands.count,
                    .batch(RESPBatch(commands.count, continuation)),
                    deadline: deadline
                )
            }
        } onCancel: {
            loop.execute { [self] in cancel(number) }
        }
    }
}
