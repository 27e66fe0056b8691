import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

/// The server's data structures against naive models, step by random step.
struct ValueModelTests {
    private let hashing = SeededHash(seed: TestRun.seed)

    private func hash(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { hashing.hash($0.start, $0.count) } }

    private func bytes(_ random: inout SeededRandom, most: Int) -> [UInt8] {
        let count = Int.random(in: 0...most, using: &random)
        return (0..<count).map { _ in UInt8.random(in: 97...99, using: &random) }
    }

    @Test func `a set holds what a set holds, and a scan sees it once`() {
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<10 {
            var set = SetValue()
            var model: Set<[UInt8]> = []
            for step in 0..<4000 {
                // Grows, then shrinks, so that the table moves both ways.
                let member = Array("\(Int.random(in: 0..<2000, using: &random))".utf8)
                let inserts = step < 2500 ? random.next() & 3 != 0 : random.next() & 7 == 0
                let (mine, theirs) = member.withUnsafeBytes { bytes in
                    inserts
                        ? (set.insert(bytes, hash(member)), model.insert(member).inserted)
                        : (set.remove(bytes, hash(member)), model.remove(member) != nil)
                }
                #expect(mine == theirs, "seed \(TestRun.seed), step \(step)")
                if step % 500 == 0 {
                    var seen: [[UInt8]] = []
                    set.forEach { seen.append(Array($0)) }
                    #expect(seen.count == model.count && Set(seen) == model)
                }
            }
            let count = set.count
            #expect(count == model.count)
        }
    }

