import Apus

/// Finishes or gives back what a crash left of checkouts.
///
/// Two kinds of remains are looked for: stock held for longer than any checkout lives, and orders placed but not
/// finished. Whoever finds one takes it for half a minute by moving its due time, so that sweepers do not do
/// each other's work; that they might is harmless, because every step may be taken twice.
struct Sweeper: Sendable {
    let store: Store
    let clock: any Clock
    /// The steps it takes; tests put failing ones in their place.
    let steps: any CheckoutSteps

    /// Remains of one kind taken from one shard in one round.
    static let batchMax = 50
    /// Seconds for which remains are taken.
    static let leaseSeconds: Int64 = 30
    /// Seconds after which a key, a hold's mark and a finished checkout are forgotten: 30 days.
    static let keptSeconds: Int64 = 30 * 86_400

    init(store: Store, clock: any Clock, steps: (any CheckoutSteps)? = nil) {
        self.store = store
        self.clock = clock
        self.steps = steps ?? StoreCheckout(store: store, clock: clock)
    }

    /// What one round did.
    struct Report: Sendable, Hashable {
        /// Orders confirmed and filed.
        var finished = 0
        /// Holds whose stock was given back or counted as sold.
        var settled = 0
        /// Remains that could not be dealt with now; the next round tries again.
        var failed = 0
    }

    private var now: Int64 { clock.wallNanoseconds() / 1_000_000_000 }

    /// Goes once over all shards.
    ///
    /// One failure does not keep it from the rest.
    func sweep() async -> Report {
        var report = Report()
        for category in Category.allCases {
            do {
                for hold in try await expiredHolds(category) {
                    do {
                        try await settle(hold, category)
                        report.settled += 1
                    } catch { report.failed += 1 }
                }
            } catch { report.failed += 1 }
        }
        do {
            for shard in try store.everyShard.handles {
                do {
                    for placed in try await unfinished(shard) {
                        do {
                            try await CheckoutWalk(steps: steps).finish(placed)
                            report.finished += 1
                        } catch { report.failed += 1 }
                    }
                } catch { report.failed += 1 }
            }
        } catch { report.failed += 1 }
        return report
    }

    /// Lets the cart's shard decide: a placed order keeps its pieces, any other never gets them.
    private func settle(_ hold: HoldTable.Expired, _ category: Category) async throws {
        if case .wasPlaced(let placed) = try await steps.giveUp(number: hold.number, cart: hold.cart) {
            _ = try await steps.confirm(placed, [category])
        } else {
            _ = try await steps.release(number: hold.number, cart: hold.cart, [category])
        }
    }

    private func expiredHolds(_ category: Category) async throws -> [HoldTable.Expired] {
        let (now, held) = (now, HoldTable.State.held.rawValue)
        let select: SQL = """
            SELECT order_number, cart_id FROM holds WHERE state = \(held) AND expires_at <= \(now)
            AND category = \(category) LIMIT \(Self.batchMax)
            """
        let shard = try store.shard(for: CategoryKey(category: category))
        // Mostly there is nothing, and a read costs the disk nothing.
        if try await shard.first(select, as: HoldTable.Expired.self) == nil { return [] }
        return try await shard.transaction { transaction in
            let expired = try transaction.all(select, as: HoldTable.Expired.self)
            for hold in expired {
                try transaction.execute(
                    """
                    UPDATE holds SET expires_at = \(now + Self.leaseSeconds)
                    WHERE category = \(category) AND order_number = \(hold.number)
                    """
                )
            }
            return expired
        }
    }

    private func unfinished(_ shard: Shard<AnyKey>) async throws -> [PlacedOrder] {
        let now = now
        let select: SQL = """
            SELECT order_text FROM checkouts WHERE state = 'placed' AND due_at <= \(now) LIMIT \(Self.batchMax)
            """
        if try await shard.first(select, as: String.self) == nil { return [] }
        return try await shard.transaction { transaction in
            let placed = try transaction.all(select, as: String.self).map {
                try Document.decode($0, as: PlacedOrder.self)
            }
            for placed in placed {
                try transaction.execute(
                    """
                    UPDATE checkouts SET due_at = \(now + Self.leaseSeconds)
                    WHERE order_number = \(placed.order.number)
                    """
                )
            }
            return placed
        }
    }

    /// Forgets keys, marks, finished checkouts and sessions that nobody can come back to.
    func forget() async throws {
        let (old, oldSession) = (now - Self.keptSeconds, now - CartTable.sessionSeconds)
        for shard in try store.everyShard.handles {
            try await shard.transaction { transaction in
                try transaction.execute("DELETE FROM checkout_keys WHERE created_at < \(old)")
                try transaction.execute("DELETE FROM holds WHERE state <> 'held' AND expires_at < \(old)")
                try transaction.execute("DELETE FROM checkouts WHERE state <> 'placed' AND due_at < \(old)")
                try transaction.execute("DELETE FROM sessions WHERE seen_at < \(oldSession)")
                try transaction.execute(
                    """
                    DELETE FROM cart_lines WHERE cart_id IN (SELECT id FROM carts WHERE changed_at < \(oldSession))
                    """
                )
                try transaction.execute("DELETE FROM carts WHERE changed_at < \(oldSession)")
            }
        }
    }
}
