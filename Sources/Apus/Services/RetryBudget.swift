import ApusCore

/// How many calls may be made again: a tenth of the calls made, and a few a second in any case.
///
/// It starts with enough for what one connection has under way when it breaks.
///
/// Without a budget, retries multiply the load on a service that is failing because of its load.
///
/// - SeeAlso: "Finagle: retry budgets"; Beyer et al., "Site Reliability Engineering", chapter 22.
struct RetryBudget {
    static let perCall = 0.1
    static let perSecond = 10.0
    static let most = 1024.0
    static let first = 100.0

    private var tokens = RetryBudget.first
    private var lastRefill: Int64

    init(now: Instant) { lastRefill = now.nanoseconds }

    /// A call was made for the first time.
    mutating func called() { tokens = min(Self.most, tokens + Self.perCall) }

    /// Takes a token for a retry; false where the budget is spent.
    mutating func take(now: Instant) -> Bool {
        let elapsed = Double(max(0, now.nanoseconds - lastRefill)) / 1e9
        lastRefill = now.nanoseconds
        // The few a second fill up to a second's worth only; what calls have earned stays.
        if tokens < Self.perSecond { tokens = min(Self.perSecond, tokens + elapsed * Self.perSecond) }
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
