import ApusCore

/// What stops a running statement: a budget of steps, a deadline, or its caller going away.
final class StatementWatch {
    /// Looks left before the budget is spent; negative for no budget.
    var looksLeft = -1
    /// Monotonic nanoseconds.
    var deadline = Int64.max
    var clock: any Clock = SystemClock()
    /// Asked whether the caller still wants the answer.
    var item: WorkItem?
    /// Why the statement was stopped.
    private(set) var reason: StoreError?

    func begin(looks: Int = -1, deadline: Int64 = .max, item: WorkItem? = nil) {
        looksLeft = looks
        self.deadline = deadline
        self.item = item
        reason = nil
    }

    func end() {
        begin()
    }

    func mustStop() -> Bool {
        if looksLeft == 0 {
            reason = StoreError(.budgetExceeded, "a read on the loop took too many steps; use scan, or add an index")
            return true
        }
        if looksLeft > 0 {
            looksLeft -= 1
            return false
        }
        if item?.isCancelled == true {
            reason = StoreError(.cancelled, "the caller went away")
            return true
        }
        if deadline != .max, clock.now().nanoseconds >= deadline {
            reason = StoreError(.deadlineExceeded, "stopped at its deadline")
            return true
        }
        return false
    }
}
