import ApusCore

/// What a loop knows of one descriptor.
///
/// Trivial on purpose: it lives in raw memory that the loop never returns, so a ``Channel`` is a bare pointer
/// and nothing on the hot path counts references. Only the loop's own thread touches it.
struct ChannelState {
    /// The descriptor, or a simulated socket's number.
    var descriptor: Int32
    /// Counts the lives of this memory, so that a handle kept too long is noticed.
    var generation: UInt32 = 0
    var readReady = false
    var writeReady = false
    /// The peer has closed its side; what it sent before can still be read.
    var peerClosed = false
    var isOpen = false
    var isSimulated = false
    /// TLS over the socket, in memory that the channel frees when it closes.
    var tls: UnsafeMutablePointer<TLSState>?
    /// Below TLS: the last read took all there was, and until the next event another one would only say so.
    var isDrained = false
    /// Bytes do not go straight through a socket: one question on the way of those that do.
    var isDetoured = false
    var readWaiter: UnsafeContinuation<Channel.Wake, Never>?
    var writeWaiter: UnsafeContinuation<Channel.Wake, Never>?
    var readDeadline = Int64.max
    var writeDeadline = Int64.max
    /// Called with the readiness that changed, in place of the waiters, for owners that are state machines.
    var callback: Channel.Callback?
    var context: UnsafeMutableRawPointer?
    /// The loop, unowned: it outlives its channels.
    var loop: Unmanaged<EventLoop>
    // Links of the timer wheel.
    var armedFor = Int64.max
    var wheelSlot = Int32(-1)
    var previous: UnsafeMutablePointer<ChannelState>?
    var next: UnsafeMutablePointer<ChannelState>?

    /// The nearest time at which somebody stops waiting.
    var deadline: Int64 { min(readDeadline, writeDeadline) }
}

/// Memory for channel states: taken in blocks, handed out again after a batch of events, never returned.
struct ChannelSlab: ~Copyable {
    private var free: [UnsafeMutablePointer<ChannelState>] = []
    private var closedInThisBatch: [UnsafeMutablePointer<ChannelState>] = []
    private var blocks: [UnsafeMutablePointer<ChannelState>] = []
    private static let blockCount = 256
    private(set) var openCount = 0

    mutating func take(descriptor: Int32, loop: EventLoop) -> UnsafeMutablePointer<ChannelState> {
        if free.isEmpty { addBlock(loop: loop) }
        let state = free.removeLast()
        let generation = state.pointee.generation
        state.pointee = ChannelState(descriptor: descriptor, generation: generation, loop: .passUnretained(loop))
        state.pointee.isOpen = true
        openCount += 1
        return state
    }

    /// The memory may be handed out again once the current batch of events is done: until then an event that was
    /// fetched before the close may still name it.
    mutating func give(_ state: UnsafeMutablePointer<ChannelState>) {
        state.pointee.isOpen = false
        state.pointee.generation &+= 1
        closedInThisBatch.append(state)
        openCount -= 1
    }

    mutating func batchEnded() {
        if closedInThisBatch.isEmpty { return }
        free.append(contentsOf: closedInThisBatch)
        closedInThisBatch.removeAll(keepingCapacity: true)
    }

    private mutating func addBlock(loop: EventLoop) {
        let block = UnsafeMutablePointer<ChannelState>.allocate(capacity: Self.blockCount)
        blocks.append(block)
        for index in (0..<Self.blockCount).reversed() {
            (block + index).initialize(to: ChannelState(descriptor: -1, loop: .passUnretained(loop)))
            free.append(block + index)
        }
    }

    deinit {
        for block in blocks { block.deallocate() }
    }
}
