/// S3-FIFO: a small queue on trial, a main queue with second chances, and a memory of what was lately turned away.
///
/// Most keys are never read again and leave by the small queue, a tenth of the room; those that were read, or come back
/// soon, go to the main queue. A read only raises a counter.
///
/// - SeeAlso: Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023.
struct S3FIFO: PolicyExpert, ~Copyable {
    struct State {
        var queue: UInt8 = S3FIFO.none
        var reads: UInt8 = 0
    }

    private static let bit = CachePolicyKind.s3fifo.bit
    private static let small: UInt8 = 0
    private static let main: UInt8 = 1
    private static let ghosts: UInt8 = 2
    static let none: UInt8 = 3

    private let weightMax: Int
    private let smallMax: Int
    private let ghostMax: Int
    private let mainMax: Int
    private var hasEvicted = false
    private var smallWeight = 0
    private var mainWeight = 0
    private var ghostWeight = 0
    private var queues = PolicyLists(lists: 3)
    private var states = FlatArray<State>()

    init(weightMax: Int) {
        self.weightMax = weightMax
        smallMax = max(1, weightMax / 10)
        mainMax = weightMax - smallMax
        ghostMax = weightMax - weightMax / 10
    }

    var bytes: Int { queues.bytes + states.bytes }

    mutating func access(_ number: Int, _ keys: inout PolicyKeys) {
        states.grow(to: number + 1, State())
        switch states[number].queue {
        case Self.small, Self.main:
            if states[number].reads < 3 { states[number].reads += 1 }
        case Self.ghosts:
            leave(number, keys[number].weight)
            comeIn(number, Self.main, &keys)
        default: comeIn(number, hasEvicted || smallWeight < smallMax ? Self.small : Self.main, &keys)
        }
    }

    private mutating func comeIn(_ number: Int, _ queue: UInt8, _ keys: inout PolicyKeys) {
        let weight = keys[number].weight
        guard weight <= weightMax else { return keys.forget(number, Self.bit) }
        while smallWeight + mainWeight + weight > weightMax { evict(&keys) }
        queues.reserve(number)
        enter(number, queue, weight)
        states[number].reads = 0
        keys.hold(number, Self.bit)
    }

    private mutating func evict(_ keys: inout PolicyKeys) {
        hasEvicted = true
        if smallWeight > 0, mainWeight <= mainMax {
            guard let oldest = queues.oldest(Int(Self.small)) else { return }
            let weight = keys[oldest].weight
            leave(oldest, weight)
            if states[oldest].reads > 1 {
                states[oldest].reads = 0
                enter(oldest, Self.main, weight)
            } else {
                enter(oldest, Self.ghosts, weight)
                keys.drop(oldest, Self.bit)
                while ghostWeight > ghostMax, let ghost = queues.oldest(Int(Self.ghosts)) { remove(ghost, &keys) }
            }
        } else if let oldest = queues.oldest(Int(Self.main)) {
            if states[oldest].reads > 0 {
                states[oldest].reads -= 1
                queues.renew(oldest, Int(Self.main))
            } else {
                remove(oldest, &keys)
            }
        }
    }

    private mutating func enter(_ number: Int, _ queue: UInt8, _ weight: Int) {
        queues.push(number, Int(queue))
        states[number].queue = queue
        add(weight, queue)
    }

    private mutating func leave(_ number: Int, _ weight: Int) {
        queues.remove(number)
        add(-weight, states[number].queue)
        states[number].queue = Self.none
    }

    private mutating func add(_ weight: Int, _ queue: UInt8) {
        switch queue {
        case Self.small: smallWeight += weight
        case Self.main: mainWeight += weight
        default: ghostWeight += weight
        }
    }

    mutating func remove(_ number: Int, _ keys: inout PolicyKeys) {
        guard number < states.count, states[number].queue != Self.none else { return }
        leave(number, keys[number].weight)
        keys.forget(number, Self.bit)
    }

    mutating func reweigh(_ number: Int, by delta: Int, _ keys: inout PolicyKeys) {
        guard number < states.count, states[number].queue != Self.none else { return }
        add(delta, states[number].queue)
        while smallWeight + mainWeight > weightMax { evict(&keys) }
        while ghostWeight > ghostMax, let ghost = queues.oldest(Int(Self.ghosts)) { remove(ghost, &keys) }
    }

    func forEachHeld(_ body: (Int) -> Void) {
        for queue in [Self.small, Self.main] {
            var next = queues.oldest(Int(queue))
            while let number = next {
                body(number)
                next = queues.newer(than: number)
            }
        }
    }
}
