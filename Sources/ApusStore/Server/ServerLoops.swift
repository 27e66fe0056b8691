import ApusCore
import ApusRuntime

/// The loops on which a store's statements to its servers go out: their callers', and one of the store's own for callers
/// without one.
final class ServerLoops: Sendable {
    /// Made at the first use.
    private let own = Lock<LoopGroup?>(nil)

    /// The caller's loop, else the store's own.
    ///
    /// - Throws: `SystemError` where the kernel gives no more descriptors or threads.
    func current() throws -> EventLoop {
        if let loop = EventLoop.current { return loop }
        return try own.withLock { own in
            let group = try own ?? LoopGroup(count: 1, name: "store-loop")
            own = group
            return group.loops[0]
        }
    }

    /// Ends the store's own; call when nothing is under way on it.
    func close() async {
        let group = own.withLock { own in
            defer { own = nil }
            return own
        }
        if let group { _ = try? await StoreThread.run { group.shutdown() } }
    }
}
