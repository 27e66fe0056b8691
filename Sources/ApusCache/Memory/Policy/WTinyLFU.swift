/// Window TinyLFU: a small window for what is new, and a main part that one enters by being asked for more often than
/// what would have to go.
///
/// The window is a hundredth of the room. The main part is a segmented LRU: keys read again there are protected, up to
/// four fifths of it.
///
/// - SeeAlso: Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM TOS 2017.
struct WTinyLFU: PolicyExpert, ~Copyable {
    private static let bit = CachePolicyKind.wTinyLFU.bit
    private static let window: UInt8 = 0
    private static let probation: UInt8 = 1
    private static let protected: UInt8 = 2

    private let weightMax: Int
    private let windowMax: Int
    private let protectedMax: Int
    private var weight = 0
    private var windowWeight = 0
    private var protectedWeight = 0
    private var count = 0
    private var lists = PolicyLists(lists: 3)
    private var segments = FlatArray<UInt8>()
    private var sketch = FrequencySketch()

    init(weightMax: Int) {
        self.weightMax = weightMax
        windowMax = max(1, weightMax / 100)
        protectedMax = (weightMax - windowMax) * 4 / 5
    }

    var bytes: Int { lists.bytes + segments.bytes + sketch.bytes }

    mutating func access(_ number: Int, _ keys: inout PolicyKeys) {
        sketch.add(keys[number].hash)
        guard keys[number].holders & Self.bit != 0 else { return comeIn(number, &keys) }
        switch segments[number] {
        case Self.probation:
            segments[number] = Self.protected
            protectedWeight += keys[number].weight
            lists.renew(number, Int(Self.protected))
            while protectedWeight > protectedMax, let oldest = lists.oldest(Int(Self.protected)) {
                segments[oldest] = Self.probation
                protectedWeight -= keys[oldest].weight
                lists.renew(oldest, Int(Self.probation))
            }
        case let segment: lists.renew(number, Int(segment))
        }
    }

    private mutating func comeIn(_ number: Int, _ keys: inout PolicyKeys) {
        let added = keys[number].weight
        guard added <= weightMax else { return }
        segments.grow(to: number + 1, Self.window)
        lists.reserve(number)
        segments[number] = Self.window
        lists.push(number, Int(Self.window))
        weight += added
        windowWeight += added
        count += 1
        sketch.fit(count)
        keys.hold(number, Self.bit)
        while windowWeight > windowMax, let oldest = lists.oldest(Int(Self.window)) {
            segments[oldest] = Self.probation
            windowWeight -= keys[oldest].weight
            lists.renew(oldest, Int(Self.probation))
            if weight > weightMax { compare(oldest, sparing: number, &keys) }
        }
        while weight > weightMax, let victim = victim(but: number) { remove(victim, &keys) }
    }

    /// Makes room at the cost of a key that left the window, or of what is asked for less often.
    private mutating func compare(_ candidate: Int, sparing newest: Int, _ keys: inout PolicyKeys) {
        let wanted = sketch.estimate(keys[candidate].hash)
        while weight > weightMax {
            guard let victim = victim(but: candidate), victim != newest, wanted > sketch.estimate(keys[victim].hash)
            else {
                return remove(candidate, &keys)
            }
            remove(victim, &keys)
        }
    }

    private func victim(but spared: Int) -> Int? {
        for list in [Self.probation, Self.protected, Self.window] {
            if let oldest = lists.oldest(Int(list)) {
                if oldest != spared { return oldest }
                if let next = lists.newer(than: oldest) { return next }
            }
        }
        return nil
    }

    mutating func remove(_ number: Int, _ keys: inout PolicyKeys) {
        guard keys[number].holders & Self.bit != 0 else { return }
        let removed = keys[number].weight
        lists.remove(number)
        weight -= removed
        if segments[number] == Self.window { windowWeight -= removed }
        if segments[number] == Self.protected { protectedWeight -= removed }
        count -= 1
        keys.forget(number, Self.bit)
    }

    mutating func reweigh(_ number: Int, by delta: Int, _ keys: inout PolicyKeys) {
        guard keys[number].holders & Self.bit != 0 else { return }
        weight += delta
        if segments[number] == Self.window { windowWeight += delta }
        if segments[number] == Self.protected { protectedWeight += delta }
        while weight > weightMax, let victim = victim(but: number) { remove(victim, &keys) }
        if weight > weightMax { remove(number, &keys) }
    }

    func forEachHeld(_ body: (Int) -> Void) {
        for list in [Self.probation, Self.protected, Self.window] {
            var next = lists.oldest(Int(list))
            while let number = next {
                body(number)
                next = lists.newer(than: number)
            }
        }
    }
}
