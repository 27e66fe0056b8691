import ApusCore
import Glibc

/// What decides which key goes when memory is full: the policy of the cache in process.
typealias ServerPolicy = AdaptivePolicy

/// All keys of the embedded server with their values: one writer, no lock.
///
/// An entry is one block with key, life and, for a string, the value. What an entry takes is told to the eviction policy; the
/// weights of all entries stay below ``bytesMax`` after every command.
//
// Raw memory with one owner, as the type is not copyable: a look-up counts no references. Entries are handed out as bare
// pointers, which hold until the next call that may take an entry out; each such call says so.
struct Keyspace: ~Copyable {
    let hashing: SeededHash
    var table = ChainTable<EntryLayout>()
    /// Milliseconds of the time that lives are counted in; moved by the owner, never back.
    var now: Int64 = 0
    /// Most bytes of all entries together.
    private(set) var bytesMax: Int
    /// Bytes of all entries now.
    private(set) var bytes = 0
    /// Entries that will expire.
    private(set) var expiring = 0
    /// Look-ups that found a key, and that did not.
    var hits = 0
    var misses = 0
    /// Keys that went because their time was up, and for lack of room.
    var expired = 0
    var evicted = 0
    /// Goes up with every change of a key.
    var changes = 0
    /// The last version that was given to an item of memcached's clients.
    var lastVersion: UInt64 = 0
    /// Told the key of an entry that goes by itself, where ``isWatched`` says that somebody cares.
    var onGone: ((UnsafeRawBufferPointer) -> Void)?
    var isWatched = false
    var random: SeededRandom
    /// Where the sweep for expired keys goes on.
    var sweepPosition: UInt64 = 0
    /// Large values that were deleted and are given back bit by bit.
    var graveyard: [(kind: ValueKind, address: UnsafeMutableRawPointer)] = []
    private var policy: ServerPolicy
    // Entries by their numbers.
    private var entries: [UnsafeMutableRawPointer?] = []
    private var freeNumbers: [Int] = []
    // Numbers of entries that were read, of which the policy has not been told.
    private let reads = UnsafeMutablePointer<UInt32>.allocate(capacity: Keyspace.readsMax)
    private var readCount = 0
    private static let readsMax = 64

    init(bytesMax: Int, seed: UInt64) {
        self.bytesMax = bytesMax
        hashing = SeededHash(seed: seed)
        random = SeededRandom(seed: seed ^ 0x5DEE_CE66)
        policy = ServerPolicy(weightMax: bytesMax)
    }

    deinit {
        reads.deallocate()
        table.forEach { block in
            let entry = KeyEntry(base: block)
            if entry.kind != .string { Self.freeValue(entry.kind, entry.valueAddress) }
            BlockMemory.free(block)
        }
        for dead in graveyard { Self.freeValue(dead.kind, dead.address) }
    }

    var count: Int { table.count }
    /// What the tables around the entries take, in bytes.
    var overheadBytes: Int { table.arrayBytes + entries.capacity * 8 + freeNumbers.capacity * 8 }

    // MARK: Reads

    /// Notes that an entry was read.
    ///
    /// The policy is told of several reads at once: its own memory is fetched for all of them together. It knows them
    /// before it is told of anything else.
    @inline(__always)
    private mutating func noteRead(_ entry: KeyEntry) {
        if readCount == Self.readsMax { drainReads() }
        reads[readCount] = UInt32(truncatingIfNeeded: entry.number)
        readCount &+= 1
    }

    /// Tells the policy what was read.
    @inline(__always)
    mutating func drainReads() {
        for index in 0..<readCount { policy.read(Int(reads[index])) }
        readCount = 0
    }

    // MARK: Looking up

    /// A key's place in the table, for what comes after looking.
    struct Slot {
        let link: ChainTable<EntryLayout>.Link
        let hash: UInt32
        /// The entry there, which has not expired.
        let entry: KeyEntry?
    }

    /// The entry of a key, counted and told to the policy as read.
    ///
    /// Takes it out where its time is up.
    @inline(__always)
    mutating func read(_ key: UnsafeRawBufferPointer) -> KeyEntry? {
        guard let entry = peek(key) else {
            misses &+= 1
            return nil
        }
        hits &+= 1
        noteRead(entry)
        return entry
    }

    /// The entry of a key, uncounted.
    ///
    /// Takes it out where its time is up.
    @inline(__always)
    mutating func peek(_ key: UnsafeRawBufferPointer) -> KeyEntry? { slot(key).entry }

    /// The place of a key; to change it.
    ///
    /// Takes the entry out where its time is up.
    @inline(__always)
    mutating func slot(_ key: UnsafeRawBufferPointer) -> Slot {
        let hash = hashing.hash(key.start, key.count)
        let link = table.find(key.start, key.count, hash)
        guard let block = link.pointee else { return Slot(link: link, hash: hash, entry: nil) }
        let entry = KeyEntry(base: block)
        if entry.expiresAt <= now { return slotAfterExpiry(key, hash, link, entry) }
        return Slot(link: link, hash: hash, entry: entry)
    }

    @inline(never)
    private mutating func slotAfterExpiry(
        _ key: UnsafeRawBufferPointer,
        _ hash: UInt32,
        _ link: ChainTable<EntryLayout>.Link,
        _ entry: KeyEntry
    ) -> Slot {
        expired += 1
        tellGone(entry)
        remove(entry, at: link)
        // The table may have moved chains.
        return Slot(link: table.find(key.start, key.count, hash), hash: hash, entry: nil)
    }

