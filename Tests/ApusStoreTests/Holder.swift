import ApusCore
import ApusRuntime

/// Another process's hold on a shard, as far as the shard can tell: a lock of its own on the same file.
final class Holder: Sendable {
    private let path: String
    private let taken = Lock<FileLock?>(nil)

    init(path: String) { self.path = path }

    func take() throws {
        guard let lock = try FileLock.take(path) else { throw SystemError("lock \(path)") }
        taken.withLock { $0 = lock }
    }

    func release() { taken.withLock { $0 = nil } }
}
