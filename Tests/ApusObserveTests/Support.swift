import ApusCore
import ApusRuntime
import Glibc
import Testing

/// A folder that is gone when the test is.
final class TemporaryFolder {
    let path = "/tmp/apus-test-\(SecureRandom.token(bits: 64))"
    init() throws { try Files.makeFolder(path) }
    deinit { try? Files.remove(path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// Runs a shell command; gives what it printed and its exit code.
func shell(_ command: String) throws -> (output: String, code: Int32) {
    let pipe = try #require(popen(command, "r"))
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&chunk, 1, chunk.count, pipe)
        guard count > 0 else { break }
        output += chunk[..<count]
    }
    let status = pclose(pipe)
    return (String(decoding: output, as: UTF8.self), (status >> 8) & 255)
}

/// Runs `body` on `count` threads, all of which are there before the first begins.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    let pool = BlockingPool(threadsMax: count, waitersMax: count)
    let arrived = Lock(0)
    await withTaskGroup(of: Void.self) { group in
        for index in 0..<count {
            group.addTask {
                try? await pool.run {
                    arrived.withLock { $0 += 1 }
                    while arrived.withLock({ $0 }) < count { sched_yield() }
                    body(index)
                }
            }
        }
    }
    pool.shutdown()
}

/// Text as raw bytes, for the length of a call.
func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var text = text
    return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
}
