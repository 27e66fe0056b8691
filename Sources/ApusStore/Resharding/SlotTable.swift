import ApusCore
import ApusRuntime
import CLinux
import Glibc

/// The shard of each slot, in memory that all processes of a store share, and how far the slot is that moves now.
///
/// One process at a time changes it, under the lock of the shard that a key leaves. Who only routes by it may be late by a
/// moment: where a call runs, under its shard's lock, its key is looked up again.
///
/// The file, all numbers little-endian: `APUSSLOT`, format 1 and the number of slots (32 bits each), a number that grows with
/// every change (64), the slot that moves or 2³²-1 (32), the shard it goes to (32), the hash of the first key that has not
/// moved (64), how many shards there are (64), the number of the step that is under way or 0 (64), the moment of the machine's monotonic clock
/// until which questions to all shards let a step go first (64, nanoseconds), the first shard that is on a server or 0 (64), what
/// tells that server from others or 0 (64), 1 once the rows are the server's for good (64); from byte 2,048 on how often each
/// shard's follower was promoted (16 bits each); from byte 4,096 on the shard of each slot (16 bits each).
//
// `@unchecked Sendable` is sound because what changes is only touched by atomic operations of whole words, and the memory is
// mapped as long as this lives.
final class SlotTable: @unchecked Sendable {
    private static let magic: UInt64 = 0x544F_4C53_5355_5041
    private static let format: UInt64 = 1
    private static let headBytes = 4096
    private static let none: UInt64 = 0xFFFF_FFFF
    /// The word with the first shard's epoch.
    private static let epochs = 256

    /// The head's words.
    private enum Word {
        static let (magic, format, changes, moving, cursor) = (0, 1, 2, 3, 4)
        static let (shards, step, first) = (5, 6, 7)
        static let (server, token, settled) = (8, 9, 10)
    }

    private let base: UnsafeMutablePointer<UInt64>
    private let bytes: Int
    private let descriptor: Int32?
    /// How many slots there are.
    let slots: Int

    private static func bytes(_ slots: Int) -> Int { headBytes + (slots * 2 + 7) / 8 * 8 }

    /// A table of this process's own.
    init(_ assignment: [UInt16], shards: Int) {
        slots = assignment.count
        bytes = Self.bytes(slots)
        base = .allocate(capacity: bytes / 8)
        base.initialize(repeating: 0, count: bytes / 8)
        descriptor = nil
        write(assignment, shards)
    }

    /// Maps the file, which is made of `assignment` where there is none; the caller holds the map's lock.
    ///
    /// - Throws: ``StoreError``: `corrupt`, `newerSchema`, `diskFull`, `readOnly`, `inputOutput`.
    init(path: String, assignment: [UInt16], shards: Int) throws {
        slots = assignment.count
        bytes = Self.bytes(slots)
        if Files.status(path) == nil {
            let made = SlotTable(assignment, shards: shards)
            let image = withExtendedLifetime(made) { Array(UnsafeRawBufferPointer(start: $0.base, count: $0.bytes)) }
            do { try Files.writeAtomically(image, to: path) } catch { throw StoreError(wrapping: error, path) }
        }
        var file = apus_open(path, O_RDWR, 0)
        let isWritable = file >= 0
        if file < 0 { file = apus_open(path, O_RDONLY, 0) }
        guard file >= 0 else { throw StoreError(SystemError("open \(path)")) }
        let protection = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
        guard Files.status(path)?.size == Int64(bytes),
            let page = mmap(nil, bytes, protection, MAP_SHARED, file, 0), page != MAP_FAILED
        else {
            close(file)
            throw StoreError(.corrupt, "\(path) has not the size of \(slots) slots; restore it from a backup")
        }
        base = page.assumingMemoryBound(to: UInt64.self)
        descriptor = file
        try check(path, shards)
        // Whoever added shards may have died between the map and this table.
        if isWritable, self.shards < shards { try grow(to: shards) }
    }

    deinit {
        if let descriptor {
            munmap(base, bytes)
            close(descriptor)
        } else {
            base.deallocate()
        }
    }

