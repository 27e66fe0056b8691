import ApusCore
public import ApusRuntime

/// A socket on which one loop takes calls.
final class ServiceListener: @unchecked Sendable {
    // Sound: touched on the system's loop alone.
    private let listener: Listener
    private let task: Task<Void, Never>
    var address: SocketAddress { listener.address }

    init(at address: SocketAddress, system: ApusActorSystem) throws {
        let listener = try Listener(at: address, on: system.loop)
        let accepting = Accepting(listener: listener, system: system)
        self.listener = listener
        task = Task(executorPreference: system.loop) { await accepting.run() }
    }

    func close() {
        listener.close()
        task.cancel()
    }

    /// The part that waits for connections.
    //
    // `@unchecked Sendable` is sound because its task prefers the listener's loop.
    private struct Accepting: @unchecked Sendable {
        let listener: Listener
        let system: ApusActorSystem

        func run() async {
            while let channel = await listener.accept() { system.accepted(channel, at: listener.address) }
        }
    }
}

extension ApusActorSystem {
    /// Takes calls at `address`.
    ///
    /// A Unix socket belongs in a folder of mode 0700; peers of another user are refused. Over TCP every peer has to
    /// say the secret first.
    ///
    /// - Returns: The address, with the port the kernel chose.
    /// - Throws: `ConfigurationError` for TCP without a secret or a folder others can enter; `SystemError`.
    @discardableResult
    public func listen(at address: SocketAddress) throws -> SocketAddress {
        precondition(loop.isCurrent, "a system listens on its loop")
        switch address {
        case .inet:
            guard settings.secret != nil else {
                throw ConfigurationError(
                    field: "services.secret",
                    value: "",
                    accepted: "a secret, because \(address) can be reached by others"
                )
            }
        case .unix(let path):
            let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            try SocketFolder.check(folder.isEmpty ? "." : folder)
        }
        let listener = try ServiceListener(at: address, system: self)
        listeners.append(listener)
        return listener.address
    }

    func accepted(_ channel: Channel, at address: SocketAddress) {
        let isUnix = if case .unix = address { true } else { false }
        let isStranger = isUnix && channel.peerUserID != userID
        guard !isStranger, !isDraining, callees.count < settings.connectionsMax else {
            counters.strangersRefused += 1
            return channel.abort()
        }
        let callee = CalleeConnection(channel, mustProve: !isUnix, system: self)
        callees[ObjectIdentifier(callee)] = callee
        callee.open(handshakeBy: loop.now + settings.handshakeTimeout)
    }
}

/// The folder a Unix socket is in.
enum SocketFolder {
    /// - Throws: `ConfigurationError` where others than its owner can enter it.
    static func check(_ path: String) throws(ConfigurationError) {
        guard let status = Files.status(path) else {
            throw ConfigurationError(field: "socket folder", value: path, accepted: "a folder that exists")
        }
        guard status.mode & 0o077 == 0 else {
            throw ConfigurationError(field: "socket folder", value: path, accepted: "a folder of mode 0700")
        }
    }
}
