import ApusCore
import ApusHTTP
public import ApusRuntime

/// A reverse proxy in front of replicas that come and go.
///
/// It speaks HTTP/1.1 both ways, keeps connections to replicas alive, balances by peak latency times queue (see
/// ``EdgeConfiguration/Balancing``), leaves out replicas that fail, sends a request a second time where that is safe,
/// and streams bodies both ways no faster than the other side takes them. Clients' own claims about where a request
/// came from are replaced by what the edge knows.
///
/// - SeeAlso: RFC 9110 section 7.6 (forwarding), RFC 7239 (`Forwarded`), RFC 9457 (problem documents).
public final class EdgeProxy: Sendable {
    /// One process that answers.
    public struct Replica: Sendable, Hashable {
        /// Its name in metrics and logs, such as `storefront/0`.
        public let id: String
        /// Where it listens.
        public let address: SocketAddress

        /// A replica.
        public init(id: String, address: SocketAddress) {
            self.id = id
            self.address = address
        }
    }

    private let configuration: EdgeConfiguration
    private let observation: EdgeObservation
    private let state = Lock(State())

    private struct State {
        var replicas: [Replica] = []
        var workers: [EdgeWorker] = []
        var listeners: [(EventLoop, Unshared<Listener>)] = []
        var isLeaving = false
        var isDraining = false
    }

    /// An edge without replicas; it answers 503 until it has some.
    ///
    /// - Throws: `ConfigurationError` for a configuration that makes no sense.
    public init(
        configuration: EdgeConfiguration = EdgeConfiguration(),
        observation: EdgeObservation = EdgeObservation()
    ) throws {
        self.configuration = try configuration.checked()
        self.observation = observation
    }

    /// Replaces the list of replicas, from any thread.
    ///
    /// Those that stay keep their connections and statistics; requests at those that go are finished.
    public func setReplicas(_ replicas: [Replica]) {
        let workers = state.withLock { state in
            state.replicas = replicas
            return state.workers
        }
        for worker in workers { worker.loop.execute { worker.setReplicas(replicas) } }
    }

    /// Serves at `address` until ``drain()`` is called or the task is cancelled, and returns when all has ended.
    ///
    /// - Parameters:
    ///   - address: Where to listen.
    ///   - loops: The loops that serve; each gets its share of connections.
    ///   - ready: Called once with the address, whose port the kernel may have chosen.
    /// - Throws: `SystemError` when it cannot listen, such as `EADDRINUSE`.
    public func run(
        at address: SocketAddress,
        on loops: [EventLoop],
        ready: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) async throws {
        var listeners: [Unshared<Listener>] = []
        var bound = address
        for loop in loops {
            let first = listeners.first
            let target = bound
            let listener = try await Task(executorPreference: loop) {
                if let first, target.port == nil { return Unshared(try Listener(sharing: first.value, on: loop)) }
                return Unshared(try Listener(at: target, on: loop, sharesPort: loops.count > 1))
            }.value
            bound = listener.value.address
            listeners.append(listener)
        }
        state.withLock { $0.listeners = Array(zip(loops, listeners)) }
        await withTaskGroup(of: Void.self) { group in
            for (loop, listener) in zip(loops, listeners) {
                let worker = EdgeWorker(loop: loop, configuration: configuration, observation: observation)
                let (replicas, isLeaving) = state.withLock { state in
                    state.workers.append(worker)
                    return (state.replicas, state.isLeaving)
                }
                group.addTask(executorPreference: loop) { [configuration] in
                    worker.setReplicas(replicas)
                    worker.isLeaving = isLeaving
                    await withTaskGroup(of: Void.self) { tasks in
                        tasks.addTask(executorPreference: loop) { await HealthChecks.run(for: worker) }
                        while let channel = await listener.value.accept() { worker.accept(channel) }
                        worker.beginDraining()
                        await worker.waitUntilEmpty(by: loop.now + configuration.drainLimit)
                        tasks.cancelAll()
                    }
                    worker.closeAll()
                }
            }
            ready(bound)
            if state.withLock({ $0.isDraining }) { stopAccepting() }
            await withTaskCancellationHandler {
                await group.waitForAll()
            } onCancel: {
                stopAccepting()
                for worker in state.withLock({ $0.workers }) { worker.loop.execute { worker.closeAll() } }
            }
        }
    }

    /// Serves on and answers `/readyz` with 503, so that balancers outside send their requests elsewhere before ``drain()``.
    public func leave() {
        let workers = state.withLock { state in
            state.isLeaving = true
            return state.workers
        }
        for worker in workers { worker.loop.execute { worker.isLeaving = true } }
    }

    /// Accepts no more, finishes the requests under way, and lets ``run(at:on:ready:)`` return.
    public func drain() {
        let isFirst = state.withLock { state in
            defer { state.isDraining = true }
            return !state.isDraining
        }
        if isFirst { stopAccepting() }
    }

    private func stopAccepting() {
        let (listeners, workers) = state.withLock { state in
            defer { state.listeners = [] }
            return (state.listeners, state.workers)
        }
        for (loop, listener) in listeners { loop.execute { listener.value.close() } }
        for worker in workers { worker.loop.execute { worker.beginDraining() } }
    }
}

/// Hands a value from the loop that made it to the same loop.
//
// Sound because every use names the loop and runs there.
struct Unshared<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
