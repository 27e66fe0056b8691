import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

/// What a process knows of slots on servers, and two shards' counts of steps.
@Suite struct ServerSlotsTests {
    private func state(
        _ version: Int64,
        leaving: ShardState.Leaving? = nil,
        departures: Int64 = 0,
        isOpen: Bool = true
    ) -> ShardState {
        ShardState(version: version, isOpen: isOpen, leaving: leaving, departures: departures)
    }

    private func slots() -> ServerSlots { ServerSlots(SlotTable([0, 0, 1, 1], shards: 2), plan: 0) }

    @Test
    func `keys below the cursor have gone, and news that come late change nothing`() throws {
        let slots = slots()
        let (low, high) = (KeyPlace(slot: 1, hash: 10), KeyPlace(slot: 1, hash: 1 << 63))
        #expect(slots.holds(low, on: 0))
        try slots.learn(state(1, leaving: .init(slot: 1, to: 2, reached: 11)), [], of: 0)
        #expect(slots.table.shards == 3)
        #expect(!slots.holds(low, on: 0))
        #expect(slots.holds(high, on: 0))
        #expect(slots.table.shard(of: low) == 2)
        try slots.learn(state(3, departures: 1), [Departure(slot: 1, to: 2, plan: 1)], of: 0)
        #expect(!slots.holds(high, on: 0))
        #expect(slots.table.shard(of: high) == 2)
        try slots.learn(state(2, leaving: .init(slot: 1, to: 2, reached: 5)), [], of: 0)
        #expect(slots.table.shard(of: high) == 2)
        #expect(slots.departures(from: 0) == 1)
    }

    @Test
    func `a slot that came back is where the later plan put it, whoever is heard last`() throws {
        let slots = slots()
        try slots.learn(state(9, departures: 1), [Departure(slot: 0, to: 0, plan: 2)], of: 1)
        try slots.learn(state(10, departures: 1), [Departure(slot: 0, to: 1, plan: 1)], of: 0)
        #expect(slots.table.shard(ofSlot: 0) == 0)
        #expect(slots.holds(KeyPlace(slot: 0, hash: 1), on: 0))
        #expect(slots.lastPlan == 2)
    }

    @Test
    func `of two slots that are said to move the later word counts, and the other one's shard still says no`() throws {
        let slots = slots()
        try slots.learn(state(1, leaving: .init(slot: 0, to: 1, reached: 100)), [], of: 0)
        try slots.learn(state(2, leaving: .init(slot: 3, to: 0, reached: 100)), [], of: 1)
        // Routed to where it was, and sent on from there.
        #expect(slots.table.shard(of: KeyPlace(slot: 0, hash: 1)) == 0)
        #expect(!slots.holds(KeyPlace(slot: 0, hash: 1), on: 0))
        #expect(slots.home(of: KeyPlace(slot: 0, hash: 1), not: 0) == 1)
        #expect(slots.table.shard(of: KeyPlace(slot: 3, hash: 1)) == 0)
        #expect(slots.holds(KeyPlace(slot: 3, hash: 1), on: 0))
    }

    @Test
    func `a shard or slot that cannot be is refused`() {
        let slots = slots()
        for departure in [Departure(slot: 4, to: 0, plan: 1), Departure(slot: 0, to: 1024, plan: 1)] {
            #expect(throws: StoreError.self) { try slots.learn(state(1, departures: 1), [departure], of: 0) }
        }
        #expect(throws: StoreError.self) {
            try slots.learn(state(1, leaving: .init(slot: 9, to: 0, reached: 0)), [], of: 0)
        }
        #expect(slots.table.shards == 2)
    }

    @Test
    func `hashes keep their order as a database's numbers`() {
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<1000 {
            let (left, right) = (random.next(), random.next())
            #expect((ShardState.number(left) < ShardState.number(right)) == (left < right))
            #expect(ShardState.hash(ShardState.number(left)) == left)
        }
    }

    @Test
    func `looks between different steps are found out`() {
        var (source, target) = (ShardCut(), ShardCut())
        #expect(ShardCut.gap([0: source, 1: target]) == nil)
        target.arrivals[0] = 3
        #expect(ShardCut.gap([0: source, 1: target]).map { [$0.from, $0.to] } == [0, 1])
        source.departures[1] = 3
        #expect(ShardCut.gap([0: source, 1: target]) == nil)
        source.departures[1] = 4
        #expect(ShardCut.gap([0: source, 1: target]).map { [$0.from, $0.to] } == [0, 1])
        // A shard that did not answer says nothing.
        #expect(ShardCut.gap([0: source]) == nil)
        #expect(source.shardMax == 1)
    }

    @Test
    func `a lease ends by itself, by a refusal, where a shard is open, and with a lost connection`() throws {
        let lease = ServerLease(clock: SystemClock())
        #expect(lease.token(at: 0) == nil)
        lease.heard(state(1, isOpen: false), askedAt: 1000)
        let token = try #require(lease.token(at: 1000))
        #expect(lease.stands(token, at: 1000))
        #expect(!lease.stands(token, at: 1000 + ServerLease.length.nanoseconds))
        lease.refused(at: 2000)
        #expect(!lease.isValid(at: 2000))
        #expect(lease.isOpen(at: 2000))
        lease.heard(state(1, isOpen: false), askedAt: 3000)
        #expect(lease.token(at: 3000) == token)
        #expect(!lease.isOpen(at: 3000))
        // Shut again, but not all the time.
        lease.heard(state(7, isOpen: false), askedAt: 3500)
        #expect(lease.isValid(at: 3500) && !lease.stands(token, at: 3500))
        lease.heard(state(8, isOpen: true), askedAt: 4000)
        #expect(lease.isOpen(at: 4000) && lease.token(at: 4000) == nil)
        lease.heard(state(9, isOpen: false), askedAt: 5000)
        lease.forget()
        #expect(!lease.isValid(at: 5000))
        #expect(ServerLease.patience > ServerLease.length)
    }

    @Test
    func `a lease that is half over is renewed by one of those who use it`() {
        let lease = ServerLease(clock: SystemClock())
        #expect(!lease.isToBeRenewed(at: 0))
        lease.heard(state(1, isOpen: false), askedAt: 1000)
        #expect(!lease.isToBeRenewed(at: 1000))
        let later = 1000 + ServerLease.length.nanoseconds * 3 / 4
        #expect(lease.isToBeRenewed(at: later))
        #expect(!lease.isToBeRenewed(at: later))
        lease.heard(state(1, isOpen: false), askedAt: later)
        #expect(!lease.isToBeRenewed(at: later))
    }
}
