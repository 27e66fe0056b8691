import ApusCore
public import ApusObserve
public import ApusRuntime

/// A cache server on the protocol of Redis, and on a second port on that of memcached, for every process of a machine and
/// every client that speaks one of them.
///
/// It serves strings, counters, bits, hashes, lists, sets, sorted sets, lives, channels, transactions and client-side caching as
/// Redis 7.0 does; what it does not serve, such as streams and scripts, it refuses by name. One loop serves all clients, so that a
/// command runs alone. Memory is bounded: what is worth least goes first. Nothing is written to disk.
///
/// A client that sends what is no command, takes no output, or asks for more than the configuration allows is told so where it
/// can be, and cut off.
public final class CacheServer: Sendable {
    /// How it is bounded.
    public let configuration: CacheServerConfiguration
    private let observation: CacheServerObservation
    private let security: TLSContext?
    private let state = Lock(State())

    private struct State {
        var loop: EventLoop?
        var listeners: [Unshared<Listener>] = []
        var isDraining = false
    }

    /// A server that does not listen yet.
    ///
    /// - Throws: `ConfigurationError` for a configuration that makes no sense; `TLSError` for a certificate or a key that
    ///   cannot be used.
    public init(_ configuration: CacheServerConfiguration = CacheServerConfiguration(), metrics: Metrics = .process)
        throws
    {
        self.configuration = try configuration.checked()
        security = try configuration.tls.map { try TLSContext(server: $0) }
        observation = CacheServerObservation(metrics)
    }

    /// Serves at `address` until ``drain()`` is called or the task is cancelled, and returns when the last client is closed.
    ///
    /// - Parameters:
    ///   - address: Where to listen for clients of Redis; anywhere but on loopback only with a password.
    ///   - memcachedAddress: Where to listen for clients of memcached, text and meta, on the same keys; the same holds.
    ///   - loop: The loop that serves.
    ///   - ready: Called once with the address, whose port the kernel may have chosen.
    ///   - memcachedReady: Called once, before `ready`, with the address for clients of memcached, if there is one.
    /// - Throws: `ConfigurationError` for an address that everybody reaches without a password; `SystemError` when it cannot
    ///   listen, such as `EADDRINUSE`.
    public func run(
        at address: SocketAddress,
        memcachedAt memcachedAddress: SocketAddress? = nil,
        on loop: EventLoop,
        ready: @escaping @Sendable (SocketAddress) -> Void = { _ in },
        memcachedReady: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) async throws {
        for address in [address, memcachedAddress].compactMap({ $0 })
        where !address.isLoopback && configuration.password == nil {
            throw ConfigurationError(
                field: "address of the cache server",
                value: "\(address)",
                accepted: "a loopback address, or any with a password"
            )
        }
        let serving = Task(executorPreference: loop) {
            let listener = Unshared(try Listener(at: address, on: loop))
            var memcached: Unshared<Listener>?
            do {
                memcached = try memcachedAddress.map { Unshared(try Listener(at: $0, on: loop)) }
            } catch {
                listener.value.close()
                throw error
            }
            if let memcached { memcachedReady(memcached.value.address) }
            await self.serve(listener, memcached, on: loop, ready)
        }
        try await withTaskCancellationHandler {
            try await serving.value
        } onCancel: {
            drain()
        }
    }

    private func serve(
        _ listener: Unshared<Listener>,
        _ memcached: Unshared<Listener>?,
        on loop: EventLoop,
        _ ready: @Sendable (SocketAddress) -> Void
    ) async {
        let worker = CacheWorker(loop: loop, configuration: configuration, security: security)
        worker.core.port = Int(listener.value.address.port ?? 0)
        worker.core.memcachedPort = Int(memcached?.value.address.port ?? 0)
        let isDraining = state.withLock { state in
            state.loop = loop
            state.listeners = [listener] + [memcached].compactMap { $0 }
            return state.isDraining
        }
        ready(listener.value.address)
        if isDraining { drain() }
        let caring = Task(executorPreference: loop) { [observation] in
            var known = CacheServerObservation.Known()
            while (try? await loop.sleep(for: CacheWorker.pause)) != nil {
                worker.lookAfter()
                observation.record(worker.core, &known)
            }
        }
        let others = Task(executorPreference: loop) {
            while let channel = await memcached?.value.accept() { worker.accept(channel, protocol: .memcached) }
        }
        while let channel = await listener.value.accept() { worker.accept(channel, protocol: .resp) }
        await others.value
        caring.cancel()
        await caring.value
        worker.closeAll()
    }

    /// Accepts no more, closes every client, and lets ``run(at:memcachedAt:on:ready:memcachedReady:)`` return.
    public func drain() {
        let (loop, listeners) = state.withLock { state in
            state.isDraining = true
            defer { state.listeners = [] }
            return (state.loop, state.listeners)
        }
        for listener in listeners { loop?.execute { listener.value.close() } }
    }
}

/// Hands a value from the loop that made it to the same loop.
//
// Sound because every use names the loop and runs there.
struct Unshared<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// The server's figures in the metrics of its process.
struct CacheServerObservation: Sendable {
    private let clients, keys, bytes: Gauge
    private let commands, hits, misses, evicted, expired, cutOff: Counter

    init(_ metrics: Metrics) {
        clients = metrics.gauge("apus_cache_server_clients", help: "Clients that are connected.")
        keys = metrics.gauge("apus_cache_server_keys", help: "Keys that are held.")
        bytes = metrics.gauge("apus_cache_server_bytes", help: "Bytes of all keys with their values.", unit: .one)
        func counter(_ name: String, _ help: String) -> Counter {
            metrics.counter("apus_cache_server_\(name)_total", help: help)
        }
        commands = counter("commands", "Commands that were served or refused.")
        hits = counter("hits", "Look-ups that found a key.")
        misses = counter("misses", "Look-ups that found no key.")
        evicted = counter("evicted", "Keys that went for lack of room.")
        expired = counter("expired", "Keys whose time was up.")
        cutOff = counter("cut_off", "Clients that were cut off because they went beyond a bound.")
    }

    /// What was recorded of one server before.
    struct Known {
        var commands = 0
        var hits = 0
        var misses = 0
        var evicted = 0
        var expired = 0
        var cutOff = 0
    }

    /// Adds what the server counted since the last time.
    func record(_ core: CacheCore, _ known: inout Known) {
        func add(_ counter: Counter, _ total: Int, _ known: inout Int) {
            // After a reset the server counts from nothing.
            counter.add(total < known ? total : total - known)
            known = total
        }
        clients.set(core.clients.count)
        keys.set(core.keys.pointee.count)
        bytes.set(core.keys.pointee.bytes)
        add(commands, core.stats.pointee.commands, &known.commands)
        add(hits, core.keys.pointee.hits, &known.hits)
        add(misses, core.keys.pointee.misses, &known.misses)
        add(evicted, core.keys.pointee.evicted, &known.evicted)
        add(expired, core.keys.pointee.expired, &known.expired)
        add(cutOff, core.stats.pointee.cutOff, &known.cutOff)
    }
}
