/// Least recently used goes first.
struct LRU: PolicyExpert, ~Copyable {
    private static let bit = CachePolicyKind.lru.bit
    private let weightMax: Int
    private var weight = 0
    private var list = PolicyLists(lists: 1)

    init(weightMax: Int) { self.weightMax = weightMax }

    var bytes: Int { list.bytes }

    mutating func access(_ number: Int, _ keys: inout PolicyKeys) {
        if keys[number].holders & Self.bit != 0 { return list.renew(number) }
        let added = keys[number].weight
        guard added <= weightMax else { return }
        while weight + added > weightMax, let oldest = list.oldest() { remove(oldest, &keys) }
        list.reserve(number)
        list.push(number)
        weight += added
        keys.hold(number, Self.bit)
    }

    mutating func remove(_ number: Int, _ keys: inout PolicyKeys) {
        guard keys[number].holders & Self.bit != 0 else { return }
        list.remove(number)
        weight -= keys[number].weight
        keys.forget(number, Self.bit)
    }

    mutating func reweigh(_ number: Int, by delta: Int, _ keys: inout PolicyKeys) {
        guard keys[number].holders & Self.bit != 0 else { return }
        weight += delta
        while weight > weightMax, let oldest = list.oldest() { remove(oldest, &keys) }
    }

    func forEachHeld(_ body: (Int) -> Void) {
        var next = list.oldest()
        while let number = next {
            body(number)
            next = list.newer(than: number)
        }
    }
}
