/// The keys that policies know, numbered from 0: what the experts of a panel share.
///
/// A key stays as long as it has a place in the cache's table or an expert remembers it. What is known of a key without a
/// place is found by its hash alone: two keys with one hash would be taken for one, which costs a guess and nothing else.
struct PolicyKeys: ~Copyable {
    struct Key {
        var hash: UInt64
        var weight: Int
        /// Where the key lies in the table, -1 where it does not.
        var place: Int32
        /// The experts that would have it in their cache, a bit each.
        var holders: UInt8
        /// The experts that know it at all, a bit each; the highest bit keeps a key while it is worked on.
        var knowers: UInt8
        var isCandidate: Bool
    }

    private var keys = FlatArray<Key>()
    private var free = FlatArray<Int32>()
    // Numbers plus one by hash; 0 is empty. Linear probing with backward shift.
    private var cells = FlatArray<UInt32>(repeating: 0, count: 16)
    // Keys with a place that the leader gave up, the last first; each is in here once.
    private var candidates = FlatArray<Int32>()
    /// The bit of the expert whose choices the table follows.
    private(set) var leader: UInt8
    /// Keys there are, and the sum of their weights.
    private(set) var count = 0
    private(set) var weight = 0
    /// Keys with a place, and the sum of their weights.
    private(set) var placed = 0
    private(set) var placedWeight = 0

    init(leader: UInt8) { self.leader = leader }

    var bytes: Int { keys.bytes + free.bytes + cells.bytes + candidates.bytes }

    subscript(number: Int) -> Key { keys[number] }

    /// Numbers in use or free are below.
    var numbers: Int { keys.count }

    // MARK: What experts say

    /// An expert has the key in its cache now.
    mutating func hold(_ number: Int, _ expert: UInt8) {
        keys[number].holders |= expert
        keys[number].knowers |= expert
    }

    /// An expert no longer has the key, but remembers it.
    mutating func drop(_ number: Int, _ expert: UInt8) {
        keys[number].holders &= ~expert
        if expert == leader { nominate(number) }
    }

    /// An expert knows the key no more.
    mutating func forget(_ number: Int, _ expert: UInt8) {
        let wasHeld = keys[number].holders & expert != 0
        keys[number].holders &= ~expert
        keys[number].knowers &= ~expert
        if wasHeld, expert == leader { nominate(number) }
        release(number)
    }

    // MARK: Numbers

    /// The number of a key without a place; `nil` where nobody remembers it.
    func number(_ hash: UInt64) -> Int? {
        var cell = home(hash)
        while cells[cell] != 0 {
            let number = Int(cells[cell]) - 1
            if keys[number].hash == hash, keys[number].place < 0 { return number }
            cell = (cell + 1) & (cells.count - 1)
        }
        return nil
    }

    /// Numbers a key.
    mutating func add(_ hash: UInt64, weight: Int) -> Int {
        let key = Key(hash: hash, weight: weight, place: -1, holders: 0, knowers: 0, isCandidate: false)
        let number: Int
        if let reused = free.popLast() {
            number = Int(reused)
            // Whether a number waits among the candidates does not change with the key that has it.
            let isCandidate = keys[number].isCandidate
            keys[number] = key
            keys[number].isCandidate = isCandidate
        } else {
            number = keys.count
            keys.append(key)
        }
        if (count + 1) * 4 > cells.count * 3 { growCells() }
        insertCell(hash, number)
        count += 1
        self.weight += weight
        return number
    }

    /// Gives a key a place in the table, or takes it away with -1.
    mutating func place(_ number: Int, at place: Int) {
        let old = keys[number].place
        keys[number].place = Int32(place)
        if old < 0, place >= 0 {
            placed += 1
            placedWeight += keys[number].weight
        } else if old >= 0, place < 0 {
            placed -= 1
            placedWeight -= keys[number].weight
            release(number)
        }
    }

    /// Gives a key another weight; the experts that know it are told by the panel.
    mutating func weigh(_ number: Int, _ weight: Int) {
        self.weight += weight - keys[number].weight
        if keys[number].place >= 0 { placedWeight += weight - keys[number].weight }
        keys[number].weight = weight
    }

    /// Keeps a key from being forgotten by all while it is worked on.
    mutating func retain(_ number: Int) { keys[number].knowers |= 0x80 }

    /// Ends what ``retain(_:)`` began; the key goes if nobody knows it.
    mutating func unretain(_ number: Int) {
        keys[number].knowers &= 0x7F
        release(number)
    }

    private mutating func release(_ number: Int) {
        let key = keys[number]
        guard key.knowers == 0, key.place < 0 else { return }
        removeCell(key.hash, number)
        free.append(Int32(number))
        count -= 1
        weight -= key.weight
    }

    // MARK: Candidates

    /// Makes another expert the leader.
    ///
    /// - Complexity: O(*n*) in the keys.
    mutating func follow(_ expert: UInt8) {
        leader = expert
        for number in 0..<keys.count where keys[number].place >= 0 && keys[number].holders & expert == 0 {
            nominate(number)
        }
    }

    /// Says that a key with a place may go because the leader does not have it.
    mutating func nominate(_ number: Int) {
        guard keys[number].place >= 0, !keys[number].isCandidate else { return }
        keys[number].isCandidate = true
        candidates.append(Int32(number))
    }

    /// A key with a place that the leader does not have; `nil` where there is none.
    mutating func candidate() -> Int? {
        while let next = candidates.popLast() {
            let number = Int(next)
            keys[number].isCandidate = false
            if keys[number].place >= 0, keys[number].holders & leader == 0 { return number }
        }
        return nil
    }

    // MARK: Cells

    private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (cells.count - 1) }

    private mutating func insertCell(_ hash: UInt64, _ number: Int) {
        var cell = home(hash)
        while cells[cell] != 0 { cell = (cell + 1) & (cells.count - 1) }
        cells[cell] = UInt32(number + 1)
    }

    private mutating func growCells() {
        let old = FlatArray<UInt32>(repeating: 0, count: cells.count * 2)
        let before = exchange(&cells, with: old)
        for cell in 0..<before.count where before[cell] != 0 {
            let number = Int(before[cell]) - 1
            insertCell(keys[number].hash, number)
        }
    }

    private mutating func removeCell(_ hash: UInt64, _ number: Int) {
        let mask = cells.count - 1
        var hole = home(hash)
        while cells[hole] != UInt32(number + 1) { hole = (hole + 1) & mask }
        // Entries behind move up, unless they are at home there.
        var next = (hole + 1) & mask
        while cells[next] != 0 {
            let away = (next &- home(keys[Int(cells[next]) - 1].hash)) & mask
            if away >= (next &- hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        cells[hole] = 0
    }
}

/// Puts a value that cannot be copied in the place of another, and returns that one.
func exchange<Value: ~Copyable>(_ place: inout Value, with value: consuming Value) -> Value {
    let old = place
    place = value
    return old
}
