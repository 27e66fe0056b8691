/// A resharding that is under way, or is kept for the way back.
public struct MoveStatus: Sendable, Hashable, Codable {
    /// What moves.
    public var plan: MovePlan
    /// Slots that are where they are to be.
    public var slots: Int
    /// True once all of it has moved.
    public var isDone: Bool
    /// True on the way back.
    public var isBack: Bool
    /// When it began, in seconds since 1970.
    public var begunAt: Int64
    /// The database server that the rows of a folder go to, for people; `nil` where they stay on their engine.
    public var server: String?
}

/// Moving rows to other shards while the store serves.
///
/// ```swift
/// let plan = try store.reshardPlan(shards: 4)
/// let cost = try await store.reshardEstimate(plan)
/// let report = try await store.reshard(plan)      // calls and questions go on meanwhile, in all processes
/// try await store.finishResharding()              // or store.reshardBack()
/// ```
/// A key's rows move in one short step, during which writers of its shard wait; whatever is killed on the way, the next
/// ``reshard(_:progress:)`` goes on. The store declares what its tables' rows belong to: ``StoreTable``.
extension Store {
    private func resharder() throws -> Resharder {
        let store = try current()
        if let refusal = store.leftToDatabase?.resharding { throw refusal }
        return store.resharder
    }

    /// The plan that spreads the slots evenly over so many shards, and moves no more of them than it must.
    ///
    /// - Parameter shards: 1 to 1,024, and no more than slots.
    /// - Returns: What would move; nothing where it lies so already.
    /// - Throws: ``StoreError``: `closed`, `valueInvalid`.
    public func reshardPlan(shards: Int) throws -> MovePlan {
        _ = try resharder()
        let table = try current().map.table
        guard (1...1024).contains(shards), shards <= table.slots else {
            throw StoreError(.valueInvalid, "a store of \(table.slots) slots has 1 to \(min(1024, table.slots)) shards")
        }
        return MovePlan.spread(table.assignment, over: shards)
    }

    /// The plan that brings some slots to one shard, which may be the next new one.
    ///
    /// - Throws: ``StoreError``: `closed`, `valueInvalid`.
    public func reshardPlan(slots: Range<Int>, to shard: Int) throws -> MovePlan {
        _ = try resharder()
        let table = try current().map.table
        guard 0 <= slots.lowerBound, slots.upperBound <= table.slots, !slots.isEmpty else {
            throw StoreError(.valueInvalid, "the store has slots 0 to \(table.slots - 1)")
        }
        guard (0...table.shards).contains(shard), shard < 1024 else {
            throw StoreError(
                .valueInvalid,
                "the store has shards 0 to \(table.shards - 1), and \(table.shards) would be new"
            )
        }
        return MovePlan.gather(slots, of: table.assignment, to: shard, shards: table.shards)
    }

    /// The plan that brings all slots of a directory's name, such as a region or a tenant, to one shard.
    ///
    /// - Throws: ``StoreError``: `closed`, `notInMap`, `valueInvalid`.
    public func reshardPlan(name: String, to shard: Int) throws -> MovePlan {
        try reshardPlan(slots: try current().map.slots(ofName: name), to: shard)
    }

    /// What a plan would cost; nothing is moved.
    ///
    /// It looks through the shards that would be left.
    ///
    /// - Throws: ``StoreError``; `statementInvalid` for a table that is not declared.
    public func reshardEstimate(
        _ plan: MovePlan,
        progress: @escaping @Sendable (MoveProgress) -> Void = { _ in }
    ) async throws -> MoveEstimate {
        try await resharder().estimate(plan, progress: progress)
    }

    /// Moves what a plan says while the store serves, or goes on with what is under way.
    ///
    /// - Parameters:
    ///   - plan: What to move; `nil` to go on.
    ///   - progress: Told of each step.
    /// - Returns: What was done.
    /// - Throws: ``StoreError``: `busy` where another process is at it or another plan is under way; `statementInvalid` for a
    ///   table that is not declared; `uniqueViolation` for a primary key that two shards have; what a shard said. Every row is
    ///   then on one shard, and the next call goes on.
    @discardableResult
    public func reshard(
        _ plan: MovePlan?,
        progress: @escaping @Sendable (MoveProgress) -> Void = { _ in }
    ) async throws -> MoveReport {
        try await resharder().run(plan, progress: progress)
    }

    /// Moves everything back to where it was before the last plan.
    ///
    /// - Throws: As ``reshard(_:progress:)``; `statementInvalid` where there is none.
    @discardableResult
    public func reshardBack(
        progress: @escaping @Sendable (MoveProgress) -> Void = { _ in }
    ) async throws -> MoveReport {
        try await resharder().goBack(progress: progress)
    }

    /// Forgets the way back, so that the next plan may begin.
    ///
    /// - Throws: ``StoreError``: `busy` while it is under way.
    public func finishResharding() async throws { try await resharder().finish() }

    /// What is under way, or is kept for the way back; `nil` for nothing.
    ///
    /// - Throws: ``StoreError``.
    public func resharding() async throws -> MoveStatus? {
        let resharder = try current().resharder
        guard let record = try await resharder.record() else { return nil }
        var server: String?
        if case .still(let moves) = try current().questions { server = try Relocation.read(moves.folder)?.place }
        return MoveStatus(
            plan: record.plan,
            slots: resharder.moved(record),
            isDone: record.isDone,
            isBack: record.isBack,
            begunAt: record.begunAt,
            server: server
        )
    }
}
