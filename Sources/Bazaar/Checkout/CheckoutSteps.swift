/// The steps of a checkout, each one transaction on one shard or nothing.
///
/// Every step may be taken twice and by two at a time: the database sees to it that the second changes nothing.
/// A step on departments takes the first of them with those that lie on its shard, and gives back which they were.
protocol CheckoutSteps: Sendable {
    /// Claims the key for the cart and what it holds, or finds its claim: then both walk the same order.
    ///
    /// - Throws: ``ShopError``: `keyReused`, `emptyCart`, `conflict` for another version of the cart, `outOfStock` for a
    ///   product that is gone.
    func claim(_ request: CheckoutRequest) async throws -> Claim
    /// Begins a new attempt with a key whose last order was given up, or finds the one that somebody else has begun.
    ///
    /// - Throws: As ``claim(_:)``.
    func renew(_ claim: Claim) async throws -> Claim
    func look(_ claim: Claim) async throws -> CheckoutMachine.Standing
    /// - Throws: ``ShopError`` with code `outOfStock`, or `conflict` where the order was released here before.
    func reserve(_ claim: Claim, _ categories: [Category]) async throws -> [Category]
    func commit(_ claim: Claim) async throws -> CheckoutMachine.Event
    func confirm(_ placed: PlacedOrder, _ categories: [Category]) async throws -> [Category]
    func file(_ placed: PlacedOrder) async throws
    func finish(_ placed: PlacedOrder) async throws
    func giveUp(number: String, cart: String) async throws -> CheckoutMachine.Event
    func release(number: String, cart: String, _ categories: [Category]) async throws -> [Category]
}

/// Walks a ``CheckoutMachine`` along its steps.
struct CheckoutWalk: Sendable {
    let steps: any CheckoutSteps

    /// Buys, once.
    ///
    /// - Returns: The order, placed now or by an earlier request with the same key.
    /// - Throws: ``ShopError`` for what the buyer can act on; what a database throws before the order is placed.
    func run(_ request: CheckoutRequest) async throws -> PlacedOrder {
        var machine = CheckoutMachine.claiming
        return try await walk(&machine, CheckoutMachine.first, request)
    }

    /// Goes on with an order that is placed and not finished.
    func finish(_ placed: PlacedOrder) async throws {
        var machine = CheckoutMachine.claiming
        _ = try await walk(&machine, machine.resume(placed), nil)
    }

    private func walk(
        _ machine: inout CheckoutMachine,
        _ first: CheckoutMachine.Order,
        _ request: CheckoutRequest?
    ) async throws -> PlacedOrder {
        var order = first
        while true {
            switch order {
            case .answer(let placed): return placed
            case .refuse(let error): throw error
            default: break
            }
            do {
                order = machine.happened(try await carryOut(order, request))
            } catch {
                // Placed is placed: the sweeper does what is left.
                if request != nil, let placed = machine.placed { return placed }
                throw error
            }
        }
    }

    private func carryOut(
        _ order: CheckoutMachine.Order,
        _ request: CheckoutRequest?
    ) async throws -> CheckoutMachine.Event {
        switch order {
        case .claim:
            guard let request else { preconditionFailure("only a buyer's request claims a key") }
            do {
                return .claimed(try await steps.claim(request))
            } catch let error as ShopError {
                return .refused(error)
            }
        case .renew(let claim):
            do {
                return .claimed(try await steps.renew(claim))
            } catch let error as ShopError {
                return .refused(error)
            }
        case .look(let claim): return .found(try await steps.look(claim))
        case .reserve(let claim, let left):
            do {
                return .reserved(try await steps.reserve(claim, left))
            } catch let error as ShopError {
                return .soldOut(error)
            }
        case .commit(let claim): return try await steps.commit(claim)
        case .confirm(let placed, let left): return .confirmed(try await steps.confirm(placed, left))
        case .file(let placed):
            try await steps.file(placed)
            return .filed
        case .finish(let placed):
            try await steps.finish(placed)
            return .finished
        case .giveUp(let claim): return try await steps.giveUp(number: claim.draft.order.number, cart: claim.cart)
        case .release(let claim, let left):
            return .released(try await steps.release(number: claim.draft.order.number, cart: claim.cart, left))
        case .answer, .refuse: preconditionFailure("the walk ends here")
        }
    }
}
