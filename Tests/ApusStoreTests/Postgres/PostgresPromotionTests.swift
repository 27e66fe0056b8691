#if PostgreSQL
import Testing

@testable import ApusStore

/// What a promotion does in which order, without a server.
@Suite struct PostgresPromotionTests {
    typealias Server = PostgresPromotion.Server

    private func promotion(_ way: PostgresPromotion.Way = .failover, isForced: Bool = false, servers: Int = 3)
        -> PostgresPromotion
    {
        PostgresPromotion(way, isForced: isForced, names: (0..<servers).map { "s\($0)" })
    }

    private func follows(_ position: Int64?, source: Int? = nil) -> Server {
        Server(standing: PostgresStanding(isFollowing: true, position: position), source: source)
    }

    private func writes(_ timeline: Int64, at position: Int64 = 100, isFenced: Bool = false) -> Server {
        Server(
            standing: PostgresStanding(isFollowing: false, timeline: timeline, isFenced: isFenced, position: position)
        )
    }

    @Test func `the others follow whoever has received most, and only then it is promoted`() throws {
        var promotion = promotion()
        #expect(try promotion.heard([nil, follows(90), follows(100)]) == .follow([1], leader: 2))
        #expect(try promotion.heard([nil, follows(90), follows(100)]) == .follow([1], leader: 2))
        #expect(try promotion.heard([nil, follows(100, source: 2), follows(100)]) == .promote(2))
        #expect(try promotion.heard([nil, follows(100, source: 2), writes(2)]) == .done(2, timeline: 2))
    }

    @Test func `one that turns out to be ahead goes before the one that was chosen first`() throws {
        var promotion = promotion()
        #expect(try promotion.heard([nil, follows(100), follows(100)]) == .follow([2], leader: 1))
        // Before it heard of that, it received more from the old primary.
        #expect(try promotion.heard([nil, follows(100), follows(120, source: 1)]) == .follow([1], leader: 2))
        #expect(try promotion.heard([nil, follows(120, source: 2), follows(120, source: 1)]) == .promote(2))
    }

    @Test func `one that still reads what it had is waited for`() throws {
        var promotion = promotion()
        #expect(try promotion.heard([nil, follows(100), follows(nil)]) == .wait)
        #expect(try promotion.heard([nil, follows(100), follows(140)]) == .follow([1], leader: 2))
    }

    @Test func `a primary that answers is left alone, unless it is to hand over`() throws {
        var promotion = promotion()
        let refusal = #expect(throws: PostgresPromotion.Refusal.self) {
            _ = try promotion.heard([writes(1), follows(100), follows(100)])
        }
        #expect(refusal?.line.contains("--planned") == true)
        var planned = self.promotion(.planned)
        #expect(throws: PostgresPromotion.Refusal.self) { try planned.heard([nil, follows(100), follows(100)]) }
    }

    @Test func `a hand-over fences first, and waits until a replica has everything`() throws {
        var promotion = promotion(.planned)
        #expect(try promotion.heard([writes(1, at: 100), follows(90), follows(80)]) == .fence(0))
        let fenced = writes(1, at: 120, isFenced: true)
        #expect(try promotion.heard([fenced, follows(110), follows(110)]) == .follow([2], leader: 1))
        #expect(try promotion.heard([fenced, follows(110), follows(110, source: 1)]) == .wait)
        #expect(try promotion.heard([fenced, follows(120), follows(110, source: 1)]) == .promote(1))
        #expect(try promotion.heard([fenced, writes(2), follows(120, source: 1)]) == .done(1, timeline: 2))
    }

    @Test func `a promotion of somebody who died comes to its end, and is not done again`() throws {
        var promotion = promotion(.planned)
        #expect(try promotion.heard([writes(1), follows(100, source: 2), follows(100)]) == .fence(0))
        // It had been told to become the primary before that.
        #expect(
            try promotion.heard([writes(1, isFenced: true), follows(100, source: 2), writes(2)])
                == .done(2, timeline: 2)
        )
        var failover = self.promotion()
        #expect(try failover.heard([nil, follows(100, source: 2), follows(100)]) == .promote(2))
        var second = self.promotion()
        #expect(try second.heard([nil, follows(nil), follows(100)]) == .wait)
        #expect(try second.heard([nil, follows(100), writes(2)]) == .done(2, timeline: 2))
    }

    @Test func `a hand-over that was cut short is begun again from its fence`() throws {
        var promotion = promotion(.planned)
        #expect(try promotion.heard([writes(1, isFenced: true), follows(100, source: 2), follows(100)]) == .fence(0))
    }

    @Test(arguments: [false, true])
    func `a replica that does not answer may have what the others lack`(isForced: Bool) throws {
        var promotion = promotion(isForced: isForced)
        if isForced {
            #expect(try promotion.heard([nil, follows(100), nil]) == .promote(1))
        } else {
            let refusal = #expect(throws: PostgresPromotion.Refusal.self) {
                try promotion.heard([nil, follows(1), nil])
            }
            #expect(refusal?.line.contains("s0, s2 do not answer") == true)
        }
    }

    @Test func `nobody is promoted who is no replica, has no shard or may not be`() {
        var nobody = promotion()
        #expect(throws: PostgresPromotion.Refusal.self) { try nobody.heard([nil, nil, nil]) }
        var empty = promotion(servers: 2)
        var server = follows(100)
        server.standing.hasShard = false
        #expect(throws: PostgresPromotion.Refusal.self) { try empty.heard([nil, server]) }
        var refused = promotion(servers: 2)
        var plain = follows(100)
        plain.mayPromote = false
        let refusal = #expect(throws: PostgresPromotion.Refusal.self) { try refused.heard([nil, plain]) }
        #expect(refusal?.line.contains("superuser") == true)
    }

    @Test func `a server that was succeeded is not promoted around`() {
        var promotion = promotion()
        var heard = follows(100)
        heard.standing.heard = 2
        let refusal = #expect(throws: PostgresPromotion.Refusal.self) { try promotion.heard([writes(1), nil, heard]) }
        #expect(refusal?.line.contains("was succeeded") == true)
    }

    @Test(
        arguments: [
            ("host=10.0.0.1 port=5432 user=apus", "user='apus' host='h' port='6000'"),
            (
                "user=apus password='it''s' hostaddr=1.2.3.4 host=a,b port=1,2 sslmode=prefer",
                nil
            ),
            (
                "user=apus password='a\\'b\\\\c' hostaddr=1.2.3.4",
                "user='apus' password='a\\'b\\\\c' host='h' port='6000'"
            ),
            ("", "host='h' port='6000'"), ("nonsense", nil),
        ] as [(String, String?)]
    )
    func `a replica's connection keeps everything but the server`(text: String, expected: String?) {
        #expect(PostgresConninfo.text(text, to: "h", port: 6000) == expected)
    }
}
#endif