    private func check(_ path: String, _ shards: Int) throws {
        guard base[Word.magic] == Self.magic, base[Word.format] >> 32 == UInt64(slots) else {
            throw StoreError(.corrupt, "\(path) is no table of \(slots) slots; restore it from a backup")
        }
        guard base[Word.format] & 0xFFFF_FFFF <= Self.format else {
            throw StoreError(.newerSchema, "\(path) has a later format than \(Self.format)")
        }
        let moving = moving ?? (0, 0, 0)
        guard (1...shards).contains(self.shards), moving.slot < slots, moving.to < shards,
            (0..<slots).allSatisfy({ at($0) < shards })
        else {
            throw StoreError(.corrupt, "\(path) names a shard that is none of the \(shards); restore it from a backup")
        }
    }

    private func write(_ assignment: [UInt16], _ shards: Int) {
        base[Word.magic] = Self.magic
        base[Word.format] = UInt64(slots) << 32 | Self.format
        base[Word.moving] = Self.none
        base[Word.shards] = UInt64(shards)
        for (slot, shard) in assignment.enumerated() {
            base[Self.headBytes / 8 + slot / 4] |= UInt64(shard) << UInt64(slot % 4 * 16)
        }
    }

    // MARK: Routing

    @inline(__always)
    private func at(_ slot: Int) -> Int {
        let word = apus_acquire_load(base + Self.headBytes / 8 + slot / 4)
        return Int(word >> UInt64(slot % 4 * 16) & 0xFFFF)
    }

    /// The shard of a slot; of one that moves, the shard that it leaves.
    @inline(__always)
    func shard(ofSlot slot: Int) -> Int { at(slot) }

    /// The shard that has a key now.
    @inline(__always)
    func shard(of place: KeyPlace) -> Int {
        let moving = apus_acquire_load(base + Word.moving)
        if moving & 0xFFFF_FFFF == UInt64(place.slot), place.hash < apus_acquire_load(base + Word.cursor) {
            // The cursor is another slot's where the next one has begun meanwhile.
            if apus_acquire_load(base + Word.moving) == moving { return Int(moving >> 32) }
        }
        return at(place.slot)
    }

    /// How many shards there are.
    var shards: Int { Int(clamping: apus_acquire_load(base + Word.shards)) }

    /// Grows with every change.
    var changes: UInt64 { apus_acquire_load(base + Word.changes) }

    /// The slot that moves, where to, and the hash of the first key that has not moved; `nil` between two slots.
    var moving: (slot: Int, to: Int, cursor: UInt64)? {
        let word = apus_acquire_load(base + Word.moving)
        guard word & 0xFFFF_FFFF != Self.none else { return nil }
        return (Int(word & 0xFFFF_FFFF), Int(word >> 32), apus_acquire_load(base + Word.cursor))
    }

    /// The shard of each slot.
    var assignment: [Int] { (0..<slots).map(at) }

    // MARK: Promotions, under the shard's lock

    /// How often a shard's follower was promoted: no earlier file is the shard.
    func epoch(of shard: Int) -> Int {
        let word = apus_acquire_load(base + Self.epochs + shard / 4)
        return Int(word >> UInt64(shard % 4 * 16) & 0xFFFF)
    }

    /// - Throws: ``StoreError`` where that cannot be written.
    func setEpoch(of shard: Int, to epoch: Int) throws {
        let (cell, shift) = (base + Self.epochs + shard / 4, UInt64(shard % 4 * 16))
        let others = apus_acquire_load(cell) & ~(0xFFFF << shift)
        apus_release_store(cell, others | UInt64(epoch & 0xFFFF) << shift)
        try changed()
    }

    // MARK: Moving, under the lock of the shard that is left

    /// There are more shards from now on; none of them has a slot yet.
    func grow(to shards: Int) throws {
        apus_release_store(base + Word.shards, UInt64(shards))
        try changed()
    }

    /// The number of the step that is under way, or ended with its process; `nil` where each row is on one shard.
    var openStep: UInt64? {
        let number = apus_acquire_load(base + Word.step)
        return number == 0 ? nil : number
    }

    /// A step begins: from now on a key's rows may be on two shards.
    ///
    /// - Returns: The step's number, which no other one has.
    func beginStep() throws -> UInt64 {
        let number = changes + 1
        apus_release_store(base + Word.step, number)
        try changed()
        return number
    }

