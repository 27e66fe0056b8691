#if PostgreSQL
import ApusCore

/// Which timelines the shard was written on: rows that replicas get with everything else.
///
/// One that has the latest follows the primary of that timeline, and not one that was succeeded: positions in the log of the two are
/// numbers of different things.
extension PostgresShard {
    func makeNotes(_ session: PostgresSession) throws {
        guard let seat = session.link.seat else { return }
        try session.run("CREATE TABLE IF NOT EXISTS apus_primary (timeline BIGINT PRIMARY KEY)")
        _ = try session.execute(Self.noting(seat.timeline))
        replicas?.hasNoted(seat.timeline)
    }

    /// Notes the timeline, where the server writes that one.
    static func noting(_ timeline: Int64) -> SQL {
        """
        INSERT INTO apus_primary (timeline) SELECT \(timeline) WHERE \(sql: PostgresStanding.timelineNow) = \(timeline)
        ON CONFLICT DO NOTHING
        """
    }

    func note(_ timeline: Int64) async throws {
        try await receive(deadline: configuration.readDeadline) { _ = try $0.execute(Self.noting(timeline)) }
    }
}
#endif
