import ApusCore
import ApusRuntime
import Testing

@testable import ApusStore

private struct RegionKey: ShardKey {
    var region: String?
    var id: Int
    var directoryName: String? { region }
    var shardValue: ShardValue { .integer(Int64(id)) }
}

private func text(of random: inout SeededRandom) -> String {
    String((0..<Int.random(in: 0...40, using: &random)).map { _ in "abcdeé日🙂-".randomElement(using: &random) ?? "x" })
}

@Suite(.timeLimit(.minutes(5)))
struct ShardMapTests {
    @Test(arguments: [1, 2, 3, 7, 64, 1000])
    func `every slot has a shard, and shards differ by one slot at most`(shards: Int) throws {
        let map = ShardMap.first(.hash(slots: 4096), shards: shards)
        let counts = (0..<4096).reduce(into: [Int: Int]()) { $0[map.shard(ofSlot: $1), default: 0] += 1 }
        #expect(counts.count == shards)
        #expect((counts.values.max() ?? 0) - (counts.values.min() ?? 0) <= 1)
    }

    @Test
    func `a hashed key has the slot that its XXH64 names`() throws {
        var random = SeededRandom(seed: 41)
        let map = ShardMap.first(.hash(slots: 4096), shards: 4)
        for _ in 0..<2000 {
            let number = Int.random(in: Int.min...Int.max, using: &random)
            let name = text(of: &random)
            let little = withUnsafeBytes(of: Int64(number).littleEndian) { XXHash64.hash($0) }
            #expect(try map.slot(of: number) == Int(little % 4096))
            #expect(try map.slot(of: name) == Int(XXHash64.hash(name) % 4096))
        }
    }

    @Test
    func `keys spread evenly`() throws {
        let map = ShardMap.first(.hash(slots: 64), shards: 4)
        var counts = [0, 0, 0, 0]
        for id in 0..<40_000 { counts[map.shard(ofSlot: try map.slot(of: id))] += 1 }
        for count in counts { #expect(abs(count - 10_000) < 400) }
    }

    @Test
    func `a name's keys stay within its slots, as a plain search finds them`() throws {
        let names: KeyValuePairs = ["United Kingdom": 58, "Germany": 2, "France": 1, "": 1]
        let map = ShardMap.first(.directory(names, others: 2), shards: 4)
        var ranges: [String: Range<Int>] = [:]
        var next = 0
        for (name, count) in names {
            ranges[name] = next..<next + count
            next += count
        }
        var seen: Set<Int> = []
        for id in 0..<5000 {
            for region in ["United Kingdom", "Germany", "France", "", "Portugal", "united kingdom"] {
                let slot = try map.slot(of: RegionKey(region: region, id: id))
                #expect((ranges[region] ?? 62..<64).contains(slot))
                seen.insert(slot)
            }
            #expect((0..<64).contains(try map.slot(of: RegionKey(region: nil, id: id))))
        }
        #expect(seen.count == 64)
    }

    @Test
    func `a directory without others refuses an unknown name`() async throws {
        let map = ShardMap.first(.directory(["a": 3], others: 0), shards: 1)
        #expect(await code { _ = try map.slot(of: RegionKey(region: "b", id: 1)) } == .notInMap)
    }

    @Test
    func `a range's key has the slot that counting bounds gives`() throws {
        var random = SeededRandom(seed: 43)
        for _ in 0..<50 {
            let isText = Bool.random(using: &random)
            func value() -> ShardValue {
                isText ? .text(text(of: &random)) : .integer(Int64.random(in: -50...50, using: &random))
            }
            let bounds = Set((0..<Int.random(in: 0...20, using: &random)).map { _ in value() }).sorted()
            let map = ShardMap.first(.range(bounds: bounds), shards: 1)
            for _ in 0..<100 {
                let key = value()
                #expect(try map.place(key, name: nil).slot == bounds.count { $0 <= key })
            }
        }
    }

    @Test
    func `the map on disk is the map that was made`() throws {
        let folder = try TestFolder()
        for (index, sharding) in [
            Sharding.hash(slots: 100), .range(bounds: [.integer(3), .text("m")]),
            .directory(["x": 5, "y": 1], others: 3),
        ].enumerated() {
            let path = folder.path + "/\(index)"
            try Files.makeFolder(path)
            let made = try ShardMap.open(folder: path, store: "s", sharding: sharding, shards: 3)
            let read = try ShardMap.open(folder: path, store: "s", sharding: sharding, shards: 3)
            #expect(read.table.assignment == made.table.assignment)
            #expect(read.version == 1)
            #expect(read.identity == made.identity)
        }
    }

    @Test
    func `another declaration is refused and nothing is changed`() async throws {
        let folder = try TestFolder()
        func open(_ name: String, _ sharding: Sharding, _ shards: Int) throws {
            _ = try ShardMap.open(folder: folder.path, store: name, sharding: sharding, shards: shards)
        }
        try open("s", .directory(["x": 5, "y": 1], others: 3), 3)
        let before = try Files.read(folder.path + "/map.json")
        #expect(await code { try open("s", .directory(["x": 5, "y": 1], others: 3), 2) } == .mapMismatch)
        #expect(await code { try open("s", .directory(["x": 1, "y": 5], others: 3), 3) } == .mapMismatch)
        #expect(await code { try open("s", .hash(slots: 9), 3) } == .mapMismatch)
        #expect(await code { try open("t", .directory(["x": 5, "y": 1], others: 3), 3) } == .wrongShard)
        #expect(try Files.read(folder.path + "/map.json") == before)
    }

    @Test(arguments: [
        "", "{", "[]", "{\"format\":1}",
        """
        {"format":1,"store":"s","identity":"i","version":1,"shards":1,
         "sharding":{"kind":"hash","slots":4,"bounds":[],"names":[],"others":0},
         "assignment":[{"slots":3,"shard":0}]}
        """,
        """
        {"format":1,"store":"s","identity":"i","version":1,"shards":1,
         "sharding":{"kind":"hash","slots":4,"bounds":[],"names":[],"others":0},
         "assignment":[{"slots":4,"shard":7}]}
        """,
    ])
    func `a map that is none is called damaged`(content: String) async throws {
        let folder = try TestFolder()
        try Files.writeAtomically(content, to: folder.path + "/map.json")
        let found = await code {
            _ = try ShardMap.open(folder: folder.path, store: "s", sharding: .hash(slots: 4), shards: 1)
        }
        #expect(found == .corrupt)
    }

    @Test
    func `a declaration that makes no sense is refused by name`() async throws {
        for (sharding, shards, field) in [
            (Sharding.hash(slots: 0), 1, "slots"), (.hash(slots: 4), 5, "shards"), (.hash(slots: 4), 0, "shards"),
            (.range(bounds: [.integer(2), .integer(1)]), 1, "bounds"),
            (.directory(["a": 0], others: 1), 1, "directory"),
            (.directory(["a": 1, "a": 1], others: 1), 1, "directory"),
        ] {
            do {
                _ = try sharding.checked(shards: shards)
                Issue.record("\(field) was accepted")
            } catch {
                #expect(error.field == field)
            }
        }
    }
}
