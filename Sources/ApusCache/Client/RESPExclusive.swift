import ApusCore
import ApusRuntime

/// A connection that nobody else uses: for `WATCH`, `MULTI` and `EXEC`, and for commands that wait.
///
/// It is good within the closure that it was given to. After the closure it is used again where nothing of it was left behind, and
/// closed otherwise.
public final class RESPExclusive {
    private let connection: RESPConnection
    private let commandNanoseconds: Int64
    private var isInTransaction = false
    private var isWatching = false
    /// Something about the connection was changed for good.
    private var isChanged = false

    init(_ connection: RESPConnection) {
        self.connection = connection
        commandNanoseconds = connection.configuration.commandLimit.nanoseconds
    }

    /// Sends a command and waits for its reply.
    ///
    /// - Parameters:
    ///   - command: What to send.
    ///   - limit: How long it may take; the configuration's unless given. It is more than what a command that waits is told.
    /// - Returns: The reply.
    /// - Throws: ``RESPFailure`` for an error reply, ``RESPClientError`` without one, `CancellationError`.
    public func send(_ command: RESPCommand, within limit: Duration? = nil) async throws -> RESPValue {
        try note(command)
        let (connection, length) = (connection, limit?.nanoseconds ?? commandNanoseconds)
        return try await onLoop(connection.loop) {
            try await connection.ask(command, deadline: connection.loop.preciseNow().nanoseconds &+ length)
        }
    }

    /// Sends commands in one write and waits for all replies.
    ///
    /// - Returns: A reply a command; refusals are among them as ``RESPValue/error(_:)``.
    /// - Throws: ``RESPClientError``, `CancellationError`.
    public func send(_ commands: [RESPCommand], within limit: Duration? = nil) async throws -> [RESPValue] {
        for command in commands { try note(command) }
        let (connection, length) = (connection, limit?.nanoseconds ?? commandNanoseconds)
        return try await onLoop(connection.loop) {
            try await connection.ask(commands, deadline: connection.loop.preciseNow().nanoseconds &+ length)
        }
    }

    private func note(_ command: RESPCommand) throws {
        switch command.place {
        case .anywhere: return
        case .nowhere: throw RESPClientError.misplaced(command, isExclusive: true)
        case .alone: break
        }
        switch RESPCommandKeys(command).name {
        case "MULTI": isInTransaction = true
        case "EXEC", "DISCARD": (isInTransaction, isWatching) = (false, false)
        case "WATCH": isWatching = true
        case "UNWATCH": isWatching = false
        case "CLIENT", "READONLY", "READWRITE", "ASKING": isChanged = true
        default: break
        }
    }

    /// Leaves the connection as it was found.
    ///
    /// - Returns: Whether that was possible.
    func clean() async -> Bool {
        if isInTransaction || isChanged { return false }
        if isWatching { return (try? await send(RESPCommand("UNWATCH"))) != nil }
        return true
    }
}

extension RESPClientError {
    static func misplaced(_ command: RESPCommand, isExclusive: Bool = false) -> RESPClientError {
        let name = RESPCommandKeys(command).name
        let fix: String
        switch name {
        case _ where name.hasSuffix("SUBSCRIBE"): fix = "listen by subscribe(channels:patterns:)"
        case "SELECT", "AUTH", "HELLO": fix = "the client says it itself, from the URL"
        case _ where command.place == .nowhere: fix = "its replies cannot be told apart"
        default: fix = "use exclusively { }, since it changes the connection or keeps it waiting"
        }
        return RESPClientError(.misplacedCommand, "\(name) cannot be sent here: \(fix)")
    }
}

/// Runs `body` on a loop's own thread, and comes back.
//
// The body is `@concurrent`: one that took its caller's executor over would begin wherever the caller was, and come to the loop
// with its first wait.
@concurrent
func onLoop<Value: Sendable>(
    _ loop: EventLoop,
    _ body: @escaping @concurrent @Sendable () async throws -> Value
) async throws -> Value {
    try await withTaskExecutorPreference(loop) { try await body() }
}
