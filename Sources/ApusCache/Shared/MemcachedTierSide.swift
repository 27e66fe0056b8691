import ApusCore
import ApusRuntime

/// What a shared tier keeps on some memcacheds: on its servers, or in the gutter.
///
/// Names that memcached does not take, longer than 250 bytes or with spaces or control characters in them, are replaced
/// by their SHA-256. All entries of a cache carry its generation, a number that lies on each server beside them: forgetting
/// a cache is counting that number up, since memcached cannot list its keys. An entry of another generation counts as
/// none. Where the number was evicted it begins anew at random, and with it the cache.
final class MemcachedTierSide: Sendable {
    /// What a name holds.
    struct Found: Sendable {
        /// Empty for an entry of another generation.
        var bytes: [UInt8]
        var version: UInt64
        /// The generation now.
        var generation: UInt32
    }

    let client: MemcachedClient
    private let circle: Ketama
    private var servers: Int { client.configuration.servers.count }

    private struct State {
        /// For each cache the name of its generation on each server.
        var names: [[UInt8]: [[UInt8]]] = [:]
        /// What each such name was last seen to hold.
        var seen: [[UInt8]: UInt32] = [:]
    }
    private let state = Lock(State())

    init(_ configuration: MemcachedClientConfiguration) throws {
        client = try MemcachedClient(configuration)
        circle = Ketama(configuration.servers.map(\.place))
    }

    // MARK: Entries

    func get(_ name: [UInt8]) async throws -> Found? {
        let key = Self.key(of: name)
        let mark = generationName(for: name, besides: key)
        let items = try await client.get([mark, key])
        let generation = try await current(mark, items[0])
        guard let item = items[1] else { return nil }
        let isOf = item.flags == generation
        return Found(bytes: isOf ? item.value : [], version: item.version, generation: generation)
    }

    /// Keeps bytes where there are none; the new item's version and generation.
    func add(
        _ bytes: [UInt8],
        as name: [UInt8],
        lifetime: Duration
    ) async throws -> (version: UInt64, generation: UInt32)? {
        let key = Self.key(of: name)
        let mark = generationName(for: name, besides: key)
        // What was seen a moment ago is older than the load that begins now.
        let seen = state.withLock { $0.seen[mark] }
        let generation = if let seen { seen } else { try await current(mark, client.get(mark)) }
        let version = try await client.place(.add, key, bytes, flags: generation, lifetime: Self.whole(lifetime))
        return version.map { ($0, generation) }
    }

    func set(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws {
        let key = Self.key(of: name)
        let mark = generationName(for: name, besides: key)
        let generation = try await current(mark, client.get(mark))
        try await client.set(key, bytes, flags: generation, lifetime: lifetime.map(Self.whole))
    }

    /// Keeps bytes where a name's item still has `version`, and its cache its generation; the new version.
    func replace(
        _ version: UInt64,
        _ generation: UInt32,
        with bytes: [UInt8],
        as name: [UInt8],
        lifetime: Duration?
    ) async throws -> UInt64? {
        let key = Self.key(of: name)
        let life = lifetime.map(Self.whole)
        let new = try await client.place(.set, key, bytes, flags: generation, lifetime: life, version: version)
        guard let new else { return nil }
        // Forgetting the whole cache leaves leases as they are: what was loaded under one of before is not to be used.
        let mark = generationName(for: name, besides: key)
        return try await current(mark, client.get(mark)) == generation ? new : nil
    }

    func remove(_ name: [UInt8]) async throws { try await client.delete(Self.key(of: name)) }

    func remove(_ name: [UInt8], ifStill version: UInt64) async throws -> Bool {
        try await client.delete(Self.key(of: name), version: version)
    }

    func count(_ name: [UInt8], before: [UInt8], lifetime: Duration) async throws -> (now: Int, before: Int) {
        async let earlier = client.get(Self.key(of: before))
        let now = try await client.count(Self.key(of: name), lifetime: Self.whole(lifetime))
        return (Int(clamping: now), Int(clamping: Self.number(try await earlier?.value)))
    }

    /// Begins another generation of a cache's entries on every server; all are tried.
    func removeAll(prefix: [UInt8]) async throws {
        var failure: (any Error)?
        for mark in Set(generationNames(Self.group(of: prefix))) {
            do { try await count(mark, by: 1) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// What is wrong with each server that does not answer.
    func problems() async -> [any Error] {
        var problems: [any Error] = []
        for name in Set(generationNames(Array("apus:pulse:".utf8))) {
            do { _ = try await client.get(name) } catch { problems.append((error as? MemcachedError)?.cause ?? error) }
        }
        return problems
    }

    // MARK: Generations

    private func current(_ mark: [UInt8], _ item: MemcachedItem?) async throws -> UInt32 {
        guard let item else { return try await count(mark, by: 0) }
        let generation = UInt32(truncatingIfNeeded: Self.number(item.value))
        state.withLock { $0.seen[mark] = generation }
        return generation
    }

    @discardableResult
    private func count(_ mark: [UInt8], by step: UInt64) async throws -> UInt32 {
        // Well below the end of the numbers, so that none is passed on the way up.
        let first = SecureRandom.number() >> 1
        let generation = UInt32(truncatingIfNeeded: try await client.count(mark, by: step, from: first))
        state.withLock { $0.seen[mark] = generation }
        return generation
    }

    private func generationName(for name: [UInt8], besides key: [UInt8]) -> [UInt8] {
        let names = generationNames(Self.group(of: name))
        return names.count == 1 ? names[0] : names[circle.server(for: key) ?? 0]
    }

    /// Names of which each server has one, so that no entry depends on another server than its own.
    private func generationNames(_ group: [UInt8]) -> [[UInt8]] {
        if let known = state.withLock({ $0.names[group] }) { return known }
        func name(_ number: Int) -> [UInt8] { Self.key(of: Array("apus~".utf8) + group + Array("\(number)".utf8)) }
        var names = [[UInt8]](repeating: name(0), count: servers)
        if servers > 1 {
            var missing = Set(names.indices)
            // A server with next to no share of the keys may have none: its entries have the first name.
            var number = 0
            while !missing.isEmpty, number < servers * 1000 {
                let candidate = name(number)
                if let owner = circle.server(for: candidate), missing.remove(owner) != nil { names[owner] = candidate }
                number += 1
            }
        }
        return state.withLock { state in
            state.names[group] = names
            return names
        }
    }

    // MARK: Names and numbers

    /// `apus:CACHE:` of a name that begins so.
    private static func group(of name: [UInt8]) -> [UInt8] {
        let colon = UInt8(ascii: ":")
        guard let first = name.firstIndex(of: colon), let second = name[(first + 1)...].firstIndex(of: colon) else {
            return name
        }
        return Array(name[...second])
    }

    /// A name as memcached takes it; no other name begins with `apus#`.
    static func key(of name: [UInt8]) -> [UInt8] {
        MetaRequest.isKey(name) ? name : Array("apus#\(Hex.encode(SHA256.digest(name)))".utf8)
    }

    /// Lives are counted by a clock that ticks each second: a life that ends too early is none.
    private static func whole(_ lifetime: Duration) -> Duration { lifetime + .seconds(1) }

    private static func number(_ digits: [UInt8]?) -> UInt64 {
        digits.flatMap { UInt64(String(decoding: $0.prefix { (0x30...0x39).contains($0) }, as: UTF8.self)) } ?? 0
    }
}
