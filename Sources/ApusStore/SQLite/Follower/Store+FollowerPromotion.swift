public import ApusCore

/// What the promotion of a follower has done.
public struct FollowerPromotionReport: Codable, Sendable, Hashable {
    /// The shard's number.
    public var shard: Int
    /// The shard's file.
    public var file: String
    /// How often followers of this shard were promoted: no file of an earlier epoch is opened as the shard.
    public var epoch: Int
    /// The position that the shard is at.
    public var position: Int
    /// Commits that were acknowledged and are not there: only where it was forced.
    public var commitsLost = 0
    /// Where the old file is; `nil` where there was none.
    public var aside: String?
    /// How long it took, in nanoseconds.
    public var nanoseconds: Int64 = 0
}

extension Store {
    /// Makes a shard's follower the shard; the store is open nowhere.
    ///
    /// A process that has it open nevertheless is refused every further write. A follower that lags behind a file that can be
    /// read is brought to where that is first. What was cut off goes on with the next call.
    ///
    /// - Parameters:
    ///   - shard: The shard.
    ///   - site: Where the store is; its URL names the follower's folder. Also the shard's own folder may be lost: the map is
    ///     beside the follower.
    ///   - isForced: Take the follower although it lacks commits that were acknowledged.
    ///   - progress: Told of each step, as a line for people.
    /// - Returns: What was done.
    /// - Throws: `ConfigurationError`; ``StoreError``: `statementInvalid` where there is no follower, and where commits would be
    ///   lost; `corrupt` for a damaged follower; `wrongShard`; `valueInvalid`; `busy` while somebody writes; what the disk said.
    @discardableResult
    public func promoteFollower(
        shard: Int,
        at site: BlockSite,
        isForced: Bool = false,
        _ progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> FollowerPromotionReport {
        guard (try? current()) == nil else {
            throw StoreError(.statementInvalid, "the store \"\(name)\" is open; close it before a promotion")
        }
        let location = try SQLiteLocation(url: site.url, dataFolder: site.dataFolder)
        guard let place = location.following.place else {
            throw StoreError(.statementInvalid, "name the follower's folder in STORE_URL: sqlite:?follower=/folder")
        }
        return try await StoreThread.run { [self] in
            let promotion = FollowerPromotion(
                store: self,
                folder: location.folder,
                place: place,
                index: shard,
                isForced: isForced,
                clock: site.clock,
                progress: progress
            )
            return try promotion.run()
        }
    }
}
