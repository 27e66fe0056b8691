#if MySQL
import ApusCore
import ApusRuntime
import CLinux
import CMariaDB
import Glibc

/// A pool's connection on its loop: one statement at a time.
//
// `@unchecked Sendable` is sound because only the loop's own thread uses it.
final class MySQLWire: @unchecked Sendable {
    let link: MySQLLink
    private unowned let pool: MySQLPool
    private let channel: Channel
    /// The statement under way.
    private(set) var call: MySQLCall?
    private(set) var isOpen = true
    /// Monotonic nanoseconds: when it last had something to do.
    private(set) var usedAt: Int64
    /// Until when the server may take to stop a statement; whatever was stopped is the connection's last.
    private var stopsBy = Int64.max

    /// Takes a connection onto the loop; only on the loop's own thread.
    ///
    /// - Throws: `SystemError` where the kernel gives no more descriptors.
    init(_ link: MySQLLink, pool: MySQLPool) throws {
        self.link = link
        self.pool = pool
        usedAt = pool.loop.now.nanoseconds
        // The library closes its socket itself, so the loop gets a descriptor of its own for it.
        let descriptor = apus_fcntl_int(mysql_get_socket(link.handle), F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { throw SystemError("dup") }
        channel = try Channel(adopting: descriptor, on: pool.loop)
        channel.setCallback(
            { context, events in Unmanaged<MySQLWire>.fromOpaque(context).takeUnretainedValue().changed(events) },
            context: Unmanaged.passUnretained(self).toOpaque()
        )
    }

    /// Whether it takes a statement.
    @inline(__always)
    var isFree: Bool { call == nil && isOpen }

    // MARK: One statement

    /// Sends a statement; one that cannot be sent fails at once.
    func send(_ call: MySQLCall) {
        usedAt = pool.loop.now.nanoseconds
        call.attempts += 1
        call.sentAt = usedAt
        self.call = call
        goOn { try link.exchange.begin(call.sql, isInTransaction: false, within: pool.bounds) }
    }

    /// The socket has become ready for something, or the server has ended the connection.
    private func changed(_ events: UInt32) {
        guard isOpen else { return }
        // Callers that are resumed here may do anything, closing this included.
        withExtendedLifetime(self) {
            if call == nil {
                if events & ~APUS_EPOLLOUT != 0, !link.isQuiet() { lose() }
                return
            }
            let asked = link.exchange.asked
            // The library tries before it asks, so what it did not ask for need not be tried.
            if asked & MYSQL_WAIT_WRITE == 0, events & ~APUS_EPOLLOUT == 0 { return }
            usedAt = pool.loop.now.nanoseconds
            goOn { try link.exchange.resume(asked) }
            if isOpen, call == nil, channel.isPeerClosed { lose() }
            pool.pump()
        }
    }

    private func goOn(_ step: () throws -> MySQLAnswer?) {
        guard let call else { return }
        do {
            guard let answer = try step() else { return }
            end()
            pool.answer(call, answer)
        } catch let error as MySQLError {
            if error.endsConnection { return lose(error) }
            end()
            pool.fail(call, error)
        } catch {
            // In the midst of an answer the connection is of no use any more.
            end(isBroken: !link.exchange.isIdle)
            pool.fail(call, error)
        }
    }

    /// The statement has come to its end, and the connection with it where a request to stop it may yet come.
    private func end(isBroken: Bool = false) {
        call = nil
        guard isBroken || stopsBy != .max else { return }
        close()
        pool.remove(self)
    }

    // MARK: Ending

    /// Has the server stop the statement at hand, which nobody waits for any more or which is too late.
    ///
    /// A read has come to nothing with that. A write ends when the server says what became of it.
    func stop(_ reason: StoreError) {
        guard let call, call.stopping == nil else { return }
        call.stopping = reason
        stopsBy = pool.loop.preciseNow().nanoseconds + MySQLSession.graceNanoseconds
        pool.stop(link)
        if call.isRead { call.fail(reason) }
    }

    /// Looks after the deadline of the statement at hand.
    func expire(at now: Int64) {
        guard let call else { return }
        if now >= stopsBy { return lose() }
        if call.deadline <= now { stop(.expired(link.place.name)) }
    }

    /// Gives the connection up; whoever waits for it is asked again or told.
    private func lose(_ error: MySQLError? = nil) {
        guard isOpen else { return }
        let left = call
        call = nil
        close()
        pool.lost(self, left, error)
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        channel.close()
        link.close()
    }
}
#endif
