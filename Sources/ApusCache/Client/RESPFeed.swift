import ApusCore
import ApusRuntime

/// A connection that is listened on: kept, made again after it was lost, and asked for signs of life.
///
/// A server that says nothing for the configuration's `lossLimit`, although it is asked three times, counts as lost.
//
// `@unchecked Sendable` is sound because everything happens on its loop; `close` and `start` go there.
final class RESPFeed: @unchecked Sendable {
    /// What is to be listened to.
    struct Interest: Sendable {
        /// What is said on a fresh connection; its replies must not be errors.
        var commands: [RESPCommand] = []
        /// Commands without replies of their own: the server confirms each by so many pushes.
        var subscriptions: [(command: RESPCommand, confirmations: Int)] = []
        /// Whether it can be heard in RESP3 alone.
        var needsRESP3 = false
        /// What comes; on the loop.
        var onPush: @Sendable (RESPValue) -> Void = { _ in }
        /// From now on all is heard; on the loop.
        var onEstablished: @Sendable () -> Void = {}
        /// Something may have been missed; on the loop, once after each time that it was established.
        var onLost: @Sendable (RESPClientError) -> Void = { _ in }
        /// The connection was heard of or given up; on the loop, as often as it is asked for a sign of life.
        var onBeat: @Sendable () -> Void = {}
    }

    let loop: EventLoop
    private let connection: RESPConnection
    private let configuration: RESPClientConfiguration
    private let interest: Interest
    private let state = Lock(Shown())
    private var isEstablished = false
    private var isClosed = false
    private var unconfirmed = 0
    private var ending: UnsafeContinuation<Void, Never>?
    private var beat: EventLoop.Timer?
    private var pause: ReconnectPause<RESPClientError>

    private struct Shown {
        var isEstablished = false
        var problem: RESPClientError?
    }

    init(
        name: String,
        loop: EventLoop,
        configuration: RESPClientConfiguration,
        _ interest: Interest,
        dial: @escaping RESPDial
    ) {
        self.loop = loop
        self.configuration = configuration
        self.interest = interest
        pause = ReconnectPause(first: configuration.pauseFirst, longest: configuration.pauseLongest)
        connection = RESPConnection(name: name, loop: loop, configuration: configuration, dial: dial)
    }

    /// Whether all is heard now; from any thread.
    var isHeard: Bool { state.withLock { $0.isEstablished } }
    /// Why not; from any thread.
    var problem: RESPClientError? { state.withLock { $0.problem } }

    /// Connects and listens until ``close()``; from any thread.
    func start() {
        Task(executorPreference: loop) { [self] in await run() }
    }

    /// Listens no more; from any thread.
    func close() {
        loop.execute { [self] in
            isClosed = true
            connection.close()
        }
    }

    private func run() async {
        connection.onPush = { [weak self] in self?.heard($0) }
        connection.onLost = { [weak self] in self?.lost($0) }
        while !isClosed {
            var failure: RESPClientError?
            do {
                try await connection.open()
                try await begin()
                // It ends when the connection does.
                await withUnsafeContinuation { continuation in
                    if connection.isReady { ending = continuation } else { continuation.resume() }
                }
            } catch let error as RESPClientError {
                failure = error
            } catch {
                failure = RESPClientError(
                    .accessRefused,
                    "\(connection.name) does not let us listen: \(error)",
                    cause: error
                )
            }
            if isClosed { break }
            if let failure { connection.lose(failure) }
            let error =
                failure ?? problem ?? RESPClientError(.connectionLost, "\(connection.name): the connection was lost")
            state.withLock { $0.problem = error }
            let until = pause.failed(error, at: loop.preciseNow(), chance: loop.random())
            try? await loop.sleep(until: until)
        }
        connection.close()
    }

    private func begin() async throws {
        startBeating()
        guard !interest.needsRESP3 || connection.version == .three else {
            throw RESPClientError(.accessRefused, "\(connection.name) speaks no RESP3, which needs Redis 6 or newer")
        }
        let deadline = (loop.preciseNow() + configuration.connectLimit).nanoseconds
        for command in interest.commands { _ = try await connection.ask(command, deadline: deadline) }
        unconfirmed = 0
        if !interest.subscriptions.isEmpty {
            connection.own.pointee.pipeline.isListening = connection.version == .two
            for (command, confirmations) in interest.subscriptions {
                unconfirmed += confirmations
                connection.submit(command.wire, replies: 0, .nobody, deadline: .max)
            }
        }
        // A connection that was lost meanwhile has told so.
        if unconfirmed == 0, connection.isReady { established() }
    }

    private func established() {
        isEstablished = true
        pause.succeeded()
        state.withLock { $0 = Shown(isEstablished: true) }
        interest.onEstablished()
    }

    private func heard(_ value: RESPValue) {
        if unconfirmed > 0, let word = value.elements?.first?.text, word.hasSuffix("subscribe") {
            unconfirmed -= 1
            if unconfirmed == 0 { established() }
            return
        }
        interest.onPush(value)
    }

    private func lost(_ error: RESPClientError) {
        if let beat { loop.cancel(beat) }
        beat = nil
        state.withLock { $0 = Shown(problem: error) }
        if isEstablished {
            isEstablished = false
            interest.onLost(error)
        }
        let waiting = ending
        ending = nil
        waiting?.resume()
    }

    // MARK: Signs of life

    private func startBeating() {
        let limit = configuration.lossLimit.nanoseconds
        if let beat { loop.cancel(beat) }
        let heardAt = connection.own.pointee.heardAt
        let now = loop.preciseNow().nanoseconds
        if now - heardAt >= limit {
            return connection.lose(
                RESPClientError(
                    .connectionLost,
                    "\(connection.name) was silent for \(configuration.lossLimit)",
                    wasSent: true
                )
            )
        }
        // A third of the bound, and the bound itself where that is nearer.
        let next = min(now + limit / 3, heardAt + limit)
        beat = loop.schedule(at: Instant(nanoseconds: next)) { [weak self] in self?.askForLife() }
    }

    private static let ping = RESPCommand("PING")

    private func askForLife() {
        beat = nil
        guard connection.isReady else { return }
        // The reply is nobody's, or on a RESP2 connection that subscribes a push.
        let replies = connection.own.pointee.pipeline.isListening ? 0 : 1
        connection.submit(Self.ping.wire, replies: replies, .nobody, deadline: .max)
        interest.onBeat()
        if connection.isReady { startBeating() }
    }
}
