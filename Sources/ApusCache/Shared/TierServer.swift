public import ApusCore

/// What a shared tier asks of the server behind it: bytes by name, and a write that happens only where nothing changed.
///
/// No script runs on the server, so that every engine can do it.
protocol TierServer: AnyObject, Sendable {
    /// What is kept under a name.
    func get(_ name: [UInt8]) async throws -> TierItem?
    /// Keeps bytes where there are none.
    ///
    /// - Returns: The token of what is there now; `nil` where there are some.
    func add(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration) async throws -> [UInt8]?
    /// Keeps bytes, whatever was there.
    func set(_ bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws
    /// Keeps bytes where what is there is still `token`'s.
    ///
    /// - Returns: The token of what is there now; `nil` where what was there is not `token`'s, or is gone.
    func replace(_ token: [UInt8], with bytes: [UInt8], as name: [UInt8], lifetime: Duration?) async throws -> [UInt8]?
    /// Whether what has a token lies where it stays, and not where it is kept for a while in the place of a server that is gone.
    func isFirm(_ token: [UInt8]) -> Bool
    /// A name was compared and set: nobody is to find what it held before, where the server does not see to that by itself.
    func replaced(_ name: [UInt8]) async
    /// Removes a name where what is there is still `token`'s.
    func remove(_ name: [UInt8], ifStill token: [UInt8]) async throws
    /// Removes a name.
    func remove(_ name: [UInt8]) async throws
    /// Removes all names that begin so.
    func removeAll(prefix: [UInt8]) async throws
    /// Adds one to the number under a name, which ends after `lifetime`.
    ///
    /// - Returns: The number then, and that under the name `before`, 0 for none.
    func count(_ name: [UInt8], before: [UInt8], lifetime: Duration) async throws -> (now: Int, before: Int)
    /// Whether lives end to the millisecond; else up to two seconds late.
    var endsInTime: Bool { get }
    /// Whether an error says that the server is away or hangs, and not only that this client has too much to do.
    func isAway(_ error: any Error) -> Bool
    /// Waits half of `pause` to all of it: between two looks at the server.
    func wait(_ pause: Duration) async throws
    /// Uses the server for what does not watch; ends with ``release()``.
    func retain()
    /// Ends a use by what does not watch; with the last use everything is let go of.
    func release() async
    /// Reports changes of names that begin so, by anyone, until ``close(_:)``. A server that is not there is waited for.
    func watch(_ prefix: [UInt8], _ watcher: any TierWatcher) async throws
    /// Tells a watcher nothing more; with the last use everything is let go of.
    func close(_ watcher: any TierWatcher) async
    /// A stock client's command line that lists names that begin so.
    func stockClient(prefix: String) -> String?
    /// What is wrong with the server now; `nil` for nothing.
    var problem: String? { get }
}

extension TierServer {
    /// As most do.
    var endsInTime: Bool { true }
    /// As most have one place for a name.
    func isFirm(_ token: [UInt8]) -> Bool { true }
    /// As most see to it.
    func replaced(_ name: [UInt8]) async {}
}

/// A block whose engine may be a server that processes share.
public protocol SharableBlock: Block {
    /// Whether it uses the server that `CACHE_URL` names, or the system's own.
    var isShared: Bool { get }
}

/// What a server has under a name, and what it knows that state by.
struct TierItem: Sendable, Equatable {
    var bytes: [UInt8]
    /// Given back to ``TierServer/replace(_:with:as:lifetime:)``; the bytes themselves, or a number of the server's.
    var token: [UInt8]
}

/// Told of changes on a shared tier's server.
protocol TierWatcher: AnyObject, Sendable {
    /// A name was changed or removed by someone.
    func changed(_ name: [UInt8])
    /// Changes may have been missed: any name may have changed.
    func lostTrack()
}
