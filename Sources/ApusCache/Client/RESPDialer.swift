import ApusCore
import ApusRuntime

/// A connection that is ready: secured, let in, in the right database.
struct RESPLine: Sendable {
    let channel: Channel
    let version: RESPVersion
    /// Whom it leads to.
    let node: RESPNode
}

/// Makes connections: looks names up, connects, secures, says who we are.
struct RESPDialer: Sendable {
    let address: RESPAddress
    let configuration: RESPClientConfiguration
    private let tls: TLSContext?
    /// Where names are looked up, which blocks.
    private let resolver: BlockingPool

    /// - Throws: `TLSError` where the authorities' file cannot be used.
    init(_ address: RESPAddress, _ configuration: RESPClientConfiguration, resolver: BlockingPool) throws(TLSError) {
        self.address = address
        self.configuration = configuration
        self.resolver = resolver
        if let options = address.tls {
            tls = try TLSContext(client: TLSClientOptions(authoritiesFile: options.authoritiesFile))
        } else {
            tls = nil
        }
    }

    /// Makes a connection; only on the loop's own thread.
    ///
    /// - Parameters:
    ///   - node: The server.
    ///   - loop: The loop it will belong to.
    ///   - deadline: Until when all of it must be done.
    ///   - isSentinel: Whether the server is a sentinel, which has no databases and its own users.
    /// - Returns: A connection that is ready, and the caller's to close.
    /// - Throws: ``RESPClientError``: `unreachable`, `accessRefused`, `malformedReply`; `CancellationError`.
    func dial(_ node: RESPNode, on loop: EventLoop, by deadline: Instant, isSentinel: Bool = false) async throws
        -> RESPLine
    {
        let channel = try await connect(node, on: loop, by: deadline)
        do {
            try await secure(channel, node, by: deadline)
            let talk = RESPTalk(channel, server: "\(node)", bytesMax: 1 << 20)
            let version = isSentinel ? .two : try await greet(talk, node, by: deadline)
            guard talk.isAtEnd else {
                throw RESPClientError(.malformedReply, "\(node) says more than it was asked")
            }
            return RESPLine(channel: channel, version: version, node: node)
        } catch {
            channel.close()
            throw error
        }
    }

    private func connect(_ node: RESPNode, on loop: EventLoop, by deadline: Instant) async throws -> Channel {
        var last: (any Error)?
        let addresses = try await addresses(of: node)
        for address in addresses {
            do {
                return try await Channel.connect(to: address, on: loop, by: deadline)
            } catch let error as SystemError {
                last = error
            }
        }
        let reason = (last as? SystemError).map { ": \($0)" } ?? ""
        throw RESPClientError(.unreachable, "\(node) cannot be reached\(reason)", cause: last)
    }

    private func addresses(of node: RESPNode) async throws -> [SocketAddress] {
        switch node {
        case .path(let path): return [.unix(path: path)]
        case .host(let name, let port):
            if let address = SocketAddress("\(name):\(port)") { return [address] }
            do {
                return try await resolver.run { try HostNames.addresses(of: name, port: port) }
            } catch let error as SystemError {
                throw RESPClientError(.unreachable, "the name \(name) has no address", cause: error)
            } catch let error as BlockingPool.Overloaded {
                throw RESPClientError(.unreachable, "too many names are looked up", cause: error)
            }
        }
    }

    private func secure(_ channel: Channel, _ node: RESPNode, by deadline: Instant) async throws {
        guard let tls else { return }
        do {
            try channel.secure(with: tls, name: node.hostName)
            try await channel.handshake(by: deadline)
        } catch let error as TLSError {
            let isRefused = error.code == .untrustedPeer || error.code == .configuration
            throw RESPClientError(isRefused ? .accessRefused : .unreachable, "\(node): \(error)", cause: error)
        }
    }

    private func greet(_ talk: RESPTalk, _ node: RESPNode, by deadline: Instant) async throws -> RESPVersion {
        var greeting = RESPGreeting(
            address,
            server: "\(node)",
            database: address.kind == .cluster ? 0 : address.database,
            clientName: configuration.clientName
        )
        var step = greeting.begin()
        while true {
            switch step {
            case .say(let command): step = greeting.answered(try await talk.ask(command, by: deadline))
            case .done(let version): return version
            case .refused(let error): throw error
            }
        }
    }
}

/// One question after the other on a connection that nobody else uses.
//
// Not Sendable: it belongs to its channel's loop.
final class RESPTalk {
    private let channel: Channel
    private let server: String
    private var scanner: RESPReplyScanner
    private var input: RESPBuffer

    init(_ channel: Channel, server: String, bytesMax: Int) {
        self.channel = channel
        self.server = server
        var limits = RESPLimits()
        limits.bulkBytesMax = bytesMax
        scanner = RESPReplyScanner(limits)
        input = RESPBuffer(bytesMax: bytesMax + 4096)
    }

    /// True where nothing has come that was not asked for.
    var isAtEnd: Bool { input.count == 0 }

    /// Sends a command and waits for its reply.
    ///
    /// - Throws: ``RESPClientError``: `unreachable`, `malformedReply`; `CancellationError`.
    func ask(_ command: RESPCommand, by deadline: Instant) async throws -> RESPValue {
        var sent = 0
        while sent < command.wire.count {
            let result = command.wire.withUnsafeBytes { channel.send(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            switch result {
            case .bytes(let count): sent += count
            case .wouldBlock: try wait(await channel.writableCancellably(by: deadline))
            case .end, .failed: throw lost()
            }
        }
        while true {
            if let value = try take() { return value }
            guard input.reserve(4096) else { throw RESPClientError(.malformedReply, "\(server) says too much") }
            switch channel.receive(into: input.room) {
            case .bytes(let count): input.advance(count)
            case .wouldBlock: try wait(await channel.readableCancellably(by: deadline))
            case .end, .failed: throw lost()
            }
        }
    }

    private func take() throws(RESPClientError) -> RESPValue? {
        switch scanner.scan(input.base, input.count) {
        case .incomplete: return nil
        case .malformed(let error):
            throw RESPClientError(.malformedReply, "\(server) does not speak RESP: \(error)", cause: error)
        case .complete(let bytes):
            var reader = RESPReplyReader(input.base)
            let value = reader.value()
            input.removeFirst(bytes)
            return value
        }
    }

    private func wait(_ wake: Channel.Wake) throws {
        switch wake {
        case .ready: return
        case .timedOut:
            throw RESPClientError(.unreachable, "\(server) did not answer in time; is it frozen, or behind a firewall?")
        case .cancelled: throw CancellationError()
        }
    }

    private func lost() -> RESPClientError {
        RESPClientError(.unreachable, "\(server) closed the connection before it was ready")
    }
}