    @Test func `a scan sees once what is there all the time, while the table grows and shrinks`() {
        var random = SeededRandom(seed: TestRun.seed &+ 1)
        for round in 0..<20 {
            var set = SetValue()
            let stable = Set((0..<Int.random(in: 1...600, using: &random)).map { Array("s\($0)".utf8) })
            for member in stable { member.withUnsafeBytes { _ = set.insert($0, hash(member)) } }
            var passing: [[UInt8]] = []
            var seen: [[UInt8]: Int] = [:]
            var position: UInt64 = 0
            repeat {
                position = set.scan(from: position, wanted: Int.random(in: 1...20, using: &random)) {
                    seen[Array($0), default: 0] += 1
                }
                let isGrowing = random.next() & 1 == 0
                for number in 0..<Int.random(in: 0...200, using: &random) {
                    if isGrowing {
                        let member = Array("p\(round)-\(passing.count)-\(number)".utf8)
                        if member.withUnsafeBytes({ set.insert($0, hash(member)) }) { passing.append(member) }
                    } else if let member = passing.popLast() {
                        member.withUnsafeBytes { _ = set.remove($0, hash(member)) }
                    }
                }
            } while position != 0
            for member in stable { #expect(seen[member] == 1, "seed \(TestRun.seed), round \(round)") }
        }
    }

    @Test func `a hash holds what a dictionary holds`() {
        var random = SeededRandom(seed: TestRun.seed &+ 2)
        var value = HashValue()
        var model: [[UInt8]: [UInt8]] = [:]
        for step in 0..<6000 {
            let field = Array("f\(Int.random(in: 0..<300, using: &random))".utf8)
            if random.next() & 3 == 0 {
                let mine = field.withUnsafeBytes { value.remove($0, hash(field)) }
                #expect(mine == (model.removeValue(forKey: field) != nil))
            } else {
                // Shorter and longer ones in turn, so that some are overwritten in place.
                let content = bytes(&random, most: random.next() & 7 == 0 ? 400 : 30)
                let mine = field.withUnsafeBytes { field in
                    content.withUnsafeBytes { value.set(field, hash(Array(field)), $0) }
                }
                #expect(mine == (model.updateValue(content, forKey: field) == nil))
            }
            let found = field.withUnsafeBytes { value.find($0, hash(field)).map { Array($0.value) } }
            #expect(found == model[field], "seed \(TestRun.seed), step \(step)")
        }
        var all: [[UInt8]: [UInt8]] = [:]
        value.forEach { all[Array($0.key)] = Array($0.value) }
        #expect(all == model)
    }

    @Test func `a list holds what an array holds`() {
        var random = SeededRandom(seed: TestRun.seed &+ 3)
        for round in 0..<30 {
            var list = ListValue()
            var model: [[UInt8]] = []
            let longest = [3, 30, 300, 5000][round % 4]
            for step in 0..<400 {
                change(&list, &model, &random, longest)
                if step % 20 == 0 || step == 399 {
                    #expect(contents(list) == model, "seed \(TestRun.seed), round \(round), step \(step)")
                    #expect(contentsFromBack(list) == model.reversed())
                }
            }
        }
    }

    private func change(
        _ list: inout ListValue,
        _ model: inout [[UInt8]],
        _ random: inout SeededRandom,
        _ longest: Int
    ) {
        let element = bytes(&random, most: random.next() % 16 == 0 ? longest * 3 : longest)
        element.withUnsafeBytes { raw in
            switch Int.random(in: 0..<16, using: &random) {
            case 0, 1, 2:
                list.pushFirst(raw)
                model.insert(element, at: 0)
            case 3, 4, 5:
                list.pushLast(raw)
                model.append(element)
            case 6 where !model.isEmpty:
                list.dropFirst()
                model.removeFirst()
            case 7 where !model.isEmpty:
                list.dropLast()
                model.removeLast()
            case 8 where !model.isEmpty:
                let index = Int.random(in: 0..<model.count, using: &random)
                if let place = list.place(of: index) { list.replace(place, with: raw) }
                model[index] = element
            case 9 where !model.isEmpty, 10 where !model.isEmpty:
                let index = Int.random(in: 0..<model.count, using: &random)
                if let place = list.place(of: index) { list.insert(raw, before: place) }
                model.insert(element, at: index)
            case 11 where !model.isEmpty:
                let index = Int.random(in: 0..<model.count, using: &random)
                if let place = list.place(of: index) { list.insert(raw, after: place) }
                model.insert(element, at: index + 1)
            case 12 where !model.isEmpty:
                let index = Int.random(in: 0..<model.count, using: &random)
                if let place = list.place(of: index) { list.remove(place) }
                model.remove(at: index)
            case 13 where !model.isEmpty:
                removeEqual(&list, &model, &random)
            case 14 where random.next() & 7 == 0:
                let start = Int.random(in: 0...model.count, using: &random)
                let end = Int.random(in: start...model.count, using: &random)
                list.trim(start, end)
                model = Array(model[start..<end])
            default:
                list.pushLast(raw)
                model.append(element)
            }
        }
    }

    private func removeEqual(_ list: inout ListValue, _ model: inout [[UInt8]], _ random: inout SeededRandom) {
        guard let victim = model.randomElement(using: &random) else { return }
        let most = Int.random(in: 1...3, using: &random)
        let fromBack = random.next() & 1 == 0
        let removed = victim.withUnsafeBytes { list.removeAll(equalTo: $0, most: most, fromBack: fromBack) }
        let places = model.indices.filter { model[$0] == victim }
        let chosen = fromBack ? places.suffix(most) : places.prefix(most)
        for place in chosen.reversed() { model.remove(at: place) }
        #expect(removed == chosen.count)
    }

    private func contents(_ list: borrowing ListValue) -> [[UInt8]] {
        var all: [[UInt8]] = []
        var place = list.place(of: 0)
        while let here = place {
            all.append(Array(here.element))
            place = list.place(after: here)
        }
        return all
    }

    private func contentsFromBack(_ list: borrowing ListValue) -> [[UInt8]] {
        var all: [[UInt8]] = []
        var place = list.place(of: list.count - 1)
        while let here = place {
            all.append(Array(here.element))
            place = list.place(before: here)
        }
        return all
    }

    @Test func `a sorted set is sorted, and its ranks count`() {
        var random = SeededRandom(seed: TestRun.seed &+ 4)
        var value = SortedValue(seed: TestRun.seed)
        var model: [[UInt8]: Double] = [:]
        for step in 0..<3000 {
            let member = Array("m\(Int.random(in: 0..<200, using: &random))".utf8)
            let score = Double(Int.random(in: -20...20, using: &random)) / 2
            member.withUnsafeBytes { raw in
                let node = value.find(raw, hash(member))
                #expect((node != nil) == (model[member] != nil))
                if random.next() & 3 == 0 {
                    if let node { value.remove(node) }
                    model[member] = nil
                } else {
                    if let node { value.move(node, to: score) } else { value.insert(raw, hash(member), score) }
                    model[member] = score
                }
            }
            if step % 50 == 0 { checkOrder(value, model, step) }
        }
    }

    private func checkOrder(_ value: borrowing SortedValue, _ model: [[UInt8]: Double], _ step: Int) {
        let sorted = model.sorted { left, right in
            left.value != right.value ? left.value < right.value : left.key.lexicographicallyPrecedes(right.key)
        }
        var seen: [[UInt8]] = []
        value.forEach { seen.append(Array($0.member)) }
        #expect(seen == sorted.map(\.key), "seed \(TestRun.seed), step \(step)")
        for (rank, pair) in sorted.enumerated() {
            let node = value.node(at: rank)
            #expect(node.map { Array($0.member) } == pair.key)
            #expect(node?.score == pair.value)
            #expect(node.map { value.rank(of: $0) } == rank)
            #expect(node?.previous.map { Array($0.member) } == (rank == 0 ? nil : sorted[rank - 1].key))
        }
        #expect(value.last.map { Array($0.member) } == sorted.last?.key)
        let below = sorted.filter { $0.value < 3 }.count
        #expect(value.firstNot { $0.score < 3 }.rank == below)
        let beyond = value.node(at: sorted.count)
        #expect(beyond == nil)
    }

    @Test func `what is drawn at random is anything, about as often`() {
        var random = SeededRandom(seed: TestRun.seed &+ 5)
        var set = SetValue()
        for number in 0..<50 {
            let member = Array("\(number)".utf8)
            member.withUnsafeBytes { _ = set.insert($0, hash(member)) }
        }
        var counts: [[UInt8]: Int] = [:]
        for _ in 0..<20_000 {
            if let member = set.random(&random) { counts[Array(member), default: 0] += 1 }
        }
        #expect(counts.count == 50)
        // Each is drawn 400 times on the average; five standard deviations are 100.
        for count in counts.values { #expect((250...600).contains(count), "seed \(TestRun.seed)") }
    }
}
