/// What is known about a key.
@usableFromInline
enum CacheContent<Value: Sendable>: Sendable {
    case value(Value)
    case absent
    case failed(any Error)

    /// The value, `nil` for absent.
    @inlinable
    func get() throws -> Value? {
        switch self {
        case .value(let value): return value
        case .absent: return nil
        case .failed(let error): throw error
        }
    }
}

/// Until when an entry is what; in nanoseconds of the cache's clock.
@usableFromInline
struct CacheLife: Sendable {
    /// A hit from here on starts a reload.
    @usableFromInline var refreshAt: Int64
    /// Fresh before.
    @usableFromInline var freshUntil: Int64
    /// Served once more before, while it is reloaded.
    @usableFromInline var revalidateUntil: Int64
    /// Served before, where reloading fails.
    @usableFromInline var errorUntil: Int64

    static let forever = CacheLife(refreshAt: .max, freshUntil: .max, revalidateUntil: .max, errorUntil: .max)
}

/// One part of a cache's memory: an open-addressed table over a slab of entries, with its policy.
///
/// Not thread-safe: it lies under its part's lock. Values that go are handed out, so that they die outside of it.
@usableFromInline
struct CacheTable<Key: Hashable & Sendable, Value: Sendable, Policy: CachePolicy> {
    @usableFromInline
    enum Finding {
        /// Good; `refresh` says that a reload is due.
        case fresh(CacheContent<Value>, refresh: Bool)
        /// Beyond its life, but to be served while a reload runs; `refresh` is false in the pause after a failed one.
        case stale(CacheContent<Value>, refresh: Bool)
        case missing
    }

    private let weightMax: Int
    @usableFromInline var policy: Policy
    // The hash's upper half beside the place plus one; 0 is empty. Linear probing with backward shift.
    @usableFromInline var cells: [UInt64]
    // An entry's parts by its place, apart from each other so that looking at one copies only that.
    @usableFromInline var keys: ContiguousArray<Key?> = []
    @usableFromInline var contents: ContiguousArray<CacheContent<Value>?> = []
    @usableFromInline var lives: ContiguousArray<CacheLife> = []
    private var hashes: ContiguousArray<UInt64> = []
    private var freePlaces: [Int] = []
    private(set) var count = 0
    private var hand = 0

    init(weightMax: Int) {
        self.weightMax = weightMax
        policy = Policy(weightMax: weightMax)
        cells = Array(repeating: 0, count: 16)
    }

    var weight: Int { policy.weight }

