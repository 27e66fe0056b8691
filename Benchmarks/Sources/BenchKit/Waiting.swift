import ApusCore
public import ApusRuntime
import Glibc

/// Runs `body` on a loop and blocks this thread, which is not the loop's, until it is done.
///
/// - Throws: What `body` throws.
public func wait<Result: Sendable>(
    on loop: EventLoop,
    _ body: @escaping @Sendable () async throws -> Result
) throws -> Result {
    let done = Lock<Swift.Result<Result, any Error>?>(nil)
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw BenchError("no pipe") }
    defer {
        close(ends[0])
        close(ends[1])
    }
    let end = ends[1]
    Task(executorPreference: loop) {
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        done.withLock { $0 = result }
        var byte: UInt8 = 1
        _ = write(end, &byte, 1)
    }
    var byte: UInt8 = 0
    while read(ends[0], &byte, 1) < 0, errno == EINTR {}
    guard let result = done.withLock({ $0 }) else { throw BenchError("nothing came back") }
    return try result.get()
}
