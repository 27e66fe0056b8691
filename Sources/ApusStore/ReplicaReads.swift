/// How far a shard's log had come at some moment.
///
/// Whoever has written takes the position afterwards, and sees the write wherever at least that position is reached: on
/// this process's replicas or on another's. It is a short text that fits into a cookie.
public struct ShardPosition: Sendable, Hashable, Comparable, LosslessStringConvertible {
    let number: UInt64

    init(_ number: UInt64) { self.number = number }

    /// Reads a position's text, such as `16/B374D848`; `nil` where it is none.
    public init?(_ text: String) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ $0.first?.isHexDigit == true }),
            let high = UInt32(halves[0], radix: 16), let low = UInt32(halves[1], radix: 16)
        else { return nil }
        number = UInt64(high) << 32 | UInt64(low)
    }

    /// The text, as PostgreSQL writes a log sequence number.
    public var description: String {
        String(number >> 32, radix: 16, uppercase: true) + "/"
            + String(UInt32(truncatingIfNeeded: number), radix: 16, uppercase: true)
    }

    /// Earlier in the log.
    public static func < (left: ShardPosition, right: ShardPosition) -> Bool { left.number < right.number }
}

/// What a read asks of a replica.
@usableFromInline
struct ReplicaDemand: Sendable {
    /// How old what it shows may be; any age where `nil`.
    let staleAtMost: Duration?
    /// What it must have reached.
    let after: ShardPosition?
    /// How long to wait for a replica that has not.
    let wait: Duration
}

extension Shard {
    /// How far the shard's log has come: take it after a write, for reads that must see that write.
    ///
    /// An engine without replicas has one position, which is always reached.
    ///
    /// - Throws: ``StoreError`` as a point read does.
    public func position() async throws -> ShardPosition { try await engine.position() }

    /// The same shard, its reads answered by replicas that are fresh enough, and by the primary where none is.
    ///
    /// ```swift
    /// try await shard.execute("UPDATE orders SET state = 'paid' WHERE id = \(id)")
    /// let seen = try await shard.position()
    /// let state: String? = try await shard.replicas(staleAtMost: nil, after: seen).first("SELECT …")
    /// ```
    /// A replica that does not answer is left out until it does. Writes go to the primary as ever. An engine without
    /// replicas answers by itself.
    ///
    /// - Parameters:
    ///   - bound: How old what is read may be: everything that was committed so long ago is in it. `nil` for any age.
    ///   - position: What must have been reached besides, so that a user sees what they wrote.
    ///   - wait: How long to wait for a replica to reach it before the primary is asked.
    /// - Returns: A handle for such reads.
    public func replicas(
        staleAtMost bound: Duration?,
        after position: ShardPosition? = nil,
        wait: Duration = .milliseconds(20)
    ) -> Shard<Key> {
        let demand = ReplicaDemand(staleAtMost: bound, after: position, wait: wait)
        return Shard(index: index, place: place, engine: engine.replicaReads(demand) ?? engine)
    }
}
