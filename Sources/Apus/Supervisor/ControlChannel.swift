import ApusCore
import ApusRuntime
import Glibc

/// A supervisor's line to one of its processes, or the other end of it: JSON documents, one a line.
///
/// Both directions are bounded: a peer that sends too long a line, or takes nothing, is cut off.
//
// `@unchecked Sendable` is sound because everything happens on the channel's loop, which every entry point checks.
final class ControlChannel<Outgoing: Encodable & Sendable, Incoming: Decodable & Sendable>: @unchecked Sendable {
    /// Longest line believed, in bytes; the metrics of a process are the longest there are.
    static var lineBytesMax: Int { 8 << 20 }
    /// Most bytes that wait for the other side.
    static var unsentBytesMax: Int { 16 << 20 }

    private let channel: Channel
    private let loop: EventLoop
    private var unsent: [UInt8] = []
    private var isFlushing = false
    private var isClosed = false

    /// Takes over a non-blocking socket.
    ///
    /// Only on the loop's own thread.
    init(_ descriptor: Int32, on loop: EventLoop) throws {
        channel = try Channel(adopting: descriptor, on: loop)
        self.loop = loop
    }

    /// Sends a message; one that finds the line cut is lost, as its sender will see from the line's end.
    func send(_ message: Outgoing) {
        precondition(loop.isCurrent, "a control channel belongs to its loop")
        guard !isClosed, let text = try? JSONDocument.encode(message) else { return }
        guard unsent.count + text.utf8.count < Self.unsentBytesMax else { return close() }
        unsent.append(contentsOf: text.utf8)
        unsent.append(UInt8(ascii: "\n"))
        guard !isFlushing else { return }
        isFlushing = true
        Task(executorPreference: loop) { await self.flush() }
    }

    private func flush() async {
        while !isClosed, !unsent.isEmpty {
            switch unsent.withUnsafeBytes({ channel.send($0) }) {
            case .bytes(let count): unsent.removeFirst(count)
            case .wouldBlock: _ = await channel.writable(by: .distantFuture)
            case .end, .failed: close()
            }
        }
        isFlushing = false
    }

    /// Hands each message to `body`, until the other side closes, breaks the rules, or ``close()`` is called.
    func run(_ body: (Incoming) async -> Void) async {
        precondition(loop.isCurrent, "a control channel belongs to its loop")
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while !isClosed {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count):
                for part in chunk[..<count].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                    .enumerated()
                {
                    if part.offset > 0 {
                        guard let message = try? JSONDocument.decode(Incoming.self, from: line) else { return close() }
                        line.removeAll(keepingCapacity: line.count < 1 << 20)
                        await body(message)
                        if isClosed { return }
                    }
                    line.append(contentsOf: part.element)
                    guard line.count <= Self.lineBytesMax else { return close() }
                }
            case .wouldBlock: _ = await channel.readable(by: .distantFuture)
            case .end, .failed: return close()
            }
        }
    }

    /// Cuts the line.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        channel.close()
    }
}

/// Two connected sockets.
enum SocketPair {
    /// - Returns: The end to keep, non-blocking, and the end to give away.
    /// - Throws: ``SystemError`` where the process is out of descriptors.
    static func make(theirsBlocks: Bool) throws -> (mine: Int32, theirs: Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SystemError("socketpair") }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        if !theirsBlocks { _ = fcntl(ends[1], F_SETFL, O_NONBLOCK) }
        return (ends[0], ends[1])
    }
}
