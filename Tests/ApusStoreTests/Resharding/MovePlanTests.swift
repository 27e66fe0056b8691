import ApusCore
import ApusTesting
import Testing

@testable import ApusStore

@Suite struct MovePlanTests {
    private func carriedOut(_ plan: MovePlan, on assignment: [Int]) -> [Int] {
        var assignment = assignment
        for move in plan.moves {
            for slot in move.slots {
                #expect(assignment[slot] == move.from)
                assignment[slot] = move.to
            }
        }
        return assignment
    }

    @Test
    func `spreading evens out and moves no more slots than it must`() {
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<200 {
            let slots = Int.random(in: 1...200, using: &random)
            let before = Int.random(in: 1...min(slots, 12), using: &random)
            let after = Int.random(in: 1...min(slots, 12), using: &random)
            let assignment = (0..<slots).map { _ in Int.random(in: 0..<before, using: &random) }
            let plan = MovePlan.spread(assignment, over: after)
            let result = carriedOut(plan, on: assignment)
            let counts = (0..<after).map { shard in result.count { $0 == shard } }
            #expect(counts.reduce(0, +) == slots, "seed \(TestRun.seed)")
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
            // Every shard that stays gives away only what is over its share, and none takes what it gives.
            let given = Set(plan.moves.map(\.from)), taken = Set(plan.moves.map(\.to))
            #expect(given.isDisjoint(with: taken))
            #expect(carriedOut(plan.back, on: result) == assignment)
        }
    }

    @Test
    func `two to four leaves half of each where it is`() {
        let plan = MovePlan.spread([0, 0, 0, 0, 1, 1, 1, 1], over: 4)
        #expect(plan.slots == 4)
        #expect(
            plan.moves == [SlotMove(slot: 2, count: 2, from: 0, to: 2), SlotMove(slot: 6, count: 2, from: 1, to: 3)]
        )
        #expect(plan.shards == 4)
    }

    @Test
    func `slots that are there already stay`() {
        let plan = MovePlan.gather(1..<4, of: [0, 0, 1, 0], to: 1, shards: 2)
        #expect(
            plan.moves == [SlotMove(slot: 1, count: 1, from: 0, to: 1), SlotMove(slot: 3, count: 1, from: 0, to: 1)]
        )
        #expect(MovePlan.gather(0..<1, of: [0], to: 1, shards: 1).shards == 2)
    }
}
