public import ApusCore
import ApusRuntime

/// What a promotion has done.
public struct PromotionReport: Codable, Sendable, Equatable {
    /// The shard that was asked for; all that lie on the same servers went with it.
    public var shard: Int
    /// The server that is the primary now, as `host:port`.
    public var server: String
    /// The timeline that it writes: each promotion begins another one, with a larger number.
    public var timeline: Int64
    /// Servers that follow it.
    public var following: [String]
    /// Servers that neither answered nor follow it: the old primary among them.
    public var left: [String]
    /// Whether it takes writes and, where it waits for replicas to confirm them, one has.
    public var isConfirmed: Bool
    /// How long it took, in nanoseconds.
    public var nanoseconds: Int64
}

extension Store {
    /// Makes a replica the primary of a shard, and of all that lie on the same servers; the store need not be open.
    ///
    /// The replica that has received most is taken, after all of them have stopped following the old primary. Open stores, in this
    /// process and in others, go to the new primary by themselves.
    ///
    /// - Parameters:
    ///   - shard: Which shard's servers.
    ///   - site: Where the store is; its URL names the replicas.
    ///   - isPlanned: The primary answers, and hands over: it is fenced off first, and nothing is lost, confirmed by replicas or not.
    ///   - isForced: Go by the replicas that answer, also where one that does not may have commits that they do not have.
    ///   - progress: Told of each step, as a line for people.
    /// - Returns: What was done.
    /// - Throws: `ConfigurationError` for a URL that cannot be used; ``StoreError`` with code `statementInvalid` where the servers are not
    ///   such that one can be promoted, and the line says what to do; `busy` while somebody else promotes; `deadlineExceeded` where a
    ///   replica did not become the primary within a minute.
    @discardableResult
    public func promote(
        shard: Int,
        at site: BlockSite,
        isPlanned: Bool = false,
        isForced: Bool = false,
        _ progress: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> PromotionReport {
        let scheme = site.url?.prefix { $0 != ":" }
        #if PostgreSQL
        if scheme == "postgres" || scheme == "postgresql" {
            let promoter = try PostgresPromoter(
                self,
                shard: shard,
                at: try PostgresLocation(url: site.url ?? ""),
                site.clock
            )
            let isCancelled = Lock(false)
            return try await withTaskCancellationHandler {
                try await StoreThread.run {
                    try promoter.run(isPlanned ? .planned : .failover, isForced: isForced, progress) {
                        isCancelled.withLock { $0 }
                    }
                }
            } onCancel: {
                isCancelled.withLock { $0 = true }
            }
        }
        #endif
        throw StoreError(
            .statementInvalid,
            "store promote is for replicas of PostgreSQL; this store is on \(scheme.map { "\($0):…" } ?? "files"), whose followers promoteFollower promotes"
        )
    }
}