    /// The step has ended: each row is on one shard.
    func endStep() throws {
        apus_release_store(base + Word.step, 0)
        try changed()
    }

    /// Until when questions to all shards let a step go first, in nanoseconds of the machine's clock.
    var stepsFirstUntil: Int64 { Int64(bitPattern: apus_acquire_load(base + Word.first)) }

    /// Has questions to all shards wait for a step until then.
    func letStepsFirst(until moment: Int64) { apus_release_store(base + Word.first, UInt64(bitPattern: moment)) }

    /// A slot begins to move: none of its keys has.
    func begin(_ slot: Int, to shard: Int) throws {
        apus_release_store(base + Word.cursor, 0)
        apus_release_store(base + Word.moving, UInt64(shard) << 32 | UInt64(slot))
        try changed()
    }

    /// Keys below `hash` have moved.
    func advance(to hash: UInt64) throws {
        apus_release_store(base + Word.cursor, hash)
        try changed()
    }

    /// The slot that moves is all there.
    func finish() throws {
        guard let (slot, shard, _) = moving else { return }
        let cell = base + Self.headBytes / 8 + slot / 4
        let shift = UInt64(slot % 4 * 16)
        let others = apus_acquire_load(cell) & ~(0xFFFF << shift)
        apus_release_store(cell, others | UInt64(shard) << shift)
        // The two may lie on different pages: the first is on disk before the second changes.
        try changed()
        apus_release_store(base + Word.moving, Self.none)
        try changed()
    }

    // MARK: Shards on a server

    /// Tells the server from others that the rows went to before; 0 for none.
    var serverToken: UInt64 { apus_acquire_load(base + Word.token) }

    /// Whether a shard is on a server, and not in a file.
    func isOnServer(_ shard: Int) -> Bool {
        let first = apus_acquire_load(base + Word.server)
        return first > 0 && shard >= Int(clamping: first)
    }

    /// Whether all rows are a server's, where others than this table's readers may move them.
    var isSettled: Bool { apus_acquire_load(base + Word.settled) != 0 }

    /// Shards from the relocation's first one on are on its server.
    func relocate(to relocation: Relocation) throws {
        apus_release_store(base + Word.token, relocation.token)
        apus_release_store(base + Word.server, UInt64(relocation.first))
        try changed()
    }

    /// The rows are the server's for good.
    func settle() throws {
        apus_release_store(base + Word.settled, 1)
        try changed()
    }

    /// There are fewer shards from now on: those on the server have no slots any more.
    func shrink(to shards: Int) throws {
        apus_release_store(base + Word.shards, UInt64(shards))
        try changed()
    }

    /// Shards that come from now on are in files.
    //
    // The token stays for handles that were made before: they look for their key, and find it elsewhere.
    func leaveServer() throws {
        apus_release_store(base + Word.server, 0)
        try changed()
    }

    // MARK: What was heard of elsewhere, for a table of this process's own

    /// A slot is on a shard.
    func set(_ slot: Int, to shard: Int) throws {
        let cell = base + Self.headBytes / 8 + slot / 4
        let shift = UInt64(slot % 4 * 16)
        apus_release_store(cell, apus_acquire_load(cell) & ~(0xFFFF << shift) | UInt64(shard) << shift)
        try changed()
    }

    /// The slot that moves, where to, and the hash of its first key that has not moved; `nil` for none.
    func setMoving(_ moving: (slot: Int, to: Int, cursor: UInt64)?) throws {
        let word = moving.map { UInt64($0.to) << 32 | UInt64($0.slot) } ?? Self.none
        if word == Self.none, apus_acquire_load(base + Word.moving) == Self.none { return }
        // Nobody goes by one slot's word and another one's cursor.
        if apus_acquire_load(base + Word.moving) != word { apus_release_store(base + Word.moving, Self.none) }
        if let moving { apus_release_store(base + Word.cursor, moving.cursor) }
        apus_release_store(base + Word.moving, word)
        try changed()
    }

    private func changed() throws {
        apus_release_store(base + Word.changes, apus_relaxed_load(base + Word.changes) + 1)
        guard descriptor != nil else { return }
        // On disk before anybody is told that a key has moved.
        guard msync(base, bytes, MS_SYNC) == 0 else { throw StoreError(SystemError("sync the table of slots")) }
    }
}
