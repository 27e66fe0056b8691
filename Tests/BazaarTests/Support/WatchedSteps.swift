import Apus

@testable import Bazaar

/// The process died here: nothing after it runs.
struct Crash: Error {}

/// The steps of a checkout, with something that happens before and after each; the first step is number 1.
final class WatchedSteps: CheckoutSteps {
    private let steps: any CheckoutSteps
    private let before: @Sendable (Int) async throws -> Void
    private let after: @Sendable (Int) async throws -> Void
    private let taken = Lock(0)

    init(
        _ steps: any CheckoutSteps,
        before: @escaping @Sendable (Int) async throws -> Void,
        after: @escaping @Sendable (Int) async throws -> Void
    ) {
        self.steps = steps
        self.before = before
        self.after = after
    }

    /// Steps that work until the `fatal`-th one; that one dies before or after its work, and everything later is dead too.
    static func mortal(_ steps: any CheckoutSteps, fatal: Int, diesAfterWork: Bool) -> WatchedSteps {
        WatchedSteps(steps) { number in
            if number > fatal || number == fatal && !diesAfterWork { throw Crash() }
        } after: { number in
            if number == fatal { throw Crash() }
        }
    }

    /// Steps that only count themselves.
    static func counted(_ steps: any CheckoutSteps) -> WatchedSteps {
        WatchedSteps(steps) { _ in
        } after: { _ in
        }
    }

    /// Steps that let somebody else go first, once, before or after the `chosen`-th one.
    static func overtaken(
        _ steps: any CheckoutSteps,
        at chosen: Int,
        afterWork: Bool,
        _ overtake: @escaping @Sendable () async throws -> Void
    ) -> WatchedSteps {
        WatchedSteps(steps) { number in
            if number == chosen && !afterWork { try await overtake() }
        } after: { number in
            if number == chosen && afterWork { try await overtake() }
        }
    }

    /// How many were taken.
    var count: Int { taken.withLock { $0 } }

    private func step<T: Sendable>(_ work: () async throws -> T) async throws -> T {
        let number = taken.withLock { taken in
            taken += 1
            return taken
        }
        try await before(number)
        let result = try await work()
        try await after(number)
        return result
    }

    func claim(_ request: CheckoutRequest) async throws -> Claim { try await step { try await steps.claim(request) } }
    func renew(_ claim: Claim) async throws -> Claim { try await step { try await steps.renew(claim) } }
    func look(_ claim: Claim) async throws -> CheckoutMachine.Standing {
        try await step { try await steps.look(claim) }
    }
    func reserve(_ claim: Claim, _ categories: [Bazaar.Category]) async throws -> [Bazaar.Category] {
        try await step { try await steps.reserve(claim, categories) }
    }
    func commit(_ claim: Claim) async throws -> CheckoutMachine.Event {
        try await step { try await steps.commit(claim) }
    }
    func confirm(_ placed: PlacedOrder, _ categories: [Bazaar.Category]) async throws -> [Bazaar.Category] {
        try await step { try await steps.confirm(placed, categories) }
    }
    func file(_ placed: PlacedOrder) async throws { try await step { try await steps.file(placed) } }
    func finish(_ placed: PlacedOrder) async throws { try await step { try await steps.finish(placed) } }
    func giveUp(number: String, cart: String) async throws -> CheckoutMachine.Event {
        try await step { try await steps.giveUp(number: number, cart: cart) }
    }
    func release(number: String, cart: String, _ categories: [Bazaar.Category]) async throws -> [Bazaar.Category] {
        try await step { try await steps.release(number: number, cart: cart, categories) }
    }
}
