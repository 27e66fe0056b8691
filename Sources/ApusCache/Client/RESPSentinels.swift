import ApusCore
import ApusRuntime

/// The sentinels of a master: they say where it is, and tell when another takes its place.
///
/// - SeeAlso: Redis, "Guidelines for Redis clients with support for Redis Sentinel".
final class RESPSentinels: Sendable {
    private let master: String
    private let dialer: RESPDialer
    private struct State {
        /// The one that answered last is asked first.
        var nodes: [RESPNode]
        var isFollowing = false
    }
    private let state: Lock<State>

    init(_ nodes: [RESPNode], master: String, dialer: RESPDialer) {
        self.master = master
        self.dialer = dialer
        state = Lock(State(nodes: nodes))
    }

    private func answered(_ node: RESPNode) {
        state.withLock { state in
            guard let index = state.nodes.firstIndex(of: node), index > 0 else { return }
            state.nodes.remove(at: index)
            state.nodes.insert(node, at: 0)
        }
    }

    /// Connects to the master that the first sentinel to answer names.
    ///
    /// - Throws: ``RESPClientError``; `CancellationError`.
    func dialMaster(on loop: EventLoop, by deadline: Instant) async throws -> RESPLine {
        let node = try await find(on: loop, by: deadline)
        let line = try await dialer.dial(node, on: loop, by: deadline)
        do {
            // A sentinel may not know yet what the server itself does.
            let talk = RESPTalk(line.channel, server: "\(node)", bytesMax: 1 << 20)
            let role = try await talk.ask(RESPCommand("ROLE"), by: deadline)
            guard role.elements?.first?.text == "master", talk.isAtEnd else {
                throw RESPClientError(.unreachable, "\(node) is not the master of \"\(master)\" yet")
            }
            return line
        } catch {
            line.channel.close()
            throw error
        }
    }

    private func find(on loop: EventLoop, by deadline: Instant) async throws -> RESPNode {
        var reasons: [String] = []
        let nodes = state.withLock { $0.nodes }
        for (index, sentinel) in nodes.enumerated() {
            // Those that follow have their part of what time there is.
            let now = loop.preciseNow()
            let part = Instant(
                nanoseconds: now.nanoseconds + (deadline - now).nanoseconds / Int64(nodes.count - index + 1)
            )
            do {
                let node = try await ask(sentinel, on: loop, by: part)
                answered(sentinel)
                return node
            } catch let error as RESPClientError {
                reasons.append(error.detail)
            }
        }
        throw RESPClientError(
            .unreachable,
            "no sentinel says where \"\(master)\" is: \(reasons.joined(separator: "; "))"
        )
    }

    private func ask(_ sentinel: RESPNode, on loop: EventLoop, by deadline: Instant) async throws -> RESPNode {
        let line = try await dialer.dial(sentinel, on: loop, by: deadline, isSentinel: true)
        defer { line.channel.close() }
        let talk = RESPTalk(line.channel, server: "\(sentinel)", bytesMax: 1 << 20)
        let reply = try await talk.ask(RESPCommand("SENTINEL", "get-master-addr-by-name", .text(master)), by: deadline)
        guard let words = reply.elements, words.count == 2, let host = words[0].text,
            let port = words[1].text.flatMap({ UInt16($0) })
        else {
            if case .error(let text) = reply {
                throw RESPClientError(.unreachable, "\(sentinel) does not say (\(RESPFailure(text).code))")
            }
            throw RESPClientError(.unreachable, "\(sentinel) knows no master \"\(master)\"; look at its configuration")
        }
        return .host(host, port: port)
    }

    // MARK: Following

    /// Hears from a sentinel when another server becomes the master, from the first call on.
    func follow(with core: RESPClientCore, on loop: EventLoop) {
        let isFirst = state.withLock { state in
            defer { state.isFollowing = true }
            return !state.isFollowing
        }
        guard isFirst else { return }
        var interest = RESPFeed.Interest()
        interest.subscriptions = [(RESPCommand("SUBSCRIBE", "+switch-master"), 1)]
        interest.onPush = { [master, weak core] value in
            guard let words = value.elements, words.count == 3, words[1].text == "+switch-master",
                let text = words[2].text, text.hasPrefix("\(master) ")
            else { return }
            for lane in core?.lanes.all ?? [] {
                lane.loop.execute {
                    lane.main.lose(
                        RESPClientError(.connectionLost, "another server is \"\(master)\" now", wasSent: true)
                    )
                }
            }
        }
        let feed = RESPFeed(
            name: "sentinels of \(master)",
            loop: loop,
            configuration: core.configuration,
            interest,
            dial: { [self] loop, deadline in try await dialAny(on: loop, by: deadline) }
        )
        // A client that was closed meanwhile follows nobody.
        if (try? core.keep(feed)) != nil { feed.start() }
    }

    private func dialAny(on loop: EventLoop, by deadline: Instant) async throws -> RESPLine {
        var last: (any Error)?
        let nodes = state.withLock { $0.nodes }
        for (index, sentinel) in nodes.enumerated() {
            let now = loop.preciseNow()
            let part = Instant(nanoseconds: now.nanoseconds + (deadline - now).nanoseconds / Int64(nodes.count - index))
            do {
                return try await dialer.dial(sentinel, on: loop, by: part, isSentinel: true)
            } catch let error as RESPClientError {
                last = error
            }
        }
        throw last ?? RESPClientError(.unreachable, "no sentinel can be reached")
    }
}