    @inlinable
    func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (cells.count - 1) }

    @inlinable
    static func place(_ stored: UInt64) -> Int { Int(stored & 0xFFFF_FFFF) - 1 }

    private static func stored(_ hash: UInt64, _ place: Int) -> UInt64 {
        (hash & 0xFFFF_FFFF_0000_0000) | UInt64(place + 1)
    }

    /// The cell of a key, or the empty one where it would be.
    @inlinable
    func cell(_ key: Key, _ hash: UInt64) -> (cell: Int, place: Int?) {
        var cell = home(hash)
        while true {
            let stored = cells[cell]
            if stored == 0 { return (cell, nil) }
            if stored >> 32 == hash >> 32 {
                let place = Self.place(stored)
                if keys[place] == key { return (cell, place) }
            }
            cell = (cell + 1) & (cells.count - 1)
        }
    }

    @inlinable
    mutating func find(_ key: Key, _ hash: UInt64, at now: Int64) -> Finding {
        guard let place = cell(key, hash).place else { return .missing }
        let life = lives[place]
        let isFresh = now < life.freshUntil
        guard isFresh || now < life.revalidateUntil, let content = contents[place] else { return .missing }
        policy.read(place)
        let refresh = now >= life.refreshAt
        return isFresh ? .fresh(content, refresh: refresh) : .stale(content, refresh: refresh)
    }

    /// The value that may be served because a reload failed; holds further reloads back until `retryAt`.
    mutating func fallback(_ key: Key, _ hash: UInt64, at now: Int64, retryAt: Int64) -> CacheContent<Value>? {
        guard let place = cell(key, hash).place, let content = contents[place], case .value = content else {
            return nil
        }
        let life = lives[place]
        guard now < max(life.errorUntil, life.revalidateUntil) else { return nil }
        lives[place].refreshAt = retryAt
        lives[place].revalidateUntil = max(life.revalidateUntil, min(retryAt, life.errorUntil))
        return content
    }

    /// Keeps an entry; `false` where it is heavier than everything this table may hold, and then nothing is kept.
    mutating func set(
        _ key: Key,
        _ hash: UInt64,
        _ content: CacheContent<Value>,
        _ life: CacheLife,
        weight: Int,
        at now: Int64,
        evicted: inout [CacheContent<Value>]
    ) -> Bool {
        guard weight <= weightMax else {
            if let old = remove(key, hash) { evicted.append(old) }
            return false
        }
        if let place = cell(key, hash).place, let old = contents[place] {
            evicted.append(old)
            contents[place] = content
            lives[place] = life
            policy.reweighed(place, weight: weight)
        } else {
            sweep(at: now, &evicted)
            insert(key, hash, content, life, weight)
        }
        return true
    }

    /// Makes room; returns how many entries went.
    mutating func evict(_ evicted: inout [CacheContent<Value>]) -> Int {
        var evictions = 0
        while policy.weight > weightMax, let place = policy.victim() {
            if let content = take(place) { evicted.append(content) }
            evictions += 1
        }
        return evictions
    }

    private mutating func insert(
        _ key: Key,
        _ hash: UInt64,
        _ content: CacheContent<Value>,
        _ life: CacheLife,
        _ weight: Int
    ) {
        if (count + 1) * 4 > cells.count * 3 { grow() }
        let empty = cell(key, hash).cell
        let place: Int
        if let free = freePlaces.popLast() {
            place = free
            keys[place] = key
            contents[place] = content
            lives[place] = life
            hashes[place] = hash
        } else {
            place = keys.count
            keys.append(key)
            contents.append(content)
            lives.append(life)
            hashes.append(hash)
        }
        cells[empty] = Self.stored(hash, place)
        count += 1
        policy.inserted(place, hash: hash, weight: weight)
    }

    private mutating func grow() {
        let old = cells
        cells = Array(repeating: 0, count: old.count * 2)
        for stored in old where stored != 0 {
            var cell = home(hashes[Self.place(stored)])
            while cells[cell] != 0 { cell = (cell + 1) & (cells.count - 1) }
            cells[cell] = stored
        }
    }

    /// Takes a key out; returns what was known about it.
    mutating func remove(_ key: Key, _ hash: UInt64) -> CacheContent<Value>? {
        guard let place = cell(key, hash).place else { return nil }
        policy.removed(place)
        return take(place)
    }

    /// Empties the table; returns what was in it.
    mutating func removeAll() -> [CacheContent<Value>] {
        let all = contents.compactMap { $0 }
        self = CacheTable(weightMax: weightMax)
        return all
    }

    /// Looks at two entries each time one comes in, and takes out those that are of no use any more.
    private mutating func sweep(at now: Int64, _ evicted: inout [CacheContent<Value>]) {
        for _ in 0..<min(2, keys.count) {
            hand = hand + 1 < keys.count ? hand + 1 : 0
            let life = lives[hand]
            guard contents[hand] != nil, now >= max(life.freshUntil, life.revalidateUntil, life.errorUntil) else {
                continue
            }
            policy.removed(hand)
            if let content = take(hand) { evicted.append(content) }
        }
    }

    /// Takes an entry that the policy has forgotten out of the table.
    private mutating func take(_ place: Int) -> CacheContent<Value>? {
        guard let key = keys[place] else { return nil }
        var hole = cell(key, hashes[place]).cell
        let content = contents[place]
        keys[place] = nil
        contents[place] = nil
        freePlaces.append(place)
        count -= 1
        // Entries behind move up, unless they are at home there.
        let mask = cells.count - 1
        var next = (hole + 1) & mask
        while cells[next] != 0 {
            if (next &- home(hashes[Self.place(cells[next])])) & mask >= (next &- hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        cells[hole] = 0
        return content
    }
}
