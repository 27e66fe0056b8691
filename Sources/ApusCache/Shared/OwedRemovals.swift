import ApusCore
import ApusRuntime

/// Names that have to be removed from a server that could not be reached, and are as soon as it can.
///
/// Bounded: beyond ``most`` further ones are left to the lifetimes of their entries.
final class OwedRemovals: Sendable {
    static let most = 10_000
    private static let pauseLongest: Duration = .seconds(1)

    private struct State {
        var names: Set<[UInt8]> = []
        var task: Task<Void, Never>?
        var isClosed = false
    }
    private let state = Lock(State())

    /// Whether a name is still to be removed.
    func contains(_ name: [UInt8]) -> Bool { state.withLock { !$0.names.isEmpty && $0.names.contains(name) } }

    /// Removes a name from a server, tried again until it succeeds.
    func add(_ name: [UInt8], on server: any TierServer) {
        state.withLock { state in
            guard !state.isClosed, state.names.count < Self.most else { return }
            state.names.insert(name)
            guard state.task == nil else { return }
            state.task = Task(executorPreference: EventLoop.current) { await self.pay(server) }
        }
    }

    /// Tries no more.
    func close() {
        let task = state.withLock { state in
            state.isClosed = true
            state.names = []
            defer { state.task = nil }
            return state.task
        }
        task?.cancel()
    }

    private func pay(_ server: any TierServer) async {
        var pause = Duration.milliseconds(20)
        while let name = next() {
            do {
                try await server.remove(name)
                state.withLock { _ = $0.names.remove(name) }
                pause = .milliseconds(20)
            } catch {
                do { try await server.wait(pause) } catch { return }
                pause = min(pause * 2, Self.pauseLongest)
            }
        }
    }

    private func next() -> [UInt8]? {
        state.withLock { state in
            if let name = state.names.first { return name }
            state.task = nil
            return nil
        }
    }
}
