import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// A process that claims and gives back is killed at any moment: no entry has two owners, and none is lost for good.
@Suite(.ownThread, .serialized, .timeLimit(.minutes(10)))
struct UniqueIndexKillTests {
    let place: TestPlace

    init() throws { place = try TestPlace(.sqlite) }

    @Test
    func `kill -9 between two shards leaves nothing that the next repair does not settle`() async throws {
        var random = SeededRandom(seed: TestRun.seed)
        var settled = 0
        // Until one has left something, which most rounds do not.
        for round in 0..<TestRun.rounds * 10 where round < TestRun.rounds || settled == 0 {
            let (data, name) = (place.folder.path, place.name)
            let (deadly, seed) = (Int.random(in: 20...900, using: &random), random.next())
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [data = data as String, name = name as String, deadly = deadly as Int, seed = seed as UInt64] in
                let shop = MailShop(name)
                // It is looked at around each statement, by each thread.
                try await shop.store.open(BlockSite(dataFolder: data, clock: DeadlyClock(at: deadly)))
                var random = SeededRandom(seed: seed)
                while true {
                    let id = Int.random(in: 0..<8, using: &random)
                    let (first, second) = ("\(id % 5)@example.org", "\((id + 1) % 5)@example.org")
                    do {
                        switch Int.random(in: 0..<3, using: &random) {
                        case 0: try await shop.join(id, first)
                        case 1: try await shop.move(id, from: first, to: second)
                        default: try await shop.leave(id, first)
                        }
                    } catch let error as StoreError {
                        // What is taken, not there, or left by a dead one: anything else is a mistake.
                        guard [.uniqueViolation, .rowMissing, .busy].contains(error.code) else {
                            fatalError("\(error)")
                        }
                    }
                }
            }
            let shop = MailShop(place.name, patience: .zero)
            try await shop.store.open(place.site())
            // Before anything is settled every look-up is right already.
            #expect(try await shop.differences() == [], "round \(round), seed \(TestRun.seed)")
            settled += try await shop.index.repair(in: shop.store)
            #expect(try await shop.differences() == [], "round \(round), seed \(TestRun.seed)")
            #expect(try await shop.index.repair(in: shop.store) == 0, "round \(round), seed \(TestRun.seed)")
            // What nobody has can be had.
            let customers = try await shop.customers()
            for number in 0..<5 where !customers.values.contains("\(number)@example.org") {
                try await shop.join(1000 + number, "\(number)@example.org")
                try await shop.leave(1000 + number, "\(number)@example.org")
            }
            await shop.store.close()
        }
        #expect(settled > 0, "no round left anything under way; seed \(TestRun.seed)")
    }
}
