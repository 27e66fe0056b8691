import ApusCore
import ApusObserve
import CLinux

/// One part of a cache's memory as those who change it see it, under the part's lock: the index that readers use, and the
/// policy that says what goes.
///
/// What goes is handed out, so that it dies outside of the lock.
final class CacheTable<Key: Hashable & Sendable, Value: Sendable, Policy: CachePolicy & ~Copyable> {
    typealias Entry = CacheEntry<Key, Value>
    typealias Index = CacheIndex<Key, Value>

    let index: Index
    private let weightMax: Int
    private var policy: Policy
    private var isUsed = FlatArray<Bool>()
    /// The hash of the key at each place, which readers do not look at.
    private var hashes = FlatArray<UInt64>()
    private var freePlaces = FlatArray<Int32>()
    /// Places whose entries were given back; they are free once the reads noted until then were told.
    private var coolingPlaces = FlatArray<Int32>()
    /// Places and cells that somebody may still look at, with the epoch that must have begun everywhere.
    private var retired: [Retired] = []
    private(set) var count = 0
    private var chunkCount = 0
    private var hand = 0
    private var lastVersion: UInt64 = 0

    private struct Retired {
        var epoch: UInt64
        /// The place of an entry; `nil` where it is cells.
        var place: Int?
        var cells: UnsafeMutablePointer<UInt64>?
    }

