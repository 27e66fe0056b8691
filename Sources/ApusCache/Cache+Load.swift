import ApusCore
import ApusObserve
import ApusRuntime

/// One part of a cache: what it knows and what it is loading.
@usableFromInline
struct CachePart<Key: Hashable & Sendable, Value: Sendable> {
    typealias Entry = CacheEntry<Key, Value>

    let table: CacheTable<Key, Value, AdaptivePolicy>
    /// The load that new callers of a key join.
    var flights: [Key: CacheFlight<Value>] = [:]
    /// All loads that run, those that nobody joins any more included.
    var running: [Key: [CacheFlight<Value>]] = [:]
    var backgroundLoads = 0
    var isClosed = false

    init(weightMax: Int) { table = CacheTable(weightMax: weightMax) }

    /// What loads of a key bring goes to those who wait, and is not kept.
    mutating func fence(_ key: Key) {
        flights[key] = nil
        for flight in running[key] ?? [] { flight.isFenced = true }
    }

    /// The same for all keys.
    mutating func fenceAll() {
        flights.removeAll()
        for flight in running.values.joined() { flight.isFenced = true }
    }

    /// Another process changed a key: what the engine behind was asked before is not kept.
    mutating func overtake(_ key: Key) {
        flights[key] = nil
        for flight in running[key] ?? [] { flight.isOvertaken = true }
    }

    /// The same for all keys.
    mutating func overtakeAll() {
        flights.removeAll()
        for flight in running.values.joined() { flight.isOvertaken = true }
    }

    /// A load has ended.
    mutating func end(_ flight: CacheFlight<Value>, of key: Key) {
        if flights[key] === flight { flights[key] = nil }
        running[key]?.removeAll { $0 === flight }
        if running[key]?.isEmpty == true { running[key] = nil }
    }
}

/// One load that runs, with those who wait for it.
//
// `@unchecked Sendable` is sound because everything in it is touched only under its part's lock.
@usableFromInline
final class CacheFlight<Value: Sendable>: @unchecked Sendable {
    typealias Waiter = CheckedContinuation<CacheContent<Value>, any Error>

    var task: Task<Void, Never>?
    var waiters: [ObjectIdentifier: Waiter] = [:]
    /// Nobody need wait for it: the last waiter's leaving does not end it.
    let isBackground: Bool
    /// Its key was invalidated: its result goes to those who wait, and is not kept.
    var isFenced = false
    /// Another process changed the key since the engine behind was asked: what the engine said is not kept.
    var isOvertaken = false

    init(isBackground: Bool) { self.isBackground = isBackground }
}

/// One caller's place in a flight.
//
// `@unchecked Sendable` is sound because `flight` is touched only under its part's lock.
private final class CacheTicket<Value: Sendable>: @unchecked Sendable {
    var flight: CacheFlight<Value>?
}

extension Cache {
    @usableFromInline typealias Loader = @Sendable () async throws -> Value?
    private typealias Flight = CacheFlight<Value>

    private enum Admission {
        case answer(Result<Content, any Error>)
        case waiting
    }

