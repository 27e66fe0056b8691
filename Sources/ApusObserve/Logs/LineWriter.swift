import ApusCore
import CLinux

/// Collects lines in a buffer a thread and hands them to a sink in large pieces.
///
/// Appending takes no lock and allocates nothing, except in threads beyond the 63rd, which share a buffer and a lock.
/// Where the sink does not take lines and the buffer is full, new lines are dropped and counted.
//
// `@unchecked Sendable` is sound because a buffer is touched only by the thread whose slot it is, or under `shared`.
final class LineWriter: @unchecked Sendable {
    let sink: LineSink
    let capacity: Int
    private let clock: any Clock
    private let buffers: UnsafeMutablePointer<LineBuffer>
    // A word, not Void: the thread sanitizer takes an empty state for its neighbour in memory.
    private let shared = Lock(0)
    private let dropped: Counter
    private let written: Counter

    /// Shortest capacity taken: two of the longest lines.
    static let lineBytesMax = 32 << 10

    init(sink: LineSink, capacity: Int, clock: any Clock, log: String, metrics: Metrics) {
        precondition(capacity >= 2 * Self.lineBytesMax, "a buffer holds two of the longest lines")
        self.sink = sink
        self.capacity = capacity
        self.clock = clock
        let lines = metrics.counters("apus_log_lines_total", help: "Lines handed to the log's sink.", labels: ["log"])
        let lost = metrics.counters(
            "apus_log_lines_dropped_total",
            help: "Lines thrown away because the log's sink did not take them.",
            labels: ["log"]
        )
        written = lines.series(log)
        dropped = lost.series(log)
        buffers = .allocate(capacity: ThreadSlot.count)
        buffers.initialize(repeating: LineBuffer(), count: ThreadSlot.count)
    }

    deinit {
        for slot in 0..<ThreadSlot.count {
            drain(&buffers[slot])
            buffers[slot].bytes?.deallocate()
        }
        buffers.deallocate()
    }

    /// Appends one line, which `fill` writes, line feed included.
    ///
    /// - Parameters:
    ///   - bytesMax: The most that `fill` writes; at most ``lineBytesMax``.
    ///   - now: Monotonic time, for the line's time stamp and to flush once a second.
    ///   - fill: Writes the line; gets the place and this thread's stamp, returns the end.
    @inline(__always)
    func append(
        bytesMax: Int,
        at now: Instant,
        _ fill: (UnsafeMutablePointer<UInt8>, inout TimeStamp) -> UnsafeMutablePointer<UInt8>
    ) {
        let slot = ThreadSlot.current()
        if slot != 0 {
            append(&buffers[slot], bytesMax, now, fill)
        } else {
            shared.withLock { _ in append(&buffers[0], bytesMax, now, fill) }
        }
    }

    @inline(__always)
    private func append(
        _ buffer: inout LineBuffer,
        _ bytesMax: Int,
        _ now: Instant,
        _ fill: (UnsafeMutablePointer<UInt8>, inout TimeStamp) -> UnsafeMutablePointer<UInt8>
    ) {
        if buffer.count &+ bytesMax > buffer.limit || now.nanoseconds >= buffer.refreshAt {
            guard refresh(&buffer, bytesMax, now) else { return dropped.increment() }
        }
        guard let bytes = buffer.bytes else { return }
        buffer.stamp.nanoseconds = now.nanoseconds &+ buffer.wallOffset
        let start = bytes + buffer.count
        buffer.count = fill(start, &buffer.stamp) - bytes
        buffer.lines &+= 1
    }

    /// Makes room, and once a second learns the wall clock and hands over what lies there.
    @inline(never)
    private func refresh(_ buffer: inout LineBuffer, _ bytesMax: Int, _ now: Instant) -> Bool {
        if buffer.bytes == nil {
            buffer.bytes = .allocate(capacity: capacity)
            buffer.limit = capacity
        }
        if now.nanoseconds >= buffer.refreshAt {
            buffer.wallOffset = clock.wallNanoseconds() - clock.now().nanoseconds
            buffer.refreshAt = now.nanoseconds + 1_000_000_000
        }
        drain(&buffer)
        return buffer.count + bytesMax <= buffer.limit
    }

    /// Hands over what this thread collected.
    func flush() {
        let slot = ThreadSlot.current()
        if slot != 0 { drain(&buffers[slot]) }
        shared.withLock { _ in drain(&buffers[0]) }
    }

    private func drain(_ buffer: inout LineBuffer) {
        guard buffer.count > 0, let bytes = buffer.bytes else { return }
        let taken = sink.write(UnsafeRawBufferPointer(start: bytes, count: buffer.count))
        if taken == buffer.count {
            written.add(buffer.lines)
            buffer.lines = 0
        } else if taken > 0 {
            // Rare: the sink took a part. The rest moves to the front.
            let left = buffer.count - taken
            let lines = (0..<taken).reduce(0) { $0 + (bytes[$1] == UInt8(ascii: "\n") ? 1 : 0) }
            written.add(lines)
            buffer.lines -= lines
            bytes.update(from: bytes + taken, count: left)
        }
        buffer.count -= taken
    }
}

/// A thread's own part of a ``LineWriter``.
struct LineBuffer {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var limit = 0
    var lines = 0
    var refreshAt = Int64.min
    var wallOffset: Int64 = 0
    var stamp = TimeStamp()
    // Keeps the buffers of two threads in different cache lines.
    private var padding: (Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64) = (0, 0, 0, 0, 0, 0, 0, 0)
}
