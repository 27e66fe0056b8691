/// How a shard's follower stands.
public struct FollowerStatus: Sendable, Hashable, Codable {
    /// The shard's number.
    public var shard: Int
    /// The follower's file.
    public var path: String
    /// Whether a commit waits for it.
    public var isAwaited: Bool
    /// Whether it can be read and promoted; one that is lost is made anew by itself.
    public var isSound: Bool
    /// The position that it has reached.
    public var position: Int
    /// Commits that the shard has acknowledged and the follower does not have.
    public var lag: Int
}

extension Store {
    /// The followers of the shards that are open, by number; empty where none was asked for.
    public var followers: [FollowerStatus] { (try? current())?.engines.compactMap(\.follower) ?? [] }
}