    init(weightMax: Int, pins: ReadPins = .process) {
        self.weightMax = weightMax
        policy = Policy(weightMax: weightMax)
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Index.wordCount)
        words.initialize(repeating: 0, count: Index.wordCount)
        index = Index(words: words, chunks: .allocate(capacity: 28), pins: pins)
        apus_ordered_store(words, Self.address(of: Self.newCells(16)))
    }

    deinit {
        for place in 0..<isUsed.count where isUsed[place] { index.entry(place).deinitialize(count: 1) }
        for old in retired {
            if let place = old.place { index.entry(place).deinitialize(count: 1) }
            old.cells?.deallocate()
        }
        for chunk in 0..<chunkCount { UnsafeMutableRawPointer(index.chunks[chunk]).deallocate() }
        for slot in 0..<ThreadSlot.count { index.ring(slot)?.free() }
        index.cells.deallocate()
        index.chunks.deallocate()
        index.words.deallocate()
    }

    var weight: Int { policy.weight }

    // MARK: Reading

    /// What is known about a key, and the place it lies at.
    func find(_ key: Key, _ hash: UInt64, at now: Int64) -> CacheFinding<Value> {
        let place = index.place(of: key, hash)
        guard place >= 0 else { return .missing }
        let finding = index.entry(place).pointee.finding(at: now)
        if case .missing = finding { return finding }
        policy.read(place)
        return finding
    }

    /// Tells the policy of all reads that were noted.
    func drain() {
        for slot in 0...ThreadSlot.highest {
            if let ring = index.ring(slot) { policy.read(all: ring) }
        }
        while let place = coolingPlaces.popLast() { freePlaces.append(place) }
    }

    // MARK: Changing

    /// The value that may be served because a reload failed; holds further reloads back until `retryAt`.
    func fallback(
        _ key: Key,
        _ hash: UInt64,
        at now: Int64,
        retryAt: Int64,
        gone: inout [Entry]
    ) -> CacheContent<Value>? {
        let place = index.place(of: key, hash)
        guard place >= 0 else { return nil }
        let entry = index.entry(place).pointee
        guard case .value = entry.content, now < entry.life.errorUntil else { return nil }
        var life = entry.life
        life.refreshAt = retryAt
        life.refreshSpan = 0
        life.revalidateUntil = max(life.revalidateUntil, min(retryAt, life.errorUntil))
        _ = replace(place, Entry(key, entry.content, life), hash)
        giveBack(&gone)
        return entry.content
    }

    /// What is known about a key, with a number that no other entry of it has or will have; 0 where nothing is.
    func versioned(_ key: Key, _ hash: UInt64, at now: Int64, gone: inout [Entry]) -> (Value?, version: UInt64) {
        guard let place = fresh(key, hash, at: now) else { return (nil, 0) }
        let entry = index.entry(place).pointee
        if let version = entry.details?.version, version != 0 { return (entry.value, version) }
        // An entry gets its number when somebody wants to know it again: the others stay small.
        lastVersion += 1
        _ = replace(place, Entry(key, entry.content, entry.life, version: lastVersion), hash)
        giveBack(&gone)
        return (entry.value, lastVersion)
    }

    /// Whether a key's entry is still the one with a number; with 0, whether nothing is known of it.
    func isStill(_ version: UInt64, _ key: Key, _ hash: UInt64, at now: Int64) -> Bool {
        guard let place = fresh(key, hash, at: now) else { return version == 0 }
        return version != 0 && index.entry(place).pointee.details?.version == version
    }

    /// The place of an entry that is good, and says something else than that it could not be loaded.
    private func fresh(_ key: Key, _ hash: UInt64, at now: Int64) -> Int? {
        let place = index.place(of: key, hash)
        guard place >= 0 else { return nil }
        let entry = index.entry(place).pointee
        return now < entry.freshUntil && entry.details?.failure == nil ? place : nil
    }

    /// Keeps an entry; `false` where it is heavier than everything this table may hold, and then nothing is kept.
    func set(
        _ key: Key,
        _ hash: UInt64,
        _ content: CacheContent<Value>,
        _ life: CacheLife,
        weight: Int,
        at now: Int64,
        gone: inout [Entry]
    ) -> Bool {
        // What somebody keeps looking at cannot be given back: rather than grow without bound, the table keeps nothing new.
        guard weight <= weightMax, retired.count < 256 + count / 4 else {
            remove(key, hash, gone: &gone)
            return false
        }
        let entry = Entry(key, content, life)
        let place = index.place(of: key, hash)
        if place >= 0 {
            policy.reweighed(replace(place, entry, hash), weight: weight)
        } else {
            sweep(at: now)
            insert(entry, hash, weight)
        }
        return true
    }

    /// Makes room; returns how many entries went.
    func evict(gone: inout [Entry]) -> Int {
        var evictions = 0
        while policy.weight > weightMax, let place = policy.victim() {
            unlink(place)
            evictions += 1
        }
        giveBack(&gone)
        return evictions
    }

    /// Takes a key out.
    func remove(_ key: Key, _ hash: UInt64, gone: inout [Entry]) {
        let place = index.place(of: key, hash)
        if place >= 0 {
            policy.removed(place)
            unlink(place)
        }
        giveBack(&gone)
    }

    /// Empties the table.
    func removeAll(gone: inout [Entry]) {
        let old = index.cells
        apus_ordered_store(index.words, Self.address(of: Self.newCells(16)))
        retired.append(Retired(epoch: 0, cells: old))
        for place in 0..<isUsed.count where isUsed[place] { retire(place) }
        policy = Policy(weightMax: weightMax)
        giveBack(&gone)
    }

    /// Looks at two entries each time one comes in, and takes out those that are of no use any more.
    private func sweep(at now: Int64) {
        for _ in 0..<min(2, isUsed.count) {
            hand = hand + 1 < isUsed.count ? hand + 1 : 0
            guard isUsed[hand] else { continue }
            let life = index.entry(hand).pointee.life
            guard now >= max(life.freshUntil, life.revalidateUntil, life.errorUntil) else { continue }
            policy.removed(hand)
            unlink(hand)
        }
    }

    // MARK: Places

    private func insert(_ entry: Entry, _ hash: UInt64, _ weight: Int) {
        if (count + 1) * 4 > Int(index.cells[0] + 1) * 3 { grow() }
        let place = newPlace(entry, hash)
        let cells = index.cells
        let mask = cells[0]
        var cell = hash & mask
        while cells[1 + Int(cell)] != 0 { cell = (cell + 1) & mask }
        apus_ordered_store(cells + 1 + Int(cell), Self.cell(hash, place))
        count += 1
        policy.inserted(place, hash: hash, weight: weight)
    }

    /// Puts another entry of the same key where one was; returns its place.
    private func replace(_ place: Int, _ entry: Entry, _ hash: UInt64) -> Int {
        let new = newPlace(entry, hash)
        apus_ordered_store(index.cells + 1 + cell(at: place), Self.cell(hash, new))
        policy.moved(place, to: new)
        count += 1
        retire(place)
        return new
    }

    private func newPlace(_ entry: Entry, _ hash: UInt64) -> Int {
        let place: Int
        if let free = freePlaces.popLast() {
            place = Int(free)
        } else {
            place = isUsed.count
            if place + 16 == 16 << chunkCount {
                index.chunks.advanced(by: chunkCount).initialize(to: Self.newChunk(16 << chunkCount))
                chunkCount += 1
            }
            isUsed.append(false)
            hashes.append(0)
        }
        isUsed[place] = true
        hashes[place] = hash
        index.entry(place).initialize(to: entry)
        return place
    }

    /// Memory for entries, at the start of a cache line: an entry of 32 or 64 bytes is one line to read.
    private static func newChunk(_ count: Int) -> UnsafeMutablePointer<Entry> {
        let alignment = max(64, MemoryLayout<Entry>.alignment)
        return UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Entry>.stride, alignment: alignment)
            .bindMemory(to: Entry.self, capacity: count)
    }

    /// Takes an entry that the policy has forgotten out of the readers' sight.
    private func unlink(_ place: Int) {
        let cells = index.cells
        let mask = cells[0]
        var hole = UInt64(cell(at: place))
        let version = apus_relaxed_load(index.words + Index.versionAt)
        apus_ordered_store(index.words + Index.versionAt, version + 1)
        // Entries behind move up, unless they are at home there.
        var next = (hole + 1) & mask
        while cells[1 + Int(next)] != 0 {
            let moved = cells[1 + Int(next)]
            let home = hashes[Self.place(moved)] & mask
            if (next &- home) & mask >= (next &- hole) & mask {
                apus_ordered_store(cells + 1 + Int(hole), moved)
                hole = next
            }
            next = (next + 1) & mask
        }
        apus_ordered_store(cells + 1 + Int(hole), 0)
        apus_ordered_store(index.words + Index.versionAt, version + 2)
        retire(place)
    }

    private func retire(_ place: Int) {
        isUsed[place] = false
        count -= 1
        retired.append(Retired(epoch: 0, place: place))
    }

    /// Gives back what nobody can be looking at any more.
    func giveBack(_ gone: inout [Entry]) {
        guard let last = retired.last else { return }
        if last.epoch == 0 {
            let epoch = index.pins.advance()
            for old in retired.indices.reversed() {
                if retired[old].epoch != 0 { break }
                retired[old].epoch = epoch
            }
        }
        let oldest = index.pins.oldest()
        var given = 0
        while given < retired.count, retired[given].epoch <= oldest {
            if let place = retired[given].place {
                gone.append(index.entry(place).move())
                coolingPlaces.append(Int32(place))
            }
            retired[given].cells?.deallocate()
            given += 1
        }
        retired.removeFirst(given)
    }

    // MARK: Cells

    private static func cell(_ hash: UInt64, _ place: Int) -> UInt64 {
        (hash & 0xFFFF_FFFF_0000_0000) | UInt64(place + 1)
    }

    private static func place(_ cell: UInt64) -> Int { Int(cell & 0xFFFF_FFFF) - 1 }

    private static func address(of cells: UnsafeMutablePointer<UInt64>) -> UInt64 { UInt64(UInt(bitPattern: cells)) }

    private static func newCells(_ count: Int) -> UnsafeMutablePointer<UInt64> {
        let cells = UnsafeMutablePointer<UInt64>.allocate(capacity: count + 1)
        cells.initialize(repeating: 0, count: count + 1)
        cells[0] = UInt64(count - 1)
        return cells
    }

    /// The cell of an entry that has one.
    private func cell(at place: Int) -> Int {
        let cells = index.cells
        let mask = cells[0]
        var cell = hashes[place] & mask
        while Self.place(cells[1 + Int(cell)]) != place { cell = (cell + 1) & mask }
        return Int(cell)
    }

    private func grow() {
        let old = index.cells
        let new = Self.newCells(2 * Int(old[0] + 1))
        let mask = new[0]
        for cell in 1...Int(old[0] + 1) where old[cell] != 0 {
            var home = hashes[Self.place(old[cell])] & mask
            while new[1 + Int(home)] != 0 { home = (home + 1) & mask }
            new[1 + Int(home)] = old[cell]
        }
        apus_ordered_store(index.words, Self.address(of: new))
        retired.append(Retired(epoch: 0, cells: old))
    }
}

extension CacheEntry {
    /// What it is good for at a time.
    @inlinable
    func finding(at now: Int64) -> CacheFinding<Value> {
        let isFresh = now < freshUntil
        guard let life = details?.life else { return isFresh ? .fresh(content, refresh: false) : .missing }
        guard isFresh || now < life.revalidateUntil else { return .missing }
        let refresh = life.isRefreshDue(at: now)
        return isFresh ? .fresh(content, refresh: refresh) : .stale(content, refresh: refresh)
    }
}