    /// Waits for the load of a key, which is begun where none runs.
    @usableFromInline
    func wait(_ key: Key, _ hash: UInt64, _ load: @escaping Loader) async throws -> Content {
        let ticket = CacheTicket<Value>()
        let part = part(hash)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: Flight.Waiter) in
                switch part.withLock({ self.admit(&$0, key, hash, load, ticket, waiter) }) {
                case .answer(let answer): waiter.resume(with: answer)
                case .waiting: break
                }
            }
        } onCancel: {
            let (waiter, abandoned) = part.withLock { self.leave(&$0, key, ticket) }
            abandoned?.cancel()
            waiter?.resume(throwing: CancellationError())
        }
    }

    private func admit(
        _ part: inout Part,
        _ key: Key,
        _ hash: UInt64,
        _ load: @escaping Loader,
        _ ticket: CacheTicket<Value>,
        _ waiter: Flight.Waiter
    ) -> Admission {
        if Task.isCancelled { return .answer(.failure(CancellationError())) }
        if part.isClosed {
            let error = CacheError(.closed, fault: .caller, isRetryable: false, detail: "cache \(name)")
            return .answer(.failure(error))
        }
        // Another load may have ended between this caller's look and the lock.
        if case .fresh(let content, _) = part.table.find(key, hash, at: now()) {
            countHit(key, hash)
            return .answer(.success(content))
        }
        countMiss(key, hash)
        if let flight = part.flights[key] {
            guard flight.waiters.count < configuration.waitersMax else {
                let detail = "\(flight.waiters.count) waiters, at most \(configuration.waitersMax)"
                return .answer(
                    .failure(CacheError(.overloaded, fault: .apus, isRetryable: true, detail: detail))
                )
            }
            flight.waiters[ObjectIdentifier(ticket)] = waiter
            ticket.flight = flight
        } else {
            let flight = Flight(isBackground: false)
            flight.waiters[ObjectIdentifier(ticket)] = waiter
            ticket.flight = flight
            start(flight, &part, key, hash, load)
        }
        return .waiting
    }

    /// Takes a cancelled caller out; the load goes with the last one.
    private func leave(
        _ part: inout Part,
        _ key: Key,
        _ ticket: CacheTicket<Value>
    ) -> (Flight.Waiter?, Task<Void, Never>?) {
        guard let flight = ticket.flight, let waiter = flight.waiters.removeValue(forKey: ObjectIdentifier(ticket))
        else {
            return (nil, nil)
        }
        guard flight.waiters.isEmpty, !flight.isBackground else { return (waiter, nil) }
        if part.flights[key] === flight { part.flights[key] = nil }
        flight.isFenced = true
        return (waiter, flight.task)
    }

    /// Begins a load that nobody waits for, unless one runs or too many do.
    @usableFromInline
    func reload(_ key: Key, _ hash: UInt64, _ load: @escaping Loader) {
        part(hash).withLock { part in
            guard part.flights[key] == nil, part.backgroundLoads < configuration.backgroundLoadsMax, !part.isClosed
            else {
                return
            }
            part.backgroundLoads += 1
            start(Flight(isBackground: true), &part, key, hash, load)
        }
    }

    private func start(_ flight: Flight, _ part: inout Part, _ key: Key, _ hash: UInt64, _ load: @escaping Loader) {
        part.flights[key] = flight
        part.running[key, default: []].append(flight)
        meter.loads.increment()
        // On the caller's loop, so that the loader's sockets are that loop's.
        flight.task = Task(executorPreference: EventLoop.current) {
            let began = self.now()
            let fetched = await self.fetch(flight, key, hash, load)
            self.meter.loadTime.record(self.now() - began)
            self.land(flight, key, hash, fetched)
            await self.tell(flight, key, hash, fetched)
        }
    }

    private struct Fetched {
        var content: Content
        /// How long it took to load, here or where the engine behind has it from.
        var loadTime: Duration = .zero
        /// What the engine behind said about its life, if it came from there.
        var lifetime: Duration?
        /// The right to tell the engine behind.
        var lease: CacheLease?
    }

    /// Asks the engine behind, if there is one, then the loader.
    private func fetch(_ flight: Flight, _ key: Key, _ hash: UInt64, _ load: Loader) async -> Fetched {
        var lease: CacheLease?
        if let engine {
            do {
                switch try await engine.look(for: key, refreshing: flight.isBackground) {
                case .found(let entry):
                    let content = entry.value.map { Content.value($0) } ?? .absent
                    return Fetched(content: content, loadTime: entry.loadTime, lifetime: entry.lifetime)
                case .load(let given): lease = given
                }
            } catch {
                meter.engineFailures.increment()
            }
            // What was heard until now, the news of one's own lease among it, is older than what the loader will see.
            part(hash).withLock { part in
                flight.isOvertaken = false
                if part.flights[key] == nil, !flight.isFenced, !flight.isBackground { part.flights[key] = flight }
            }
        }
        let began = now()
        do {
            let value = try await load()
            let spent = Duration.nanoseconds(now() - began)
            return Fetched(content: value.map { .value($0) } ?? .absent, loadTime: spent, lease: lease)
        } catch {
            return Fetched(content: .failed(error), lease: lease)
        }
    }

    /// Keeps what came, unless its key was invalidated meanwhile, and answers those who wait.
    private func land(_ flight: Flight, _ key: Key, _ hash: UInt64, _ fetched: Fetched) {
        var gone: [Part.Entry] = []
        var isFailed = false
        if case .failed = fetched.content {
            isFailed = true
            meter.loadFailures.increment()
        }
        let (waiters, answer) = part(hash).withLock { part in
            part.table.drain()
            if flight.isBackground { part.backgroundLoads -= 1 }
            part.end(flight, of: key)
            var answer = fetched.content
            // Under a lease the engine says afterwards whether somebody changed the key meanwhile.
            if flight.isFenced || (flight.isOvertaken && fetched.lease == nil) {
                meter.refusals.increment()
            } else if isFailed, let old = fallback(&part, key, hash, &gone) {
                answer = old
            } else if let life = life(of: fetched.content, fetched.lifetime, loadTime: fetched.loadTime) {
                meter.evictions.add(keep(&part, key, hash, fetched.content, life, &gone))
            }
            defer { flight.waiters = [:] }
            return (flight.waiters.values.map { $0 }, answer)
        }
        if isFailed, case .value = answer { meter.stale.add(waiters.count) }
        for waiter in waiters {
            if case .failed(let error) = answer {
                waiter.resume(throwing: error)
            } else {
                waiter.resume(returning: answer)
            }
        }
    }

    /// Tells the engine behind what was loaded, unless it was invalidated.
    private func tell(_ flight: Flight, _ key: Key, _ hash: UInt64, _ fetched: Fetched) async {
        guard let engine, let lease = fetched.lease else { return }
        guard let entry = entry(of: fetched), !part(hash).withLock({ _ in flight.isFenced }) else {
            return giveUp(lease, key)
        }
        do {
            // Whoever changed the key while it was loaded took the lease away: then what was loaded is old.
            if try await !engine.fill(entry, for: key, under: lease) { forget(key, hash) }
        } catch {
            // Whether somebody changed the key meanwhile cannot be known.
            forget(key, hash)
            meter.engineFailures.increment()
            giveUp(lease, key)
        }
    }

    /// Gives a lease back, in a task that is not cancelled with the load.
    private func giveUp(_ lease: CacheLease, _ key: Key) {
        guard let engine else { return }
        Task(executorPreference: EventLoop.current) { await engine.giveUp(lease, for: key) }
    }

    /// What the engine behind is told of a load; `nil` for what is not to be kept.
    private func entry(of fetched: Fetched) -> CacheEngineEntry<Value>? {
        switch fetched.content {
        case .value(let value):
            let life = configuration.lifetime.map(jittered)
            return CacheEngineEntry(value: value, lifetime: life, loadTime: fetched.loadTime)
        case .absent:
            guard let life = configuration.absentLifetime.map(jittered) else { return nil }
            return CacheEngineEntry(value: nil, lifetime: life, loadTime: fetched.loadTime)
        case .failed: return nil
        }
    }

    // MARK: Changes by other processes

    /// Forgets what another process changed, or, with `nil`, everything.
    func changedElsewhere(_ key: Key?) {
        if let key { return forget(key, keyHash(key)) }
        for part in parts {
            var gone: [Part.Entry] = []
            part.withLock { part in
                part.overtakeAll()
                part.table.removeAll(gone: &gone)
            }
        }
    }

    /// Forgets a key in memory; a load of it that runs goes on for those who wait for it, and what it brings is good if it
    /// began after the change.
    private func forget(_ key: Key, _ hash: UInt64) {
        var gone: [Part.Entry] = []
        part(hash).withLock { part in
            part.overtake(key)
            part.table.drain()
            part.table.remove(key, hash, gone: &gone)
        }
    }

    private func fallback(_ part: inout Part, _ key: Key, _ hash: UInt64, _ gone: inout [Part.Entry]) -> Content? {
        let now = now()
        let retryAt = (Instant(nanoseconds: now) + configuration.retryPause).nanoseconds
        return part.table.fallback(key, hash, at: now, retryAt: retryAt, gone: &gone)
    }
}