    func tellGone(_ entry: KeyEntry) {
        if isWatched { onGone?(entry.key) }
    }

    /// The hash of a field or member.
    @inline(__always)
    func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 { hashing.hash(bytes.start, bytes.count) }

    /// Any entry that has not expired.
    mutating func randomEntry() -> KeyEntry? {
        for _ in 0..<100 {
            var random = random
            defer { self.random = random }
            guard let block = table.random(&random) else { return nil }
            let entry = KeyEntry(base: block)
            if entry.expiresAt > now { return entry }
            expired += 1
            tellGone(entry)
            remove(entry, at: table.link(to: block))
        }
        return nil
    }

    // MARK: Changing

    /// Puts an entry in whose key is not there; its weight is told to the policy.
    mutating func insert(_ entry: KeyEntry) {
        let number: Int
        if let free = freeNumbers.popLast() {
            number = free
            entries[number] = entry.base
        } else {
            number = entries.count
            entries.append(entry.base)
        }
        entry.number = number
        table.insert(entry.base)
        let weight = entry.weight
        bytes &+= weight
        if entry.expiresAt != KeyEntry.never { expiring += 1 }
        drainReads()
        policy.inserted(number, hash: UInt64(entry.hash) &* 0x9E37_79B9_7F4A_7C15, weight: weight)
        changes &+= 1
    }

    /// Says that an entry was read, changed in place or both, and weighed `before`.
    @inline(__always)
    mutating func changed(_ entry: KeyEntry, from before: Int) {
        let weight = entry.weight
        changes &+= 1
        if entry.isItem { giveVersion(entry) }
        if weight == before {
            noteRead(entry)
        } else {
            bytes &+= weight &- before
            drainReads()
            policy.reweighed(entry.number, weight: weight)
        }
    }

    /// Puts a block with the same key, number and life in an entry's place; the caller frees the old one.
    @inline(__always)
    mutating func replace(_ old: KeyEntry, at link: ChainTable<EntryLayout>.Link, with new: KeyEntry) {
        new.number = old.number
        entries[old.number] = new.base
        table.replace(link, with: new.base)
    }

    /// Says that an entry's block has moved in memory.
    mutating func moved(_ entry: KeyEntry, at link: ChainTable<EntryLayout>.Link) {
        entries[entry.number] = entry.base
        table.relink(link, to: entry.base)
    }

    /// Sets when an entry goes.
    mutating func setExpiry(_ entry: KeyEntry, _ time: Int64) {
        let wasExpiring = entry.expiresAt != KeyEntry.never
        entry.expiresAt = time
        expiring += (time != KeyEntry.never ? 1 : 0) - (wasExpiring ? 1 : 0)
    }

    /// Takes an entry out and gives its memory back; other entries stay where they are.
    mutating func remove(_ entry: KeyEntry, at link: ChainTable<EntryLayout>.Link) {
        drainReads()
        policy.removed(entry.number)
        discard(entry, at: link)
    }

    /// Takes an entry out that the policy has forgotten.
    private mutating func discard(_ entry: KeyEntry, at link: ChainTable<EntryLayout>.Link) {
        bytes &-= entry.weight
        if entry.expiresAt != KeyEntry.never { expiring -= 1 }
        entries[entry.number] = nil
        freeNumbers.append(entry.number)
        table.remove(link)
        if entry.kind != .string { bury(entry.kind, entry.valueAddress, entry.elementCount) }
        BlockMemory.free(entry.base)
        changes &+= 1
    }

    /// Takes a key out; true where it was there.
    mutating func remove(_ key: UnsafeRawBufferPointer) -> Bool {
        let slot = slot(key)
        guard let entry = slot.entry else { return false }
        remove(entry, at: slot.link)
        return true
    }

    /// Takes everything out.
    mutating func removeAll() {
        table.forEach { block in
            let entry = KeyEntry(base: block)
            if entry.kind != .string { graveyard.append((entry.kind, entry.valueAddress)) }
            BlockMemory.free(block)
        }
        table.removeAll()
        entries = []
        freeNumbers = []
        bytes = 0
        expiring = 0
        readCount = 0
        policy = ServerPolicy(weightMax: bytesMax)
        changes &+= 1
    }

    /// Counts from nothing again.
    mutating func resetCounts() {
        hits = 0
        misses = 0
        expired = 0
        evicted = 0
    }

    // MARK: Room

    /// Takes entries out until the bound holds, as the policy picks them.
    mutating func makeRoom() {
        drainReads()
        while bytes > bytesMax, let number = policy.victim(), let block = entries[number] {
            let entry = KeyEntry(base: block)
            evicted += 1
            tellGone(entry)
            discard(entry, at: table.link(to: block))
        }
    }

    /// Takes another bound; what was read how often is forgotten.
    mutating func setBytesMax(_ bytesMax: Int) {
        self.bytesMax = bytesMax
        readCount = 0
        policy = ServerPolicy(weightMax: bytesMax)
        for block in entries {
            guard let block else { continue }
            let entry = KeyEntry(base: block)
            policy.inserted(entry.number, hash: UInt64(entry.hash) &* 0x9E37_79B9_7F4A_7C15, weight: entry.weight)
        }
        makeRoom()
    }
}
