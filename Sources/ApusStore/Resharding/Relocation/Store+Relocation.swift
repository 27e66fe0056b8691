public import ApusCore

/// Moving a store from its files to a database server while it serves.
///
/// ```swift
/// try await store.reshard(onto: Secret("postgres://shop:…@10.0.0.7/shop"))  // calls and questions go on, in all processes
/// try await store.finishResharding()                                       // or store.reshardBack()
/// ```
/// Nobody is told or restarted: whoever has the folder open finds the server in it, and so does whoever opens the folder later.
extension Store {
    private func folderMoves() throws -> FolderMoves {
        guard case .still(let moves) = try current().questions else {
            throw StoreError(
                .statementInvalid,
                "the store \"\(name)\" is on a server already; a backup moves it to another"
            )
        }
        return moves
    }

    /// The plan that brings all slots to so many shards of a database server, which is not asked.
    ///
    /// - Parameters:
    ///   - url: The server, as `STORE_URL` names it.
    ///   - shards: How many shards the store is to have there; as many as have slots now for `nil`.
    /// - Returns: What would move: the server's shards come behind those that there are.
    /// - Throws: `ConfigurationError` for a URL that names none; ``StoreError``: `closed`, `valueInvalid`, `statementInvalid` for a
    ///   store that is on a server.
    public func reshardPlan(onto url: Secret<String>, shards: Int? = nil) throws -> MovePlan {
        let moves = try folderMoves()
        let used = Set(moves.map.table.assignment).count
        return try moves.plan(Relocation(url: url, first: moves.map.table.shards, shards: shards ?? used))
    }

    /// Moves all rows from the store's files to a database server while the store serves, or goes on with that.
    ///
    /// The server's URL is kept in the store's folder, readable by its owner alone, until the rows are back or the folder is gone.
    ///
    /// - Parameters:
    ///   - url: The server, as `STORE_URL` names it; such a store is not there yet.
    ///   - shards: How many shards the store is to have there; as many as have slots now for `nil`.
    ///   - progress: Told of each step.
    /// - Returns: What was done.
    /// - Throws: As ``reshard(_:progress:)``; `ConfigurationError` for a URL that names no server; ``StoreError``: `wrongShard`,
    ///   `mapMismatch` or `statementInvalid` where the server has such a store.
    @discardableResult
    public func reshard(
        onto url: Secret<String>,
        shards: Int? = nil,
        progress: @escaping @Sendable (MoveProgress) -> Void = { _ in }
    ) async throws -> MoveReport {
        let moves = try folderMoves()
        return try await current().resharder.run(progress: progress) {
            try await moves.relocate(to: url, shards: shards)
        }
    }
}
