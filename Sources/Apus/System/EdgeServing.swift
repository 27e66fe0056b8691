import ApusCore
import ApusEdge
import ApusHTTP
import ApusObserve
import ApusRuntime

/// An edge as a process runs it: a proxy that is told by the members who its replicas are.
struct EdgeServing: Serving {
    private let target: String
    private let proxy: EdgeProxy

    init(_ part: Part, site: ProcessSite) throws {
        guard case .edge(let configuration) = part.content else { preconditionFailure("an edge has edge content") }
        target = part.target ?? ""
        proxy = try EdgeProxy(
            configuration: configuration,
            observation: EdgeObservation(accessLog: site.accessLog, tracer: .process)
        )
    }

    /// Takes where the replicas of its web part are.
    func update(_ membership: Membership) {
        proxy.setReplicas(
            (membership.webs[target] ?? []).flatMap { member in
                member.addresses.compactMap { address in
                    SocketAddress(address).map { .init(id: "\(target)/\(member.replica)", address: $0) }
                }
            }
        )
    }

    func run(
        at address: SocketAddress,
        on loops: [EventLoop],
        ready: @escaping @Sendable (SocketAddress) -> Void
    ) async throws { try await proxy.run(at: address, on: loops, ready: ready) }

    func drain() { proxy.drain() }
    /// Says on `/readyz` that it will end soon, and serves on.
    func leave() { proxy.leave() }
}
