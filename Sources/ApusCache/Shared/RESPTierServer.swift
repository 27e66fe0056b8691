import ApusCore
import ApusRuntime

/// A shared tier's server that speaks RESP: Redis, Redis Cluster, or the embedded cache server.
///
/// All caches of a process share one client, and one connection on which the server tells of changes. Compare and set is
/// `WATCH`, `GET`, `MULTI`, `SET`, `EXEC` on a connection of its own.
final class RESPTierServer: TierServer {
    /// Longest wait for a reply: what a server that hangs costs before it is left alone.
    static let replyLimit: Duration = .milliseconds(250)
    /// Longest wait for one of the connections that values are written on.
    static let connectionLimit: Duration = .seconds(2)
    /// What the names of all caches begin with.
    static let namespace = Array("apus:".utf8)

    private let client: RESPClient
    private let state = Lock(State())

    private struct State {
        var watchers: [(prefix: [UInt8], watcher: any TierWatcher)] = []
        var tracking: RESPTracking?
        var lost: String?
        /// Uses by what does not watch.
        var uses = 0
        var isUnused: Bool { watchers.isEmpty && uses == 0 }
    }

    init(_ address: RESPAddress, replyLimit: Duration = replyLimit) throws {
        var configuration = RESPClientConfiguration()
        configuration.commandLimit = replyLimit
        // Many keys may be loaded at once, and each value is written on a connection of its own.
        configuration.exclusiveWaitersMax = 100_000
        client = try RESPClient(address, configuration)
    }

    // MARK: Values

    func get(_ name: [UInt8]) async throws -> TierItem? {
        let reply = try await client.send(RESPCommand("GET", .bytes(name)))
        return try Self.bytes(reply).map { TierItem(bytes: $0, token: $0) }
    }

    func add(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration) async throws -> [UInt8]? {
        let words: [RESPArgument] = [.bytes(name), .bytes(bytes), "NX", "PX", Self.milliseconds(lifetime)]
        return try await client.send(RESPCommand("SET", words)) == .null ? nil : bytes
    }

