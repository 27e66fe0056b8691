import CLinux

extension EventLoop {
    /// Tells a simulated socket's channel that it can be read or written, or that its peer has closed.
    ///
    /// Called by the ``Machine``, between turns.
    public func report(socket: Int32, readable: Bool, writable: Bool, closed: Bool) {
        precondition(machine != nil, "only a simulated machine reports")
        guard let state = simulated[socket] else { return }
        let outer = (apus_get_current_loop(), apus_get_turn_time())
        becomeCurrent()
        defer { apus_set_current_loop(outer.0, outer.1) }
        var events: UInt32 = 0
        if readable { events |= APUS_EPOLLIN }
        if writable { events |= APUS_EPOLLOUT }
        if closed { events |= APUS_EPOLLRDHUP }
        report(events, to: state)
    }
}
