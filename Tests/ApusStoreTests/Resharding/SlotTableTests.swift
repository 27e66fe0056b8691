import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

@Suite struct SlotTableTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private var path: String { folder.path + "/slots.map" }

    @Test
    func `what one process moves another one sees`() throws {
        let first = try SlotTable(path: path, assignment: [0, 0, 1, 1, 1], shards: 2)
        let second = try SlotTable(path: path, assignment: [9, 9, 9, 9, 9], shards: 2)
        #expect(second.assignment == [0, 0, 1, 1, 1])
        let before = second.changes
        try first.grow(to: 3)
        try first.begin(3, to: 2)
        #expect(second.shards == 3)
        #expect(second.moving.map { [$0.slot, $0.to] } == [3, 2])
        #expect(second.shard(of: KeyPlace(slot: 3, hash: 0)) == 1)
        try first.advance(to: 100)
        #expect(second.shard(of: KeyPlace(slot: 3, hash: 99)) == 2)
        #expect(second.shard(of: KeyPlace(slot: 3, hash: 100)) == 1)
        #expect(second.shard(of: KeyPlace(slot: 2, hash: 1)) == 1)
        try first.finish()
        #expect(second.moving == nil)
        #expect(second.assignment == [0, 0, 1, 2, 1])
        #expect(second.changes > before)
    }

    @Test
    func `a slot's neighbours keep their shard`() throws {
        let table = SlotTable((0..<16).map { UInt16($0 * 4095) }, shards: 65_000)
        for slot in [0, 3, 4, 7, 15] {
            try table.begin(slot, to: 77)
            try table.finish()
        }
        for slot in 0..<16 {
            #expect(table.shard(ofSlot: slot) == ([0, 3, 4, 7, 15].contains(slot) ? 77 : slot * 4095))
        }
    }

    @Test
    func `a step that is open stays open for the next process`() throws {
        let first = try SlotTable(path: path, assignment: [0], shards: 1)
        let number = try first.beginStep()
        #expect(try SlotTable(path: path, assignment: [0], shards: 1).openStep == number)
        try first.endStep()
        #expect(try first.beginStep() != number)
    }

    @Test
    func `a file that is no table is refused by name`() throws {
        _ = try SlotTable(path: path, assignment: [0, 1, 0], shards: 2)
        let sound = try Files.read(path)
        func refuse(_ bytes: [UInt8], _ code: StoreError.Code, shards: Int = 2) throws {
            try Files.writeAtomically(bytes, to: path)
            let error = #expect(throws: StoreError.self) {
                _ = try SlotTable(path: path, assignment: [0, 1, 0], shards: shards)
            }
            #expect(error?.code == code)
            #expect(error?.detail.contains(path) == true)
        }
        try refuse([], .corrupt)
        try refuse(Array(sound.dropLast()), .corrupt)
        var other = sound
        other[0] ^= 1
        try refuse(other, .corrupt)
        other = sound
        other[8] = 2
        try refuse(other, .newerSchema)
        other = sound
        other[12] = 4
        try refuse(other, .corrupt)
        other = sound
        other[4096] = 7
        try refuse(other, .corrupt)
    }

    @Test
    func `any bytes are refused or read within bounds`() throws {
        _ = try SlotTable(path: path, assignment: [0, 1, 0], shards: 2)
        let sound = try Files.read(path)
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<200 {
            var bytes = sound
            for _ in 0..<3 { bytes[Int.random(in: 0..<64, using: &random)] = .random(in: 0...255, using: &random) }
            try Files.writeAtomically(bytes, to: path)
            guard let table = try? SlotTable(path: path, assignment: [0, 1, 0], shards: 2) else { continue }
            for slot in 0..<3 { #expect((0..<table.shards).contains(table.shard(of: KeyPlace(slot: slot, hash: 5)))) }
        }
    }
}
