/// Experts side by side on the same reads, one of them in the lead.
///
/// With all four at work it finds out which of them the reads favour; with one it is that policy and no more.
struct PolicyPanel: ~Copyable {
    var keys: PolicyKeys
    private let weightMax: Int
    private var lru: LRU
    private var lirs: LIRS
    private var s3fifo: S3FIFO
    private var wTinyLFU: WTinyLFU
    private var active: UInt8
    private var board: Leaderboard
    private var readsToFit = 0

    var leader: CachePolicyKind { board.leader }
    var isComparing: Bool { active == CachePolicyKind.allBits }

    /// A panel of all experts, or of the leader alone.
    init(weightMax: Int, leader: CachePolicyKind, isComparing: Bool) {
        self.weightMax = weightMax
        keys = PolicyKeys(leader: leader.bit)
        lru = LRU(weightMax: weightMax)
        lirs = LIRS(weightMax: weightMax)
        s3fifo = S3FIFO(weightMax: weightMax)
        wTinyLFU = WTinyLFU(weightMax: weightMax)
        active = isComparing ? CachePolicyKind.allBits : leader.bit
        board = Leaderboard(leader: leader)
    }

    var bytes: Int { keys.bytes + lru.bytes + lirs.bytes + s3fifo.bytes + wTinyLFU.bytes }

    /// How many entries make a full cache, from the weights of the keys known.
    var entriesMax: Int { keys.weight == 0 ? weightMax : max(1, weightMax * keys.count / keys.weight) }

    /// A key is read, which weighs `weight` now; returns whether the lead changed.
    mutating func access(_ number: Int, weight: Int) -> Bool {
        let holders = keys[number].holders
        keys.retain(number)
        reweigh(number, weight)
        if active & CachePolicyKind.lru.bit != 0 { lru.access(number, &keys) }
        if active & CachePolicyKind.lirs.bit != 0 { lirs.access(number, &keys) }
        if active & CachePolicyKind.s3fifo.bit != 0 { s3fifo.access(number, &keys) }
        if active & CachePolicyKind.wTinyLFU.bit != 0 { wTinyLFU.access(number, &keys) }
        keys.unretain(number)
        guard isComparing else { return false }
        if readsToFit == 0 {
            readsToFit = 1024
            board.fit(entriesMax)
        }
        readsToFit -= 1
        return board.count(holders)
    }

    /// Takes a key out of all experts' caches and memories.
    mutating func remove(_ number: Int) {
        keys.retain(number)
        lru.remove(number, &keys)
        lirs.remove(number, &keys)
        s3fifo.remove(number, &keys)
        wTinyLFU.remove(number, &keys)
        keys.unretain(number)
    }

    /// Gives a key that is kept from being forgotten another weight.
    private mutating func reweigh(_ number: Int, _ weight: Int) {
        let delta = weight - keys[number].weight
        guard delta != 0 else { return }
        keys.weigh(number, weight)
        lru.reweigh(number, by: delta, &keys)
        lirs.reweigh(number, by: delta, &keys)
        s3fifo.reweigh(number, by: delta, &keys)
        wTinyLFU.reweigh(number, by: delta, &keys)
    }

    /// Sends all experts but the leader home; they forget everything.
    mutating func stopComparing() {
        active = leader.bit
        dismissAll(but: leader)
    }

    /// Has another expert take over from the only one, with what that one holds.
    mutating func replace(by kind: CachePolicyKind) {
        guard !isComparing, kind != leader else { return }
        var held: [Int] = []
        forEachHeld { held.append($0) }
        board = Leaderboard(leader: kind)
        active = kind.bit
        for number in held { _ = access(number, weight: keys[number].weight) }
        keys.follow(kind.bit)
        dismissAll(but: kind)
    }

    private func forEachHeld(_ body: (Int) -> Void) {
        switch leader {
        case .lru: lru.forEachHeld(body)
        case .lirs: lirs.forEachHeld(body)
        case .s3fifo: s3fifo.forEachHeld(body)
        case .wTinyLFU: wTinyLFU.forEachHeld(body)
        }
    }

    private mutating func dismissAll(but kind: CachePolicyKind) {
        if kind != .lru { lru = LRU(weightMax: weightMax) }
        if kind != .lirs { lirs = LIRS(weightMax: weightMax) }
        if kind != .s3fifo { s3fifo = S3FIFO(weightMax: weightMax) }
        if kind != .wTinyLFU { wTinyLFU = WTinyLFU(weightMax: weightMax) }
        for number in 0..<keys.numbers where keys[number].knowers & ~kind.bit != 0 {
            keys.forget(number, ~kind.bit)
        }
    }
}
