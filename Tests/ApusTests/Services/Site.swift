import Apus
import ApusCore
import ApusRuntime
import Glibc

/// Loops, a folder of mode 0700, and actor systems on the loops: a few processes' worth in one.
final class Site: Sendable {
    let group: LoopGroup
    let folder: String

    init(loops: Int = 2) throws {
        group = try LoopGroup(count: loops, name: "test")
        folder = "/tmp/apus-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(folder)
    }

    func path(_ name: String) -> SocketAddress { .unix(path: "\(folder)/\(name).sock") }

    /// Runs `body` on a loop.
    @discardableResult
    func on<Result: Sendable>(
        _ index: Int,
        _ body: @escaping @Sendable (EventLoop) async throws -> Result
    ) async throws -> Result {
        let loop = group.loops[index]
        return try await Task(executorPreference: loop) { try await body(loop) }.value
    }

    /// A callee on a loop that offers ``desk`` at `name`.
    func callee(
        _ index: Int,
        _ name: String = "desk",
        events: Events = Events(),
        settings: ServiceSettings = .patient
    ) async throws -> ApusActorSystem {
        let address = path(name)
        return try await on(index) { loop in
            let system = try ApusActorSystem(loop: loop, settings: settings)
            system.offer(desk) { DeskService(actorSystem: $0, events: events) }
            try system.start()
            try system.listen(at: address)
            return system
        }
    }

    /// A caller on a loop that finds ``desk`` at `names`.
    func caller(
        _ index: Int,
        at names: [String] = ["desk"],
        settings: ServiceSettings = .patient
    ) async throws -> (ApusActorSystem, any Desk) {
        let endpoints = names.enumerated().map { ServiceDirectory.Endpoint(path($0.element), replica: $0.offset) }
        return try await on(index) { loop in
            let system = try ApusActorSystem(loop: loop, settings: settings, seed: 7)
            system.update(ServiceDirectory(["desk": endpoints]))
            return (system, try system.service(desk))
        }
    }

    /// Closes the systems and ends the threads.
    func end(_ systems: ApusActorSystem...) async throws {
        for system in systems {
            await Task(executorPreference: system.loop) { system.close() }.value
        }
        group.shutdown()
        try Files.remove(folder)
    }
}

extension ServiceSettings {
    /// Settings under which no slow machine decides a test: calls wait as long as it takes.
    static var patient: ServiceSettings {
        var settings = ServiceSettings()
        settings.callTimeout = .seconds(600)
        settings.handshakeTimeout = .seconds(60)
        return settings
    }
}
