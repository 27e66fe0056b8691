import ApusCore
import ApusRuntime

/// Commands of tasks: they wait for their replies, and no longer than they may.
//
// A task may be put aside on its way into a continuation. So nothing is looked at before that which must still hold within: a
// wait that was cancelled meanwhile finds that out when it begins.
extension RESPConnection {
    /// Sends a command and waits for its reply; only on the loop's own thread.
    ///
    /// - Throws: ``RESPFailure``, ``RESPClientError``, `CancellationError`.
    @inline(__always)
    func ask(_ command: RESPCommand, deadline: Int64) async throws -> RESPValue {
        let name = own.pointee.pipeline.newName()
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                submit(command.wire, .caller(continuation), name: name, deadline: deadline)
            }
        } onCancel: {
            loop.execute { [self] in cancel(name) }
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
        let (row, name) = (wire, own.pointee.pipeline.newName())
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                let batch = RESPBatch(commands.count, continuation)
                submit(row, replies: commands.count, .batch(batch), name: name, deadline: deadline)
            }
        } onCancel: {
            loop.execute { [self] in cancel(name) }
        }
    }
}
