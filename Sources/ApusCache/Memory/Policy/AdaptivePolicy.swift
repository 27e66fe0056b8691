/// Follows the policy that does best on what is read.
///
/// LRU, LIRS, S3-FIFO and W-TinyLFU run side by side on keys alone, and what the best of them would keep is kept. None
/// of the four is good everywhere: a loop a little larger than the cache is LIRS's, a trace with locality LRU's.
///
/// In a cache of many entries the four run on a sample of the keys, in small caches of their own, and what they find
/// decides which one policy runs on all keys. A sample by key, not by read: a key in it is seen each time.
///
/// - SeeAlso: Gramacy, Warmuth, Brandt, Ari, "Adaptive Caching by Refetching", NIPS 2002; Waldspurger, Saemundsson, Ahmad,
///   Park, "Cache Modeling and Optimization using Miniature Simulations", USENIX ATC 2017.
struct AdaptivePolicy: CachePolicy, ~Copyable {
    /// Entries up to which all experts see all keys.
    static let comparedMax = 2048
    /// The least entries of a full cache's share in a sample; it has less than twice as many.
    static let sampleMin = 1024

    private let weightMax: Int
    private let isAdaptive: Bool
    private var panel: PolicyPanel
    private var sample: PolicyPanel
    private var isSampling = false
    /// A key is in the sample where that many bits of its mixed hash are zero.
    private var sampleBits = 0
    // The number of the key at a place, -1 for none.
    private var numbers = FlatArray<Int32>()

    init(weightMax: Int) {
        self.weightMax = weightMax
        isAdaptive = true
        panel = PolicyPanel(weightMax: weightMax, leader: .lirs, isComparing: true)
        sample = PolicyPanel(weightMax: 1, leader: .lirs, isComparing: true)
    }

    /// One policy that never changes.
    init(weightMax: Int, always kind: CachePolicyKind) {
        self.weightMax = weightMax
        isAdaptive = false
        panel = PolicyPanel(weightMax: weightMax, leader: kind, isComparing: false)
        sample = PolicyPanel(weightMax: 1, leader: kind, isComparing: false)
    }

    var weight: Int { panel.keys.placedWeight }
    /// The policy in the lead.
    var leader: CachePolicyKind { panel.leader }
    /// Memory the policy takes.
    var bytes: Int { panel.bytes + sample.bytes + numbers.bytes }

    mutating func read(_ place: Int) {
        guard place < numbers.count, numbers[place] >= 0 else { return }
        let number = Int(numbers[place])
        access(number, panel.keys[number].weight)
    }

    mutating func read(all ring: ReadRing) { ring.drain { read($0) } }

    mutating func inserted(_ place: Int, hash: UInt64, weight: Int) {
        numbers.grow(to: place + 1, -1)
        let number = panel.keys.number(hash) ?? panel.keys.add(hash, weight: weight)
        panel.keys.place(number, at: place)
        numbers[place] = Int32(number)
        access(number, weight)
        if panel.keys[number].holders & panel.leader.bit == 0 { panel.keys.nominate(number) }
        if isAdaptive, panel.keys.placed > Self.comparedMax { considerSample() }
    }

    mutating func moved(_ place: Int, to newPlace: Int) {
        let number = numbers[place]
        numbers[place] = -1
        numbers.grow(to: newPlace + 1, -1)
        numbers[newPlace] = number
        panel.keys.place(Int(number), at: newPlace)
    }

    mutating func reweighed(_ place: Int, weight: Int) {
        access(Int(numbers[place]), weight)
    }

    mutating func removed(_ place: Int) {
        let number = Int(numbers[place])
        let hash = panel.keys[number].hash
        panel.remove(number)
        detach(number, place)
        if isSampling, isSampled(hash), let number = sample.keys.number(hash) { sample.remove(number) }
    }

    mutating func victim() -> Int? {
        guard let number = panel.keys.candidate() else { return nil }
        let place = Int(panel.keys[number].place)
        detach(number, place)
        return place
    }

    private mutating func detach(_ number: Int, _ place: Int) {
        numbers[place] = -1
        panel.keys.place(number, at: -1)
    }

    private mutating func access(_ number: Int, _ weight: Int) {
        if isSampling {
            let hash = panel.keys[number].hash
            if isSampled(hash) { accessSample(hash, weight) }
            _ = panel.access(number, weight: weight)
        } else if panel.access(number, weight: weight) {
            panel.keys.follow(panel.leader.bit)
        }
    }

    // MARK: Sample

    private func isSampled(_ hash: UInt64) -> Bool { (hash &* 0xD6E8_FEB8_6659_FD93) >> UInt64(64 - sampleBits) == 0 }

    private mutating func accessSample(_ hash: UInt64, _ weight: Int) {
        let number = sample.keys.number(hash) ?? sample.keys.add(hash, weight: weight)
        if sample.access(number, weight: weight) { panel.replace(by: sample.leader) }
    }

    /// Goes over to a sample once there are many entries, or to a smaller one once there are many more.
    private mutating func considerSample() {
        let entries = panel.entriesMax
        if isSampling, entries >> sampleBits < 4 * Self.sampleMin { return }
        sampleBits = 0
        while entries >> (sampleBits + 1) >= Self.sampleMin { sampleBits += 1 }
        sample = PolicyPanel(weightMax: weightMax >> sampleBits, leader: panel.leader, isComparing: true)
        isSampling = true
        panel.stopComparing()
    }
}
