/// The course of one checkout, apart from the databases: what happened comes in, what to do next comes out.
///
/// No transaction spans shards, so a checkout is a walk over several, and any step may be the last one a process
/// takes. The walk, with the point where the order counts as placed:
/// ```
/// claim ─ look ─ reserve (each shard) ─ commit ═ placed ═ confirm (each shard) ─ file ─ finish
///                     │ sold out           │ given up meanwhile
///                     └─ give up ──────────┴─ release (each shard) ─ refused
/// ```
/// Where departments lie is not known here: a step is handed all that are left, takes the first with those that share
/// its shard, and says which they were.
///
/// Before `commit` nothing is promised: what was reserved is given back by whoever finds it expired, after it has put
/// "given up" where `commit` would look. From `commit` on the order stands, and whoever finds it unfinished confirms
/// and files it. Every step may be taken twice, also by two at a time: a request that finds its key in use walks the
/// same order beside the first one, so it neither waits for a process that may be dead nor hears "still running".
enum CheckoutMachine: Sendable, Hashable {
    /// Next: `looking`, `ended`.
    case claiming
    /// Next: `reserving`, `confirming`, `claiming` (a new attempt), `ended`.
    case looking(Claim)
    /// Next: `reserving`, `committing`, `givingUp`, `ended`. The departments not reserved in yet.
    case reserving(Claim, [Category])
    /// Next: `confirming`, `releasing`, `ended`.
    case committing(Claim)
    /// Next: `confirming`, `filing`, `ended`. The departments not confirmed in yet.
    case confirming(PlacedOrder, [Category])
    /// Next: `finishing`, `ended`.
    case filing(PlacedOrder)
    /// Next: `ended`.
    case finishing(PlacedOrder)
    /// Next: `releasing`, `confirming` (it was placed meanwhile), `ended`.
    case givingUp(Claim, ShopError)
    /// Next: `releasing`, `ended`. The departments not released in yet.
    case releasing(Claim, [Category], ShopError)
    case ended

    /// What to do next.
    enum Order: Sendable, Hashable {
        /// Claim the key, or find out what it was claimed for.
        case claim
        /// See on the cart's shard what became of the claim's order.
        case look(Claim)
        /// Reserve in the first of the departments, and in those that lie beside it.
        case reserve(Claim, [Category])
        case commit(Claim)
        case confirm(PlacedOrder, [Category])
        /// Copy the order to its buyer's shard.
        case file(PlacedOrder)
        case finish(PlacedOrder)
        /// Make sure that the claim's order can no longer be placed.
        case giveUp(Claim)
        case release(Claim, [Category])
        /// Give the claim a new order number, because the last one was given up.
        case renew(Claim)
        /// Tell the buyer that the order is placed.
        case answer(PlacedOrder)
        case refuse(ShopError)
    }

    /// What came of it.
    enum Event: Sendable, Hashable {
        case claimed(Claim)
        /// The key is taken by another cart or other content, or the cart cannot be bought.
        case refused(ShopError)
        /// What the cart's shard knows of the order.
        case found(Standing)
        /// In these departments.
        case reserved([Category])
        case soldOut(ShopError)
        case committed(PlacedOrder)
        /// Somebody gave the order up before it could be committed.
        case wasGivenUp
        case confirmed([Category])
        case released([Category])
        case filed, finished, gaveUp
        /// The order had been placed before it could be given up.
        case wasPlaced(PlacedOrder)
    }

    /// What the cart's shard knows of an order.
    enum Standing: Sendable, Hashable {
        case unknown
        case givenUp
        case placed(PlacedOrder)
        /// Placed, confirmed and filed.
        case done(PlacedOrder)
    }

    /// The first thing to do.
    static let first = Order.claim

    /// Takes note of `event` and says what to do next.
    mutating func happened(_ event: Event) -> Order {
        switch (self, event) {
        case (.claiming, .claimed(let claim)):
            self = .looking(claim)
            return .look(claim)
        case (.looking(let claim), .found(.unknown)):
            return reserve(claim, claim.draft.categories)
        case (.looking(let claim), .found(.givenUp)):
            self = .claiming
            return .renew(claim)
        case (.looking, .found(.placed(let placed))):
            return resume(placed)
        case (.looking, .found(.done(let placed))):
            return end(.answer(placed))
        case (.reserving(let claim, let left), .reserved(let done)):
            return reserve(claim, Self.rest(left, done))
        case (.reserving(let claim, _), .soldOut(let error)):
            self = .givingUp(claim, error)
            return .giveUp(claim)
        case (.committing, .committed(let placed)):
            return resume(placed)
        case (.committing(let claim), .wasGivenUp):
            return release(claim, claim.draft.categories, .conflict)
        case (.confirming(let placed, let left), .confirmed(let done)):
            return confirm(placed, Self.rest(left, done))
        case (.filing(let placed), .filed):
            self = .finishing(placed)
            return .finish(placed)
        case (.finishing(let placed), .finished):
            return end(.answer(placed))
        case (.givingUp(let claim, let error), .gaveUp):
            return release(claim, claim.draft.categories, error)
        case (.givingUp, .wasPlaced(let placed)):
            return resume(placed)
        case (.releasing(let claim, let left, let error), .released(let done)):
            return release(claim, Self.rest(left, done), error)
        case (_, .refused(let error)):
            return end(.refuse(error))
        default:
            preconditionFailure("a checkout cannot meet \(event) here")
        }
    }

    /// The order the buyer may be told of although the rest of the walk failed: it is placed, others will finish it.
    var placed: PlacedOrder? {
        switch self {
        case .confirming(let placed, _), .filing(let placed), .finishing(let placed): placed
        default: nil
        }
    }

    /// Goes on with an order that is placed, and says what to do next.
    mutating func resume(_ placed: PlacedOrder) -> Order { confirm(placed, placed.order.categories) }

    /// What is left; a step that did nothing would be asked forever.
    private static func rest(_ left: [Category], _ done: [Category]) -> [Category] {
        let rest = left.filter { !done.contains($0) }
        precondition(rest.count < left.count, "a step deals with the first department at least")
        return rest
    }

    private mutating func reserve(_ claim: Claim, _ left: [Category]) -> Order {
        if left.isEmpty {
            self = .committing(claim)
            return .commit(claim)
        }
        self = .reserving(claim, left)
        return .reserve(claim, left)
    }

    private mutating func confirm(_ placed: PlacedOrder, _ left: [Category]) -> Order {
        if left.isEmpty {
            self = .filing(placed)
            return .file(placed)
        }
        self = .confirming(placed, left)
        return .confirm(placed, left)
    }

    private mutating func release(_ claim: Claim, _ left: [Category], _ error: ShopError) -> Order {
        if left.isEmpty { return end(.refuse(error)) }
        self = .releasing(claim, left, error)
        return .release(claim, left)
    }

    private mutating func end(_ order: Order) -> Order {
        self = .ended
        return order
    }
}
