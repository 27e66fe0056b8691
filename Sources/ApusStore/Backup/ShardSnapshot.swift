/// A shard as it was at one moment, whatever is written afterwards.
//
// `@unchecked Sendable` is sound because one thread uses it at a time: the one that takes it, then the one that copies it.
@usableFromInline
final class ShardSnapshot: @unchecked Sendable {
    let session: any SQLSession
    private let renewal: () -> Void
    private let ending: () -> Void

    /// - Parameters:
    ///   - session: Sees the moment, in a transaction that only reads.
    ///   - renew: Gives the session's next statement its time.
    ///   - end: Lets go of the session.
    init(_ session: any SQLSession, renew: @escaping () -> Void = {}, end: @escaping () -> Void) {
        self.session = session
        renewal = renew
        ending = end
    }

    /// Gives the next statement its time.
    func renew() { renewal() }
    /// Lets go of it; nothing follows.
    func end() { ending() }
}
