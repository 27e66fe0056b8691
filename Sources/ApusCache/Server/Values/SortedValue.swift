import ApusCore
import Glibc

/// A sorted set: members by their bytes in a table, and by score in a skip list that counts what it skips.
///
/// A member is one block that is in both.
///
/// - SeeAlso: Pugh, "Skip lists: a probabilistic alternative to balanced trees", CACM 1990, and "A skip list cookbook", 1990,
///   section 3.4, for the counts.
struct SortedValue: ~Copyable {
    static let levelsMax = 32

    private var table = ChainTable<SortedLayout>()
    private var blockBytes = 0
    // A node before the first, with all levels.
    private let head: SortedNode
    private var levels = 1
    private(set) var last: SortedNode?
    private var random: SeededRandom

    init(seed: UInt64) {
        head = SortedNode.make(UnsafeRawBufferPointer(start: nil, count: 0), 0, 0, levels: Self.levelsMax)
        random = SeededRandom(seed: seed)
    }

    deinit {
        table.forEach { BlockMemory.free($0) }
        BlockMemory.free(head.base)
    }

    var count: Int { table.count }
    var first: SortedNode? { head.next }
    /// What it takes, in bytes.
    var weight: Int { blockBytes + table.arrayBytes + head.weight + 96 }

    @inline(__always)
    func find(_ member: UnsafeRawBufferPointer, _ hash: UInt32) -> SortedNode? {
        table.find(member.start, member.count, hash).pointee.map { SortedNode(base: $0) }
    }

    // MARK: Changing

    /// Puts a member in that is not there.
    mutating func insert(_ member: UnsafeRawBufferPointer, _ hash: UInt32, _ score: Double) {
        var levels = 1
        while levels < Self.levelsMax, random.next() & 3 == 0 { levels += 1 }
        let node = SortedNode.make(member, hash, score, levels: levels)
        blockBytes += node.weight
        link(node)
        table.insert(node.base)
    }

    /// Gives a member another score.
    mutating func move(_ node: SortedNode, to score: Double) {
        let isBehind = node.previous.map { $0.isBefore(score, node.member) } ?? true
        let isAhead = node.next.map { !$0.isBefore(score, node.member) } ?? true
        if isBehind, isAhead {
            node.score = score
            return
        }
        unlink(node)
        node.score = score
        link(node)
    }

    /// Takes a member out.
    mutating func remove(_ node: SortedNode) {
        unlink(node)
        table.remove(table.link(to: node.base))
        blockBytes -= node.weight
        BlockMemory.free(node.base)
    }

    /// The last nodes before a place at each level, and their ranks.
    private typealias Path = (UnsafeMutablePointer<SortedNode>, UnsafeMutablePointer<Int>)

    private func withPath<Result>(_ body: (Path) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: SortedNode.self, capacity: Self.levelsMax) { nodes in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: Self.levelsMax) { ranks in
                guard let nodes = nodes.baseAddress, let ranks = ranks.baseAddress else {
                    preconditionFailure("a path has levels")
                }
                return body((nodes, ranks))
            }
        }
    }

    /// Walks to the place of a member with a score.
    private func walk(_ score: Double, _ member: UnsafeRawBufferPointer, _ path: Path) {
        var node = head
        var rank = 0
        var level = levels - 1
        while level >= 0 {
            while let next = node.next(level), next.isBefore(score, member) {
                rank &+= node.span(level)
                node = next
            }
            path.0[level] = node
            path.1[level] = rank
            level &-= 1
        }
    }

    private mutating func link(_ node: SortedNode) {
        let known = levels
        levels = max(levels, node.levels)
        let behind = linked
        for level in known..<levels { head.setSpan(level, behind) }
        withPath { path in
            walk(node.score, node.member, path)
            let rank = path.1[0]
            for level in 0..<node.levels {
                let before = path.0[level]
                let gap = rank - path.1[level]
                node.setNext(level, before.next(level))
                node.setSpan(level, before.span(level) - gap)
                before.setNext(level, node)
                before.setSpan(level, gap + 1)
            }
            for level in node.levels..<levels { path.0[level].setSpan(level, path.0[level].span(level) + 1) }
            node.previous = path.0[0] == head ? nil : path.0[0]
        }
        if let next = node.next { next.previous = node } else { last = node }
        linked += 1
    }

    private mutating func unlink(_ node: SortedNode) {
        withPath { path in
            walk(node.score, node.member, path)
            for level in 0..<levels {
                let before = path.0[level]
                if before.next(level) == node {
                    before.setSpan(level, before.span(level) + node.span(level) - 1)
                    before.setNext(level, node.next(level))
                } else {
                    before.setSpan(level, before.span(level) - 1)
                }
            }
        }
        if let next = node.next { next.previous = node.previous } else { last = node.previous }
        while levels > 1, head.next(levels - 1) == nil { levels -= 1 }
        linked -= 1
    }

    // Members in the skip list, which are those of the table but in the middle of a change.
    private var linked = 0

    // MARK: Ranks

    /// How many members are before one.
    func rank(of wanted: SortedNode) -> Int {
        withPath { path in
            walk(wanted.score, wanted.member, path)
            return path.1[0]
        }
    }

    /// The member that has `rank` others before it.
    func node(at rank: Int) -> SortedNode? {
        guard rank >= 0, rank < linked else { return nil }
        var node = head
        var left = rank + 1
        var level = levels - 1
        while level >= 0 {
            while let next = node.next(level), node.span(level) <= left {
                left -= node.span(level)
                node = next
            }
            if left == 0 { return node }
            level -= 1
        }
        return nil
    }

    /// The first member that is not `isBelow`, and how many are; members below come before all others.
    func firstNot(_ isBelow: (SortedNode) -> Bool) -> (node: SortedNode?, rank: Int) {
        var node = head
        var rank = 0
        var level = levels - 1
        while level >= 0 {
            while let next = node.next(level), isBelow(next) {
                rank += node.span(level)
                node = next
            }
            level -= 1
        }
        return (node.next, rank)
    }

    // MARK: Walking

    func forEach(_ body: (SortedNode) -> Void) {
        var next = first
        while let node = next {
            next = node.next
            body(node)
        }
    }

    func scan(from position: UInt64, wanted: Int, _ body: (SortedNode) -> Void) -> UInt64 {
        table.scan(from: position, wanted: wanted) { body(SortedNode(base: $0)) }
    }

    mutating func randomMember() -> SortedNode? {
        var random = random
        defer { self.random = random }
        return table.random(&random).map { SortedNode(base: $0) }
    }

    /// Forgets up to `most` members; true once there is none.
    mutating func release(_ most: Int) -> Bool {
        guard table.count > most else { return true }
        for _ in 0..<most {
            if let node = first { remove(node) }
        }
        return false
    }
}
