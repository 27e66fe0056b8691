/// Low Inter-reference Recency Set: what was read twice within a short time stays, however long ago that was.
///
/// 99 of 100 parts of the room are for keys of a low time between reads (LIR). The others (HIR) pass through a queue; one
/// that is read again while the stack still knows it becomes LIR. The stack knows keys that are gone for as long as they
/// weigh no more than twice the room: fewer cost hits on loops a little larger than the cache.
///
/// - SeeAlso: Jiang, Zhang, "LIRS: An Efficient Low Inter-reference Recency Set Replacement Policy", SIGMETRICS 2002.
struct LIRS: PolicyExpert, ~Copyable {
    enum State: UInt8 {
        case unknown
        /// Kept, on the stack.
        case lir
        /// Kept, on the stack and in the queue.
        case hirOnStack
        /// Kept, in the queue alone.
        case hir
        /// Gone, on the stack and among the ghosts.
        case ghost
    }

    private static let bit = CachePolicyKind.lirs.bit
    private static let queue = 0
    private static let ghosts = 1

    private let weightMax: Int
    private let lirMax: Int
    private let ghostMax: Int
    private var lirWeight = 0
    private var hirWeight = 0
    private var ghostWeight = 0
    private var stack = PolicyLists(lists: 1)
    private var waiting = PolicyLists(lists: 2)
    private var states = FlatArray<State>()

    init(weightMax: Int) {
        self.weightMax = weightMax
        lirMax = max(0, weightMax - max(2, weightMax / 100))
        ghostMax = 2 * weightMax
    }

    var bytes: Int { stack.bytes + waiting.bytes + states.bytes }

    mutating func access(_ number: Int, _ keys: inout PolicyKeys) {
        states.grow(to: number + 1, .unknown)
        switch states[number] {
        case .lir:
            let wasBottom = stack.oldest() == number
            stack.renew(number)
            if wasBottom { prune(&keys) }
        case .hirOnStack:
            waiting.remove(number)
            hirWeight -= keys[number].weight
            promote(number, &keys)
        case .hir:
            states[number] = .hirOnStack
            stack.push(number)
            waiting.renew(number, Self.queue)
        case .ghost: comeBack(number, &keys)
        case .unknown: comeIn(number, &keys)
        }
    }

    private mutating func comeBack(_ number: Int, _ keys: inout PolicyKeys) {
        waiting.remove(number)
        ghostWeight -= keys[number].weight
        keys.hold(number, Self.bit)
        promote(number, &keys)
        while lirWeight + hirWeight > weightMax { evict(&keys) }
    }

    private mutating func comeIn(_ number: Int, _ keys: inout PolicyKeys) {
        let weight = keys[number].weight
        guard weight <= weightMax else { return }
        while lirWeight + hirWeight + weight > weightMax { evict(&keys) }
        stack.reserve(number)
        waiting.reserve(number)
        stack.push(number)
        keys.hold(number, Self.bit)
        if lirWeight + weight <= lirMax {
            states[number] = .lir
            lirWeight += weight
            prune(&keys)
        } else {
            states[number] = .hirOnStack
            waiting.push(number, Self.queue)
            hirWeight += weight
        }
    }

    /// Makes a key on the stack LIR, and as many others HIR as it takes.
    private mutating func promote(_ number: Int, _ keys: inout PolicyKeys) {
        states[number] = .lir
        lirWeight += keys[number].weight
        stack.renew(number)
        prune(&keys)
        while lirWeight > lirMax { demote(&keys) }
    }

    /// Makes the LIR key at the bottom HIR.
    private mutating func demote(_ keys: inout PolicyKeys) {
        guard let bottom = stack.oldest() else { return }
        stack.remove(bottom)
        states[bottom] = .hir
        lirWeight -= keys[bottom].weight
        hirWeight += keys[bottom].weight
        waiting.push(bottom, Self.queue)
        prune(&keys)
    }

    private mutating func evict(_ keys: inout PolicyKeys) {
        guard let oldest = waiting.oldest(Self.queue) else { return demote(&keys) }
        waiting.remove(oldest)
        hirWeight -= keys[oldest].weight
        if states[oldest] == .hirOnStack {
            states[oldest] = .ghost
            waiting.push(oldest, Self.ghosts)
            ghostWeight += keys[oldest].weight
            keys.drop(oldest, Self.bit)
            while ghostWeight > ghostMax, let ghost = waiting.oldest(Self.ghosts) { lay(ghost, &keys) }
        } else {
            states[oldest] = .unknown
            keys.forget(oldest, Self.bit)
        }
    }

    /// Forgets a ghost.
    private mutating func lay(_ ghost: Int, _ keys: inout PolicyKeys) {
        stack.remove(ghost)
        waiting.remove(ghost)
        states[ghost] = .unknown
        ghostWeight -= keys[ghost].weight
        keys.forget(ghost, Self.bit)
    }

    /// Takes keys from the bottom of the stack until a LIR key lies there.
    private mutating func prune(_ keys: inout PolicyKeys) {
        while let bottom = stack.oldest(), states[bottom] != .lir {
            if states[bottom] == .ghost {
                lay(bottom, &keys)
            } else {
                stack.remove(bottom)
                states[bottom] = .hir
            }
        }
    }

    mutating func remove(_ number: Int, _ keys: inout PolicyKeys) {
        guard number < states.count else { return }
        switch states[number] {
        case .unknown: return
        case .ghost: return lay(number, &keys)
        case .lir:
            stack.remove(number)
            lirWeight -= keys[number].weight
        case .hirOnStack:
            stack.remove(number)
            waiting.remove(number)
            hirWeight -= keys[number].weight
        case .hir:
            waiting.remove(number)
            hirWeight -= keys[number].weight
        }
        states[number] = .unknown
        keys.forget(number, Self.bit)
        prune(&keys)
    }

    mutating func reweigh(_ number: Int, by delta: Int, _ keys: inout PolicyKeys) {
        guard number < states.count else { return }
        switch states[number] {
        case .unknown: return
        case .ghost: ghostWeight += delta
        case .lir: lirWeight += delta
        case .hir, .hirOnStack: hirWeight += delta
        }
        while lirWeight > lirMax { demote(&keys) }
        while lirWeight + hirWeight > weightMax { evict(&keys) }
        while ghostWeight > ghostMax, let ghost = waiting.oldest(Self.ghosts) { lay(ghost, &keys) }
    }

    func forEachHeld(_ body: (Int) -> Void) {
        var next = waiting.oldest(Self.queue)
        while let number = next {
            body(number)
            next = waiting.newer(than: number)
        }
        next = stack.oldest()
        while let number = next {
            if states[number] == .lir { body(number) }
            next = stack.newer(than: number)
        }
    }
}
