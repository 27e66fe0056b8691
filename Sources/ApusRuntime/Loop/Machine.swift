public import ApusCore

/// What a loop stands on when it does not stand on Linux: a simulated machine.
///
/// This is the seam through which a test replaces time, chance, sockets and scheduling at once. A loop made with a
/// machine makes no system call: it asks the machine for the time, for readiness and for every byte, and it has no
/// thread: the machine calls ``EventLoop/turn()`` in the order its seed gives.
///
/// Socket numbers are the machine's own. All calls come from the thread that turns the loops.
public protocol Machine: AnyObject, Sendable {
    /// The machine's time, which moves only when the machine says so.
    var clock: any Clock { get }
    /// A number from the machine's seed.
    func random() -> UInt64
    /// A new listening socket, or a negative errno.
    func listen(at address: SocketAddress, for loop: EventLoop) -> Int32
    /// The next connection of a listening socket, or `nil` where none waits.
    func accept(_ listener: Int32) -> Int32?
    /// A new socket on its way to `address`, or a negative errno; the machine reports it writable once it is there.
    func connect(to address: SocketAddress, for loop: EventLoop) -> Int32
    /// Reads; the meaning of the result is that of ``Channel/IOResult``.
    func receive(_ socket: Int32, into bytes: UnsafeMutableRawBufferPointer) -> Channel.IOResult
    /// Writes; the meaning of the result is that of ``Channel/IOResult``.
    func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Channel.IOResult
    /// Tells the other side that nothing more comes; reading goes on.
    func shutdownWriting(_ socket: Int32)
    /// Closes a socket.
    func close(_ socket: Int32)
    /// Something was put on a loop from outside its own turn, so it has work.
    func wake(_ loop: EventLoop)
}
