import ApusCore
import ApusRuntime

extension Cache {
    /// The values for many keys, from memory or from calls of `load` for all that is missing together.
    ///
    /// Keys that others load already are waited for, and not loaded again. What is missing after this process's memory and
    /// the tier behind were asked is loaded in one call, or in a few where answers of that tier come at different times.
    ///
    /// - Parameters:
    ///   - keys: What is looked for; twice the same is once.
    ///   - batchMax: Most keys of one call of `load`; 1,000 unless given.
    ///   - load: Says the values of keys; one that it leaves out has none, which is kept too.
    /// - Returns: The values of those that have one.
    /// - Throws: What `load` throws; ``CacheError`` when too many wait; `CancellationError`.
    public func values(
        for keys: some Sequence<Key>,
        batchMax: Int = 1000,
        load: @escaping @Sendable ([Key]) async throws -> [Key: Value]
    ) async throws -> [Key: Value] {
        var found: [Key: Value] = [:]
        var missing: Set<Key> = []
        for key in keys where found[key] == nil {
            if let value = cached(key) { found[key] = value } else { missing.insert(key) }
        }
        if missing.isEmpty { return found }
        let batches = LoadBatches(max: max(1, batchMax), load)
        try await withThrowingTaskGroup(of: (Key, Value?).self) { group in
            for key in missing {
                group.addTask(executorPreference: EventLoop.current) {
                    (key, try await self.find(key) { try await batches.value(for: key) })
                }
            }
            for try await (key, value) in group { found[key] = value }
        }
        return found
    }
}

/// Keys whose loaders were called one by one, loaded together.
///
/// Those that come within a turn of a loop make a batch; without a loop, those that come until others had their turn.
private final class LoadBatches<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<Value?, any Error>
    private let most: Int
    private let load: @Sendable ([Key]) async throws -> [Key: Value]
    private let waiting = Lock<[Key: [Waiter]]>([:])

    init(max: Int, _ load: @escaping @Sendable ([Key]) async throws -> [Key: Value]) {
        most = max
        self.load = load
    }

    func value(for key: Key) async throws -> Value? {
        try await withCheckedThrowingContinuation { waiter in
            let isFirst = waiting.withLock { waiting in
                waiting[key, default: []].append(waiter)
                return waiting.count == 1 && waiting[key]?.count == 1
            }
            guard isFirst else { return }
            if let loop = EventLoop.current {
                loop.atTurnEnd { self.begin(on: loop) }
            } else {
                Task {
                    await Task.yield()
                    begin(on: nil)
                }
            }
        }
    }

    private func begin(on loop: EventLoop?) {
        var rest = waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting
        }
        while !rest.isEmpty {
            let batch = Dictionary(uniqueKeysWithValues: rest.prefix(most).map { ($0.key, $0.value) })
            for key in batch.keys { rest[key] = nil }
            Task(executorPreference: loop) { [load] in
                let result: Result<[Key: Value], any Error>
                do { result = .success(try await load(Array(batch.keys))) } catch { result = .failure(error) }
                for (key, waiters) in batch {
                    for waiter in waiters { waiter.resume(with: result.map { $0[key] }) }
                }
            }
        }
    }
}
