import ApusCore
import ApusRuntime
import Glibc

/// Keeps questions to all shards and the steps of a move apart, so that a question sees each row once.
///
/// Questions hold a share of a file's lock, steps all of it. A step that has waited for a while asks questions that come later
/// to let it go first. A process that ends lets go of what it holds.
final class StillGate: Sendable {
    private let path: String
    private let table: SlotTable
    /// How long a step waits before new questions wait for it, and how long it asks for each time, in nanoseconds.
    private static let patience: Int64 = 100_000_000
    private static let ask: Int64 = 50_000_000
    /// How long it goes on asking, in nanoseconds.
    private static let insistence: Int64 = 2_000_000_000
    /// Between two looks: a step takes some milliseconds.
    private static let lookAgain: Duration = .microseconds(500)

    init(folder: String, table: SlotTable) {
        path = folder + "/still.lock"
        self.table = table
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Whether a step is to go first.
    ///
    /// What was left there before the machine was started is no wish.
    private static func isStepFirst(_ until: Int64, _ now: Int64) -> Bool { until > now && until - now <= ask }

    /// A share, for a question: no step is under way while it is held.
    ///
    /// - Returns: What is to be let go of; `nil` on a disk that is read-only, where there are no steps.
    /// - Throws: ``StoreError``: `busy` where a step holds the store for longer than `deadline`; `CancellationError`.
    func share(within deadline: Duration) async throws -> LockFile? {
        let lock: LockFile
        do { lock = try LockFile(path: path) } catch let error as StoreError {
            if error.code == .readOnly || error.code == .diskFull { return nil }
            throw error
        }
        if !Self.isStepFirst(table.stepsFirstUntil, Self.now()), lock.tryShare() { return lock }
        let end = Self.now() + deadline.nanoseconds
        while true {
            try await Pause.take(Self.lookAgain)
            let now = Self.now()
            if !Self.isStepFirst(table.stepsFirstUntil, now), lock.tryShare() { return lock }
            guard now < end else {
                throw StoreError(
                    .busy,
                    "a step of resharding holds \(path) for \(deadline.seconds) s; end or continue the process that reshards"
                )
            }
        }
    }

    /// All of it, for a step: no question is under way while it is held.
    ///
    /// - Throws: ``StoreError``: `busy` where questions or another step take longer than `deadline`; `CancellationError`.
    func hold(within deadline: Duration) async throws -> LockFile {
        let lock = try LockFile(path: path)
        guard lock.isWritable else { throw StoreError(.readOnly, "\(path) cannot be opened for writing") }
        let began = Self.now()
        while !lock.tryAcquire() {
            let waited = Self.now() - began
            guard waited < deadline.nanoseconds else {
                throw StoreError(.busy, "questions to all shards have kept a step waiting for \(deadline.seconds) s")
            }
            // Only for a while: behind a question that takes very long nobody else is to wait.
            if waited > Self.patience, waited < Self.insistence { table.letStepsFirst(until: Self.now() + Self.ask) }
            try await Pause.take(Self.lookAgain)
        }
        table.letStepsFirst(until: 0)
        return lock
    }
}
