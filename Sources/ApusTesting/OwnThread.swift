import ApusRuntime
public import Testing

/// Runs each test of a suite on a thread of its own.
///
/// Tests share as many threads as there are cores: whoever waits for another process by looking again and again, or by a
/// blocking call, holds up the others, and waits for all of them at each look. The system shares cores among threads, fairly.
public struct OwnThread: SuiteTrait, TestTrait, TestScoping {
    /// Every test of a suite gets one.
    public var isRecursive: Bool { true }

    private static let ending = BlockingPool(waitersMax: .max, name: "ending")

    /// Runs one test, or one case of it, on a new thread, and ends that.
    public func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        // A suite has nothing to run by itself.
        guard testCase != nil else { return try await function() }
        let group = try LoopGroup(count: 1)
        let result: Result<Void, any Error>
        do {
            result = .success(
                try await withTaskExecutorPreference(group.loops[0]) {
                    try await function()
                }
            )
        } catch {
            result = .failure(error)
        }
        // No thread can wait for its own end.
        try await Self.ending.run { group.shutdown() }
        try result.get()
    }
}

extension Trait where Self == OwnThread {
    /// Runs each test on a thread of its own.
    public static var ownThread: OwnThread { OwnThread() }
}
