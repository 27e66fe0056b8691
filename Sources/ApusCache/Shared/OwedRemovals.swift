import ApusCore
import ApusRuntime

/// Names that have to be removed from a server that could not be reached, and are as soon as it can.
///
/// Bounded: beyond ``most`` further ones are left to the lifetimes of their entries.
final class OwedRemovals: Sendable {
    static let most = 10_000
    private static let pauseFirst: Duration = .milliseconds(20)
    private static let pauseLongest: Duration = .seconds(1)

    private struct State {
        /// Each name with the number of its last debt.
        var names: [[UInt8]: UInt64] = [:]
        var debts: UInt64 = 0
        /// In the order in which they are tried.
        var queue: [[UInt8]] = []
        var task: Task<Void, Never>?
        var isClosed = false
    }
    private let state = Lock(State())

    /// Whether a name is still to be removed.
    func contains(_ name: [UInt8]) -> Bool { state.withLock { !$0.names.isEmpty && $0.names[name] != nil } }

    /// Removes a name from a server, tried again until it succeeds.
    func add(_ name: [UInt8], on server: any TierServer) {
        state.withLock { state in
            guard !state.isClosed, state.names.count < Self.most || state.names[name] != nil else { return }
            state.debts += 1
            if state.names.updateValue(state.debts, forKey: name) == nil { state.queue.append(name) }
            guard state.task == nil else { return }
            state.task = Task(executorPreference: EventLoop.current) { await self.pay(server) }
        }
    }

    /// Tries no more.
    func close() {
        let task = state.withLock { state in
            state.isClosed = true
            (state.names, state.queue) = ([:], [])
            defer { state.task = nil }
            return state.task
        }
        task?.cancel()
    }

    private func pay(_ server: any TierServer) async {
        var pause = Self.pauseFirst
        while let (name, debt) = next() {
            do {
                try await server.remove(name)
                settle(name, debt)
                pause = Self.pauseFirst
            } catch {
                // Others may be on a server that answers.
                state.withLock { $0.queue.append(name) }
                do { try await server.wait(pause) } catch { return }
                pause = min(pause * 2, Self.pauseLongest)
            }
        }
    }

    private func next() -> (name: [UInt8], debt: UInt64)? {
        state.withLock { state in
            while !state.queue.isEmpty {
                let name = state.queue.removeFirst()
                if let debt = state.names[name] { return (name, debt) }
            }
            state.task = nil
            return nil
        }
    }

    /// A name was removed; if it was to be removed once more since, it is.
    private func settle(_ name: [UInt8], _ debt: UInt64) {
        state.withLock { state in
            if state.names[name] == debt { state.names[name] = nil } else { state.queue.append(name) }
        }
    }
}
