import ApusCore
import ApusRuntime

/// One loop's connections for exclusive use to one server: so many and no more, and a bounded number of callers wait.
//
// `@unchecked Sendable` is sound because only its loop's own thread uses it.
final class RESPExclusivePool: @unchecked Sendable {
    private struct Waiter {
        let number: Int
        let continuation: UnsafeContinuation<RESPConnection, any Error>
        let timer: EventLoop.Timer
    }

    private let name: String
    private let loop: EventLoop
    private let configuration: RESPClientConfiguration
    private let dial: RESPDial
    private var idle: [RESPConnection] = []
    private var lent: [ObjectIdentifier: RESPConnection] = [:]
    private var waiting: [Waiter] = []
    private var numbers = 0
    private var isClosed = false

    init(name: String, loop: EventLoop, configuration: RESPClientConfiguration, dial: @escaping RESPDial) {
        self.name = name
        self.loop = loop
        self.configuration = configuration
        self.dial = dial
    }

    /// A connection that nobody else uses until it is given back.
    ///
    /// - Throws: ``RESPClientError``: `overloaded`, `timedOut`, `closed`; `CancellationError`.
    func take(by deadline: Instant) async throws -> RESPConnection {
        numbers += 1
        let number = numbers
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                // Looked at here and not before, since a task may be put aside on its way to this.
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                if isClosed {
                    return continuation.resume(throwing: RESPClientError(.closed, "the client was closed"))
                }
                if waiting.isEmpty, let connection = free() { return continuation.resume(returning: connection) }
                guard waiting.count < configuration.exclusiveWaitersMax else {
                    return continuation.resume(throwing: overloaded())
                }
                let timer = loop.schedule(at: deadline) { [weak self] in self?.expire(number) }
                waiting.append(Waiter(number: number, continuation: continuation, timer: timer))
            }
        } onCancel: {
            loop.execute { [weak self] in self?.leave(number, CancellationError()) }
        }
    }

    private func overloaded() -> RESPClientError {
        RESPClientError(
            .overloaded,
            "\(name): \(configuration.exclusiveWaitersMax) wait for one of \(configuration.exclusiveMax) connections"
        )
    }

    private func free() -> RESPConnection? {
        while let connection = idle.popLast() {
            if !connection.isReady { continue }
            lent[ObjectIdentifier(connection)] = connection
            return connection
        }
        guard lent.count < configuration.exclusiveMax else { return nil }
        let connection = RESPConnection(
            name: name,
            loop: loop,
            configuration: configuration,
            isLasting: false,
            dial: dial
        )
        lent[ObjectIdentifier(connection)] = connection
        return connection
    }

    /// Takes a connection back; one that is not as it was is closed.
    func give(_ connection: RESPConnection, isClean: Bool) {
        lent[ObjectIdentifier(connection)] = nil
        if isClean, !isClosed, connection.isReady, connection.isQuiet {
            idle.append(connection)
        } else {
            connection.close()
        }
        while !waiting.isEmpty, let next = free() {
            let waiter = waiting.removeFirst()
            loop.cancel(waiter.timer)
            waiter.continuation.resume(returning: next)
        }
    }

    private func expire(_ number: Int) {
        leave(number, RESPClientError(.timedOut, "\(name): no connection for exclusive use came free in time"))
    }

    private func leave(_ number: Int, _ error: any Error) {
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return }
        let waiter = waiting.remove(at: index)
        loop.cancel(waiter.timer)
        waiter.continuation.resume(throwing: error)
    }

    /// Closes all connections; those that are lent fail under their users.
    func close() {
        isClosed = true
        for connection in idle + lent.values { connection.close() }
        idle = []
        for waiter in waiting {
            loop.cancel(waiter.timer)
            waiter.continuation.resume(throwing: RESPClientError(.closed, "the client was closed"))
        }
        waiting = []
    }
}