    func set(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws {
        _ = try await client.send(Self.set(bytes, name, lifetime))
    }

    func replace(_ token: [UInt8], with bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws -> [UInt8]?
    {
        try await change(name, ifStill: token, Self.set(bytes, name, lifetime)) ? bytes : nil
    }

    func remove(_ name: [UInt8], ifStill token: [UInt8]) async throws {
        _ = try await change(name, ifStill: token, RESPCommand("DEL", .bytes(name)))
    }

    func remove(_ name: [UInt8]) async throws { _ = try await client.send(RESPCommand("DEL", .bytes(name))) }

    func removeAll(prefix: [UInt8]) async throws { try await client.removeAll(prefix: prefix) }

    func count(_ name: [UInt8], before: [UInt8], lifetime: Duration) async throws -> (now: Int, before: Int) {
        // The number's end is set with its beginning, so that none stays for ever.
        let replies = try await client.send([
            RESPCommand("SET", [.bytes(name), "0", "NX", "PX", Self.milliseconds(lifetime)]),
            RESPCommand("INCR", .bytes(name)), RESPCommand("GET", .bytes(before)),
        ])
        for case .error(let text) in replies { throw RESPFailure(text) }
        guard case .integer(let now) = replies[1] else { throw RESPFailure("ERR INCR answered something else") }
        let text = try Self.bytes(replies[2]).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return (Int(now), Int(text) ?? 0)
    }

    /// Runs a command where a name still holds `token`; false where it does not.
    private func change(_ name: [UInt8], ifStill token: [UInt8], _ command: RESPCommand) async throws -> Bool {
        try await client.exclusively(for: String(decoding: name, as: UTF8.self), within: Self.connectionLimit) {
            connection in
            let seen = try await connection.send([
                RESPCommand("WATCH", .bytes(name)), RESPCommand("GET", .bytes(name)),
            ])
            if case .error(let text) = seen[0] { throw RESPFailure(text) }
            guard try Self.bytes(seen[1]) == token else { return false }
            let done = try await connection.send([RESPCommand("MULTI"), command, RESPCommand("EXEC")])
            switch done[2] {
            case .null: return false
            case .error(let text): throw RESPFailure(text)
            default: return true
            }
        }
    }

    private static func set(_ bytes: [UInt8], _ name: [UInt8], _ lifetime: Duration?) -> RESPCommand {
        guard let lifetime else { return RESPCommand("SET", [.bytes(name), .bytes(bytes)]) }
        return RESPCommand("SET", [.bytes(name), .bytes(bytes), "PX", milliseconds(lifetime)])
    }

    private static func milliseconds(_ duration: Duration) -> RESPArgument {
        .number(max(1, Int(clamping: duration.nanoseconds / 1_000_000)))
    }

    private static func bytes(_ reply: RESPValue) throws -> [UInt8]? {
        switch reply {
        case .bulk(let bytes): return bytes
        case .null: return nil
        case .error(let text): throw RESPFailure(text)
        default: throw RESPFailure("ERR a value that is no text")
        }
    }

    // MARK: Changes

    func watch(_ prefix: [UInt8], _ watcher: any TierWatcher) async throws {
        let tracking = try state.withLock { state in
            state.watchers.append((prefix, watcher))
            if let tracking = state.tracking { return tracking }
            state.lost = "it has not answered yet"
            let tracking = try client.track(
                prefixes: [Self.namespace],
                .init(
                    onInvalidate: { [weak self] names in self?.changed(names) },
                    onLost: { [weak self] error in self?.lost("\(error)") },
                    onEstablished: { [weak self] in self?.lost(nil) }
                )
            )
            state.tracking = tracking
            return tracking
        }
        // So that a cache that was opened says at once whether its server is there.
        let limit = SystemClock().now() + Self.replyLimit
        while !tracking.isEstablished, tracking.problem == nil, SystemClock().now() < limit {
            try await wait(.milliseconds(2))
        }
    }

    /// Changes may have been missed: before a connection was there, and as long as none is.
    private func lost(_ why: String?) {
        let watchers = state.withLock { state in
            state.lost = why
            return state.watchers
        }
        for watcher in watchers { watcher.watcher.lostTrack() }
    }

    private func changed(_ names: [[UInt8]]?) {
        let watchers = state.withLock { $0.watchers }
        guard let names else {
            for watcher in watchers { watcher.watcher.lostTrack() }
            return
        }
        for name in names {
            for watcher in watchers where name.starts(with: watcher.prefix) { watcher.watcher.changed(name) }
        }
    }

    func close(_ watcher: any TierWatcher) async {
        await end { $0.watchers.removeAll { $0.watcher === watcher } }
    }

    func isAway(_ error: any Error) -> Bool {
        !(error is CancellationError) && (error as? RESPClientError)?.code != .overloaded
    }

    func wait(_ pause: Duration) async throws {
        let share = Double.random(in: 0.5...1)
        let loop = try EventLoop.current ?? client.core.loop()
        try await loop.sleep(for: .nanoseconds(Int64(Double(pause.nanoseconds) * share)))
    }

    func retain() { state.withLock { $0.uses += 1 } }
    func release() async { await end { $0.uses -= 1 } }

    private func end(_ change: (inout State) -> Void) async {
        let (isLast, tracking) = state.withLock { state in
            change(&state)
            defer { if state.watchers.isEmpty { state.tracking = nil } }
            return (state.isUnused, state.watchers.isEmpty ? state.tracking : nil)
        }
        tracking?.close()
        guard isLast else { return }
        TierServers.process.forget(self)
        await client.close()
    }

    // MARK: For people

    func stockClient(prefix: String) -> String? {
        guard let node = client.address.nodes.first, client.address.tls == nil else { return nil }
        let place =
            switch node {
            case .host(let host, let port): "-h \(host) -p \(port)"
            case .path(let path): "-s \(path)"
            }
        return "redis-cli \(place) --scan --pattern '\(prefix)*'"
    }

    var problem: String? {
        state.withLock { state in
            guard state.lost != nil else { return nil }
            let why = state.tracking?.problem.map { "\($0)" } ?? state.lost ?? ""
            return "\(client.address) does not serve, so each process caches alone: \(why)"
        }
    }
}
