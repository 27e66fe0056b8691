import ApusCore
import ApusObserve
import ApusRuntime

/// What one process of a system knows of itself.
struct ProcessSite: Sendable {
    /// The system's name.
    let system: String
    /// The part it runs, or the system's name where it runs all.
    let role: String
    let replica: Int
    /// Which start of this replica it is; part of its sockets' names, so that two may overlap.
    let generation: Int
    let group: LoopGroup
    let blocking: BlockingPool
    let dataFolder: String
    /// Where sockets are; mode 0700.
    let runFolder: String
    let configuration: Configuration
    let platform: PlatformSettings
    /// How it tells about itself.
    let observe: ObserveConfiguration
    let readiness = Readiness()
    /// Where answered requests are logged, for parts that face clients.
    let accessLog: AccessLog?
    /// The system's own cache server, where this process uses it.
    var cacheURL: String?

    var mainLoop: EventLoop { group.loops[0] }

    /// The path of one of its sockets.
    func socket(_ name: String) -> SocketAddress { .unix(path: "\(runFolder)/\(name).sock") }
}

/// Where the parts of a process can be reached: what it tells when it is ready.
struct ProcessAddresses: Sendable, Hashable, Codable {
    /// The endpoints of each service, one a loop.
    var services: [String: [String]] = [:]
    /// Where each web part and each edge listens.
    var servers: [String: String] = [:]
    /// Where it hears of changed cache entries; `nil` where its caches hear of them in another way, or of none.
    var cacheNews: String?
    /// Where it tells about itself.
    var administration = ""
}

/// Where the other processes are: what a process is told.
struct Membership: Sendable, Hashable, Codable {
    /// A replica of a part.
    struct Member: Sendable, Hashable, Codable {
        var replica: Int
        var generation: Int
        var addresses: [String]
    }
    /// The members of each service, by its name.
    var services: [String: [Member]] = [:]
    /// The members of each web part, by its name.
    var webs: [String: [Member]] = [:]
    /// Where processes hear of changed cache entries, if any do.
    var cacheNews: [String]?

    var cacheNewsAddresses: [SocketAddress] { (cacheNews ?? []).compactMap { SocketAddress($0) } }

    var directory: ServiceDirectory {
        ServiceDirectory(
            services.mapValues { members in
                members.flatMap { member in
                    member.addresses.compactMap { SocketAddress($0) }.map { .init($0, replica: member.replica) }
                }
            }
        )
    }
}

/// A value that is set once and waited for.
final class Promise<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiters: [UnsafeContinuation<Value, Never>] = []
    }
    private let state = Lock(State())

    /// Sets the value; later ones are ignored.
    func set(_ value: Value) {
        let waiters = state.withLock { state in
            if state.value != nil { return [UnsafeContinuation<Value, Never>]() }
            state.value = value
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    /// The value, once it is set.
    func wait() async -> Value {
        await withUnsafeContinuation { continuation in
            let value: Value? = state.withLock { state in
                if state.value == nil { state.waiters.append(continuation) }
                return state.value
            }
            if let value { continuation.resume(returning: value) }
        }
    }

    /// The value, if it is set.
    var now: Value? { state.withLock { $0.value } }
}
