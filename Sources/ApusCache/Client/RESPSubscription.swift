import ApusCore

/// Messages of channels as they come, until it is closed or its reader goes.
///
/// Channels promise nothing: who does not listen at a moment does not hear what is said then. So the sequence says when
/// messages may be missing: after a connection was lost, and where its reader was too slow for the buffer.
public final class RESPSubscription: AsyncSequence, Sendable {
    /// What a subscription says.
    public enum Element: Sendable, Hashable {
        /// From now on messages are heard; after a loss too.
        case established
        /// A message of a channel, and the pattern by which it was found, if it was by one.
        case message(channel: String, pattern: String?, payload: [UInt8])
        /// Messages may be missing from here on, until the next `established`: the connection was lost.
        case interrupted
        /// So many messages were dropped here, because the buffer was full.
        case dropped(Int)
    }

    private struct State {
        var buffer: [Element] = []
        var head = 0
        var dropped = 0
        var isEnded = false
        var reader: UnsafeContinuation<Element?, Never>?

        /// Forgets the first of the buffer, which has been read.
        mutating func take() {
            head += 1
            if head == buffer.count {
                buffer.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 1024 {
                buffer.removeFirst(head)
                head = 0
            }
        }
    }

    private let state = Lock(State())
    private let messagesMax: Int
    private let onEnd = Lock<(@Sendable () -> Void)?>(nil)

    init(messagesMax: Int) { self.messagesMax = messagesMax }

    deinit { close() }

    func ends(by body: @escaping @Sendable () -> Void) { onEnd.withLock { $0 = body } }

    /// Adds what was heard.
    func add(_ element: Element) {
        let reader = state.withLock { state -> UnsafeContinuation<Element?, Never>? in
            if state.isEnded { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            // Words on the subscription itself are few, and never dropped.
            if case .message = element, state.buffer.count - state.head >= messagesMax {
                state.dropped += 1
                return nil
            }
            if state.dropped > 0 {
                state.buffer.append(.dropped(state.dropped))
                state.dropped = 0
            }
            state.buffer.append(element)
            return nil
        }
        reader?.resume(returning: element)
    }

    /// Listens no more; the sequence ends.
    public func close() {
        let reader = state.withLock { state in
            state.isEnded = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
        let end = onEnd.withLock { onEnd in
            defer { onEnd = nil }
            return onEnd
        }
        end?()
    }

    /// Reads the messages; one reader at a time.
    public func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }

    /// Reads the messages.
    public struct Iterator: AsyncIteratorProtocol {
        let subscription: RESPSubscription

        /// The next word, or `nil` once the subscription is closed or the task is cancelled.
        public mutating func next() async -> Element? { await subscription.next() }
    }

    private func next() async -> Element? {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let (isThere, element) = state.withLock { state -> (Bool, Element?) in
                    if state.isEnded || Task.isCancelled { return (true, nil) }
                    if state.head < state.buffer.count {
                        defer { state.take() }
                        return (true, state.buffer[state.head])
                    }
                    if state.dropped > 0 {
                        defer { state.dropped = 0 }
                        return (true, .dropped(state.dropped))
                    }
                    precondition(state.reader == nil, "one task at a time reads a subscription")
                    state.reader = continuation
                    return (false, nil)
                }
                if isThere { continuation.resume(returning: element) }
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume(returning: nil)
        }
    }
}

extension RESPClient {
    /// Listens to channels, by their names and by patterns, on a connection of its own.
    ///
    /// The connection is made again when it is lost; the sequence says so. In a cluster any node passes all messages on.
    ///
    /// - Parameters:
    ///   - channels: Names of channels.
    ///   - patterns: Patterns of names, such as `orders.*`.
    /// - Returns: The messages, from the first `established` on.
    /// - Throws: ``RESPClientError`` after ``close()``, and where nothing is to be listened to.
    public func subscribe(channels: [String] = [], patterns: [String] = []) throws -> RESPSubscription {
        guard !channels.isEmpty || !patterns.isEmpty else {
            throw RESPClientError(.misplacedCommand, "a subscription names at least one channel or pattern")
        }
        let subscription = RESPSubscription(messagesMax: configuration.messagesMax)
        var interest = RESPFeed.Interest()
        if !channels.isEmpty {
            let command = RESPCommand("SUBSCRIBE", channels.map { .text($0) })
            interest.subscriptions.append((command, channels.count))
        }
        if !patterns.isEmpty {
            let command = RESPCommand("PSUBSCRIBE", patterns.map { .text($0) })
            interest.subscriptions.append((command, patterns.count))
        }
        interest.onEstablished = { [weak subscription] in subscription?.add(.established) }
        interest.onLost = { [weak subscription] _ in subscription?.add(.interrupted) }
        interest.onPush = { [weak subscription] value in
            guard let words = value.elements, let kind = words.first?.text else { return }
            if kind == "message", words.count == 3 {
                let message = RESPSubscription.Element.message(
                    channel: words[1].text ?? "",
                    pattern: nil,
                    payload: words[2].bytes ?? []
                )
                subscription?.add(message)
            } else if kind == "pmessage", words.count == 4 {
                let message = RESPSubscription.Element.message(
                    channel: words[2].text ?? "",
                    pattern: words[1].text,
                    payload: words[3].bytes ?? []
                )
                subscription?.add(message)
            }
        }
        let feed = try core.feed(to: core.cluster == nil ? nil : address.nodes[0], on: core.loop(), interest)
        subscription.ends { [core] in core.end(feed) }
        feed.start()
        return subscription
    }
}
