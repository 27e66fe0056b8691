import ApusCore

/// Word of changed entries, from process to process of a system, for engines that tell nobody of changes.
///
/// Memcached is one. The system in which a process runs carries what is told here to its other processes; where nobody
/// does, near memory is bound by ``CacheConfiguration/nearLifetime`` alone, and it is so too when word is lost.
public final class CacheNews: Sendable {
    /// The process's own.
    public static let process = CacheNews()

    /// What others are told.
    public enum Item: Sendable, Hashable {
        /// An entry was changed or removed, by the name that the engine knows it by.
        case changed(name: [UInt8])
        /// Any entry may have changed.
        case anything
    }

    private struct State {
        var carry: (@Sendable (Item) -> Void)?
        var listeners: [any CacheNewsListener] = []
    }
    private let state = Lock(State())

    /// News that nobody carries yet.
    public init() {}

    /// Whether the process has an engine that hears of changes in this way alone.
    public var isWanted: Bool { state.withLock { !$0.listeners.isEmpty } }

    /// Whether somebody carries what is told.
    public var isCarried: Bool { state.withLock { $0.carry != nil } }

    /// Gives all that is told from now on to `carry`, which does not wait; `nil` to nobody.
    public func carry(by carry: (@Sendable (Item) -> Void)?) { state.withLock { $0.carry = carry } }

    /// Another process has told something.
    public func heard(_ item: Item) {
        let listeners = state.withLock { $0.listeners }
        for listener in listeners { listener.heard(item) }
    }

    /// Tells the other processes.
    func tell(_ item: Item) {
        let carry = state.withLock { $0.carry }
        carry?(item)
    }

    func add(_ listener: any CacheNewsListener) { state.withLock { $0.listeners.append(listener) } }
    func remove(_ listener: any CacheNewsListener) { state.withLock { $0.listeners.removeAll { $0 === listener } } }
}

/// An engine that hears of changes from other processes.
protocol CacheNewsListener: AnyObject, Sendable {
    func heard(_ item: CacheNews.Item)
}
