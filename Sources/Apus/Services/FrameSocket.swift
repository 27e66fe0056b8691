import ApusCore
import ApusRuntime
import ApusWire
import CLinux

/// A connection that carries frames: what callers and callees have in common.
///
/// It hears of its socket by callback, reads into its loop's scratch, and sends what a turn has written at the turn's
/// end with one call. Subclasses say what frames mean.
//
// `@unchecked Sendable` is sound because it is touched on its loop's thread alone: by the channel's callback, by
// timers, at turn ends, and by tasks that prefer the loop, which `precondition(loop.isCurrent)` checks at the door.
class FrameSocket: @unchecked Sendable {
    let channel: Channel
    let loop: EventLoop
    let system: ApusActorSystem
    var out = WireWriter(capacity: 1024)
    private(set) var isClosed = false
    private(set) var isConnected: Bool
    private var splitter: FrameSplitter
    private var frameBytesMax: Int
    private var isDirty = false
    /// Bytes of `out` that have gone.
    private var flushed = 0
    /// Bytes that have gone in this connection's life.
    private(set) var sentBytes: UInt64 = 0
    private var sweepAt = Instant.distantFuture
    private var sweepTimer: EventLoop.Timer?
    /// How many more bytes may be sent for now; the rest waits.
    var sendableBytes = Int.max

    init(_ channel: Channel, system: ApusActorSystem, isConnected: Bool, frameBytesMax: Int) {
        self.channel = channel
        self.system = system
        self.loop = system.loop
        self.isConnected = isConnected
        self.frameBytesMax = frameBytesMax
        self.splitter = FrameSplitter(bytesMax: frameBytesMax)
    }

    // MARK: What subclasses say

    /// A frame has arrived.
    ///
    /// An error closes the connection.
    func frameArrived(_ kind: FrameKind, _ number: UInt64, _ reader: inout WireReader) throws(FrameError) {}
    /// The connection is closed; called once.
    func closed(_ reason: String) {}
    /// The connection's deadline for its first frame has passed.
    func handshakeTimedOut() { close("no handshake") }
    /// Ends what has taken too long; returns when to look next.
    func sweep(_ now: Instant) -> Instant { .distantFuture }

    // MARK: Life

    /// Starts to listen to the socket.
    ///
    /// The channel keeps the object alive until ``close(_:)``.
    func open(handshakeBy deadline: Instant) {
        channel.setCallback(
            { context, events in
                Unmanaged<FrameSocket>.fromOpaque(context).takeUnretainedValue().happened(events)
            },
            context: Unmanaged.passRetained(self).toOpaque()
        )
        channel.setDeadline(deadline)
        // Bytes may have come between accepting and now.
        if isConnected, channel.isReadReady { happened(APUS_EPOLLIN) }
    }

    /// The other side has shown who it is: larger frames are believed.
    func greeted(frameBytesMax: Int) {
        channel.setDeadline(.distantFuture)
        self.frameBytesMax = frameBytesMax
    }

    func close(_ reason: String, abort: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        if let sweepTimer { loop.cancel(sweepTimer) }
        sweepTimer = nil
        if abort { channel.abort() } else { channel.close() }
        closed(reason)
        Unmanaged.passUnretained(self).release()
    }

    // MARK: Events

    private func happened(_ events: UInt32) {
        guard !isClosed else { return }
        if events & Channel.timedOutEvent != 0 {
            // Not from here: the loop is walking over its deadlines, and closing takes this one out.
            return loop.execute { if !self.isClosed { self.handshakeTimedOut() } }
        }
        if !isConnected {
            switch channel.connectResult {
            case .wouldBlock: return
            case .failed(let error): return close(SystemError("connect", errno: error).description)
            default: isConnected = true
            }
        }
        if events & APUS_EPOLLOUT != 0 { flush() }
        if channel.isReadReady { receive() }
    }

    private func receive() {
        let scratch = system.scratch
        // A peer that floods gets its share of a turn, not all of it: the rest is read at the next turn.
        for _ in 0..<8 {
            guard !isClosed else { return }
            switch channel.receive(into: scratch) {
            case .bytes(let count):
                take(UnsafeRawBufferPointer(start: scratch.baseAddress, count: count))
                if !channel.isReadReady { return }
            case .wouldBlock: return
            case .end: return close("closed by the peer")
            case .failed(let error): return close(SystemError("receive", errno: error).description)
            }
        }
        if !isClosed { loop.execute { if !self.isClosed { self.receive() } } }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        do throws(FrameError) {
            try splitter.feed(bytes) { kind, number, reader throws(FrameError) in
                if !isClosed { try frameArrived(kind, number, &reader) }
                return frameBytesMax
            }
        } catch {
            system.counters.framesRefused += 1
            close(error.reason, abort: true)
        }
    }

    // MARK: Sending

    /// Bytes written and not sent yet.
    var unsentBytes: Int { out.count - flushed }
    /// Where the next byte written will be in the connection's life.
    var writtenBytes: UInt64 { sentBytes + UInt64(unsentBytes) }

    /// Has what was written sent at the end of this turn.
    @inline(__always)
    func markDirty() {
        if isDirty { return }
        isDirty = true
        system.dirty(self)
    }

    func turnEnded() {
        isDirty = false
        if !isClosed, isConnected { flush() }
    }

    private func flush() {
        while flushed < out.count, sendableBytes > 0 {
            let end = flushed + min(out.count - flushed, sendableBytes)
            let result = out.withBytes { bytes in
                channel.send(UnsafeRawBufferPointer(rebasing: bytes[flushed..<end]))
            }
            switch result {
            case .bytes(let count):
                flushed += count
                if sendableBytes != .max { sendableBytes -= count }
                sentBytes += UInt64(count)
                continue
            case .wouldBlock, .end:
                if flushed > 64 << 10 {
                    out.dropFirst(flushed)
                    flushed = 0
                }
                return
            case .failed(let error):
                return close(SystemError("send", errno: error).description)
            }
        }
        guard flushed == out.count else { return }
        out.reset()
        flushed = 0
    }

    // MARK: Deadlines

    /// Makes sure ``sweep(_:)`` is called at `deadline` or before.
    @inline(__always)
    func expect(by deadline: Instant) {
        if deadline < sweepAt { sweepNoLater(than: deadline) }
    }

    private func sweepNoLater(than deadline: Instant) {
        guard !isClosed else { return }
        if let sweepTimer { loop.cancel(sweepTimer) }
        sweepAt = deadline
        sweepTimer = loop.schedule(at: deadline) {
            self.sweepAt = .distantFuture
            self.sweepTimer = nil
            guard !self.isClosed else { return }
            let next = self.sweep(self.loop.now)
            if next != .distantFuture { self.expect(by: next) }
        }
    }
}
