import ApusCore

/// The shards of an open store: while it is open more may come, and none goes but those on a server that rows went to and left.
final class ShardList: Sendable {
    /// Where slots lie.
    let table: SlotTable
    private let opened = Published<Opened>()
    private let growing = Lock(false)
    private let make: @Sendable (Int, ShardList) throws -> any ShardEngine

    /// The shards so far, which never change: more of them are another list.
    private final class Opened: Sendable {
        let engines: [any ShardEngine]
        init(_ engines: [any ShardEngine]) { self.engines = engines }
    }

    /// Opens what there is.
    ///
    /// - Parameters:
    ///   - table: Where slots lie.
    ///   - first: Opens one of the shards that there are now; it may block.
    ///   - make: The engine of one that comes later: it returns at once, and opens the shard with the first call.
    /// - Throws: What `first` throws.
    init(
        _ table: SlotTable,
        first: (Int, ShardList) throws -> any ShardEngine,
        later make: @escaping @Sendable (Int, ShardList) throws -> any ShardEngine
    ) throws {
        self.table = table
        self.make = make
        opened.publish(Opened(try (0..<table.shards).map { try first($0, self) }))
    }

    /// All of them, by number.
    ///
    /// - Throws: Why one that has come since cannot be had.
    func every() throws -> [any ShardEngine] {
        let (shards, engines) = (table.shards, opened.value?.engines ?? [])
        return engines.count < shards ? try grown() : Self.first(shards, of: engines)
    }

    /// Finds out whether one that is yet to come can be had, by opening it.
    ///
    /// - Throws: ``StoreError``; `ConfigurationError` where nobody says where it is.
    func tryOpening(_ index: Int) async throws {
        let engine = try make(index, self)
        do { _ = try await Answer.read(engine, deadline: nil) { _ in 0 } } catch {
            await engine.close()
            throw error
        }
        await engine.close()
    }

    /// All of them that can be had, by number: for those who look on.
    var all: [any ShardEngine] {
        let (shards, engines) = (table.shards, opened.value?.engines ?? [])
        return engines.count < shards ? (try? grown()) ?? engines : Self.first(shards, of: engines)
    }

    /// Shards on a server that all rows have left again are none.
    private static func first(_ shards: Int, of engines: [any ShardEngine]) -> [any ShardEngine] {
        engines.count == shards ? engines : Array(engines.prefix(shards))
    }

    /// The shard with a number that the table knows.
    @inline(__always)
    func engine(_ index: Int) throws -> any ShardEngine {
        if let opened = opened.borrowed {
            let found = opened._withUnsafeGuaranteedRef { index < $0.engines.count ? $0.engines[index] : nil }
            if let found { return found }
        }
        let engines = try grown()
        guard index < engines.count else {
            throw StoreError(.wrongShard, "the table of slots names shard \(index) of \(engines.count)")
        }
        return engines[index]
    }

    /// The shards, with those that came since.
    @inline(never)
    private func grown() throws -> [any ShardEngine] {
        try growing.withLock { isClosed in
            if isClosed { throw StoreError(.closed, "the store was closed") }
            var engines = opened.value?.engines ?? []
            let shards = table.shards
            if engines.count >= shards { return engines }
            for index in engines.count..<shards { engines.append(try make(index, self)) }
            opened.publish(Opened(engines))
            return engines
        }
    }

    /// All of them, of which there will be no more.
    func close() -> [any ShardEngine] {
        growing.withLock { isClosed in
            isClosed = true
            return opened.value?.engines ?? []
        }
    }
}
