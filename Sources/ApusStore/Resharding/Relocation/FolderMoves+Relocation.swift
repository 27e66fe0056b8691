import ApusCore

/// Moving a folder's rows to a database server: the server's shards come behind the folder's, whose table of slots leads to both.
extension FolderMoves {
    /// Numbers that rows on files may still get while others are numbered by the server.
    private static let numbersKept: Int64 = 1 << 20

    /// Makes the server ready to take all rows, and says what moves where; the caller has claimed the folder.
    ///
    /// - Parameters:
    ///   - url: The server, as `STORE_URL` names it.
    ///   - wanted: How many shards there are to be; as many as have slots now for `nil`.
    /// - Returns: `nil` where that is under way, and goes on.
    /// - Throws: `ConfigurationError`; ``StoreError``: `busy` where another plan is under way or is kept; `wrongShard`,
    ///   `mapMismatch`, `statementInvalid` for a server that has such a store.
    func relocate(to url: Secret<String>, shards wanted: Int?) async throws -> MovePlan? {
        let place = try Relocation.place(of: url)
        if let record = try record() {
            guard let known = try Relocation.read(folder), !known.isSettled, known.place == place, !record.isBack,
                wanted ?? known.shards == known.shards
            else {
                throw StoreError(
                    .busy,
                    "another resharding is under way, or is kept for the way back; finish it, or go back, before the next one"
                )
            }
            // The password may be another one since.
            try known.reached(by: url).write(folder)
            return nil
        }
        let relocation = try await makeReady(url, wanted ?? Set(table.assignment).count)
        try relocation.write(folder)
        try table.relocate(to: relocation)
        return try plan(relocation)
    }

    /// What moves where, for a server that is not asked.
    func plan(_ relocation: Relocation) throws -> MovePlan {
        let (slots, shards) = (table.slots, relocation.shards)
        guard (1...(1024 - relocation.first)).contains(shards), shards <= slots else {
            throw StoreError(
                .valueInvalid,
                "a server takes 1 to \(min(1024 - relocation.first, slots)) shards of this store"
            )
        }
        return MovePlan.bring(
            (0..<slots).map { relocation.first + $0 * shards / slots },
            from: table.assignment,
            shards: relocation.first + shards
        )
    }

    private func makeReady(_ url: Secret<String>, _ shards: Int) async throws -> Relocation {
        let relocation = try Relocation(url: url, first: table.shards, shards: shards)
        _ = try plan(relocation)
        let there = try await StoreThread.run { [relocated] in try relocated.open(relocation) }
        guard there.map.shards == shards else {
            throw StoreError(
                .mapMismatch,
                "\(relocation.place) was made ready for \(there.map.shards) shards before; say so many, or drop its schemas"
            )
        }
        try await TableCheck(shards: there.shards, declared: declared, tables: tables).run()
        for engine in try there.shards.every() { try await empty(engine, relocation.place) }
        try await number(try there.shards.every())
        return relocation
    }

    /// Makes sure that a shard on the server has no rows, but for what is the same everywhere, which comes anew.
    private func empty(_ engine: any ShardEngine, _ place: String) async throws {
        for reference in declared.filter(\.isReference) {
            try await Answer<Void>.write(engine, deadline: ShardMover.patience) {
                try $0.execute("DELETE FROM \(identifier: reference.name)")
            }
        }
        for statements in tables {
            let row = try await Answer<Int?>.read(engine, deadline: ShardMover.patience) {
                try Transaction($0).first(statements.anyRow)
            }
            if row == nil { continue }
            throw StoreError(
                .statementInvalid,
                "\(place): table \(statements.table.name) has rows; name an empty database"
            )
        }
    }

    /// Has the server number further rows above those of the files, and above those that files may still number.
    private func number(_ shards: [any ShardEngine]) async throws {
        for table in declared {
            let columns: [String] = try await Answer.read(shards[0], deadline: ShardMover.patience) {
                guard let sql = $0.dialect.numberedColumns(of: table.name) else { return [] }
                return try Transaction($0).all(sql)
            }
            if columns.isEmpty { continue }
            var most: Int64 = 0
            for file in try self.shards.every() {
                let highest: [Int64] = try await Answer.read(file, deadline: ShardMover.patience) { session in
                    try columns.map {
                        try Transaction(session).one(
                            "SELECT coalesce(max(\(identifier: $0)), 0) FROM \(identifier: table.name)"
                        )
                    }
                }
                most = max(most, highest.max() ?? 0)
            }
            let least = most + Self.numbersKept
            for shard in shards {
                try await shard.receive(deadline: ShardMover.patience) {
                    try $0.session.dialect.goOnNumbering(table.name, above: least, on: $0.session)
                }
            }
        }
    }

    /// Has the server's shards note what comes.
    func prepare(_ relocation: Relocation) async throws {
        for shard in relocation.first..<relocation.first + relocation.shards {
            try await shards.engine(shard).define { [Arrival.make($0)] }
        }
    }

    // MARK: At the end

    /// Takes away what was prepared for a move that never began.
    func forgetUnbegun() throws {
        guard try record() == nil, let relocation = try Relocation.read(folder) else { return }
        if relocation.isSettled {
            throw StoreError(.statementInvalid, "the rows of this folder are on \(relocation.place) for good")
        }
        guard table.shards <= relocation.first else { return }
        try table.leaveServer()
        try Relocation.forget(folder)
    }

    /// Forgets the way back, once all rows are on one side.
    func finish(_ relocation: Relocation) async throws {
        let isBack = table.assignment.allSatisfy { $0 < relocation.first }
        if isBack { try takeBack(relocation) } else { try await settle(relocation) }
    }

    /// The rows are the server's, and every program may open them there; those of this folder are led on.
    ///
    /// Where it is cut off it is done again.
    private func settle(_ relocation: Relocation) async throws {
        let there = try await StoreThread.run { [relocated] in try relocated.open(relocation) }
        for engine in try there.shards.every() {
            try await engine.define { _ in ["DROP TABLE IF EXISTS apus_arrivals"] }
        }
        // First, as there is no way back once others may write there.
        var settled = relocation
        settled.isSettled = true
        try settled.write(folder)
        guard case .cuts(let moves) = there.questions else { return }
        try await moves.keepMap()
        try table.settle()
    }

    /// All rows are in files again: the folder has no shards on a server any more.
    ///
    /// Where it is cut off it is done again; whoever opens the folder before finds the shards on the server, without slots.
    private func takeBack(_ relocation: Relocation) throws {
        try table.shrink(to: relocation.first)
        try map.startMoves(
            shards: relocation.first,
            folder: folder,
            store: store,
            isRelocated: false,
            deadline: configuration.openDeadline
        )
        try table.leaveServer()
        try Relocation.forget(folder)
    }
}
