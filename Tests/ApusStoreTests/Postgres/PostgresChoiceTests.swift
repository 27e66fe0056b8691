#if PostgreSQL
import Testing

@testable import ApusStore

/// Which server is the primary, by what all of them say.
@Suite struct PostgresChoiceTests {
    private func follows(_ position: Int64? = 100, heard: Int64 = 0) -> PostgresStanding {
        PostgresStanding(isFollowing: true, position: position, heard: heard)
    }

    private func writes(
        _ timeline: Int64,
        system: Int64 = 1,
        startedAt: Int64 = 0,
        hasShard: Bool = true
    ) -> PostgresStanding {
        PostgresStanding(
            system: system,
            startedAt: startedAt == 0 ? timeline * 1000 + system : startedAt,
            isFollowing: false,
            timeline: timeline,
            hasShard: hasShard,
            position: 100
        )
    }

    @Test func `the one that takes writes is the primary, wherever the URL names it`() {
        #expect(PostgresChoice.of([writes(1), follows()], system: nil) == .primary(0, timeline: 1))
        #expect(PostgresChoice.of([follows(), writes(2)], system: nil) == .primary(1, timeline: 2))
        #expect(PostgresChoice.of([nil, follows(), writes(2)], system: nil) == .primary(2, timeline: 2))
    }

    @Test func `of several the one that was promoted last is`() {
        #expect(PostgresChoice.of([writes(1), writes(2)], system: nil) == .primary(1, timeline: 2))
        #expect(PostgresChoice.of([writes(4), writes(3), follows()], system: 1) == .primary(0, timeline: 4))
    }

    @Test func `one that was succeeded is none, although its successor does not answer`() {
        #expect(PostgresChoice.of([writes(1), nil], system: 1, known: 2) == .nobody(old: [0]))
        // A replica has heard of the promotion, and this program has not.
        #expect(PostgresChoice.of([writes(1), nil, follows(heard: 2)], system: 1) == .nobody(old: [0]))
        #expect(PostgresChoice.of([writes(2), nil, follows(heard: 2)], system: 1) == .primary(0, timeline: 2))
    }

    @Test func `nobody is, where all that answer follow`() {
        #expect(PostgresChoice.of([nil, follows()], system: nil) == .nobody(old: []))
        #expect(PostgresChoice.of([nil, nil], system: nil) == .nobody(old: []))
    }

    @Test func `two on one timeline are told apart from one with two names`() {
        #expect(PostgresChoice.of([writes(1, startedAt: 7), writes(1, startedAt: 8)], system: 1) == .several([0, 1]))
        #expect(
            PostgresChoice.of([writes(1, startedAt: 7), writes(1, startedAt: 7)], system: 1) == .primary(0, timeline: 1)
        )
    }

    @Test func `a server of another cluster, or without the shards, is never taken for a replica`() {
        #expect(PostgresChoice.of([writes(1), writes(9, system: 2)], system: nil) == .primary(0, timeline: 1))
        #expect(PostgresChoice.of([nil, writes(9, system: 2)], system: 1) == .nobody(old: []))
        #expect(PostgresChoice.of([nil, writes(9, hasShard: false)], system: nil) == .nobody(old: []))
        // The URL's own is new, and has none yet.
        #expect(PostgresChoice.of([writes(1, hasShard: false), nil], system: nil) == .primary(0, timeline: 1))
    }
}
#endif
