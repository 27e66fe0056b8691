import ApusCore
import ApusHTTP
import ApusRuntime
import Glibc

/// One kept-alive connection to the target: a request at a time, as a state machine that its socket calls.
///
/// Answers are parsed where they were received; only one that comes in pieces is put together in memory of its own.
//
// Not Sendable: it belongs to its worker's loop.
final class LoadConnection {
    enum State: UInt8 {
        /// On its way to the target; next `busy`, or gone.
        case connecting
        /// Has sent a request, or sends it; next `idle`, or gone.
        case busy
        /// Free; next `busy`, or gone.
        case idle
    }

    /// A visitor's request under way.
    struct Pending {
        let expecting: Expectation
        let isRepeatable: Bool
        let continuation: UnsafeContinuation<Result<LoadResponse, RequestFailed>, Never>
    }

    unowned(unsafe) let worker: LoadWorker
    let channel: Channel
    /// Where its worker keeps it.
    let slot: Int
    var state = State.connecting
    /// When the request was due, and what kind it is.
    var due: Int64 = 0
    var kind = 0
    var method = Method.get
    /// The visitor who waits; nil for a ready-made request.
    var pending: Pending?
    /// The visitor's request; kept so that it can be sent again.
    var output = ByteWriter(capacity: 512)
    private var sent = 0
    private var toSend = 0
    /// It has carried an answer: the target may close it before it carries another.
    private(set) var isUsed = false
    /// An answer has begun.
    private var hasBegun = false
    /// The request was already sent once more.
    var isResent = false

    /// Bytes of an answer that is not whole.
    private var input: [UInt8] = []
    /// The head has been read, and the body is being read.
    private var isInBody = false
    private var reader = BodyReader()
    private var framing = BodyFraming.none
    private var status = Status.ok
    private var keepsAlive = true
    private var body: [UInt8] = []
    private var bodyCount = 0
    private var location: String?
    private var setCookies: [String] = []

    static let bodyBytesMax = 16 << 20

    init(_ channel: Channel, slot: Int, worker: LoadWorker) {
        self.channel = channel
        self.slot = slot
        self.worker = worker
        channel.setCallback(
            { context, events in
                // Kept alive for the event, in which it may be closed and let go of.
                Unmanaged<LoadConnection>.fromOpaque(context).takeUnretainedValue().event(events)
            },
            context: Unmanaged.passUnretained(self).toOpaque()
        )
    }

    // MARK: Sending

    /// Begins a request; its bytes are the worker's ready-made one, or `output`.
    @inline(__always)
    func begin(due: Int64, kind: Int, count: Int, deadline: Instant) {
        self.due = due
        self.kind = kind
        sent = 0
        toSend = count
        hasBegun = false
        isInBody = false
        channel.setDeadline(deadline)
        if state != .connecting {
            state = .busy
            flush()
        }
    }

    @inline(__always)
    private func flush() {
        while sent < toSend {
            let bytes = pending == nil ? worker.fixedBytes : output.bytes
            switch channel.send(UnsafeRawBufferPointer(rebasing: bytes[sent...])) {
            case .bytes(let count): sent &+= count
            case .wouldBlock: return
            case .end, .failed: return worker.lost(self, .connectionLost, mayResend: !hasBegun && isUsed)
            }
        }
    }

    // MARK: Events

    private func event(_ events: UInt32) {
        if events == Channel.timedOutEvent { return worker.lost(self, .timedOut, mayResend: false) }
        if state == .connecting {
            switch channel.connectResult {
            case .bytes, .end:
                state = .busy
                flush()
            case .wouldBlock: return
            case .failed: return worker.lost(self, .unreachable, mayResend: false)
            }
        } else if sent < toSend {
            flush()
        }
        guard worker.holds(self) else { return }
        if channel.isReadReady { receive() }
    }

    private func receive() {
        while true {
            switch channel.receive(into: worker.buffer) {
            case .bytes(let count):
                // More than an answer to nothing, or garbage after one, ends the connection.
                guard state == .busy else { return worker.lost(self, .malformed, mayResend: false) }
                hasBegun = true
                let fresh = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(worker.buffer)[..<count])
                guard consume(fresh), channel.isReadReady else { return }
            case .wouldBlock: return
            case .end: return ended()
            case .failed: return worker.lost(self, .connectionLost, mayResend: !hasBegun && isUsed)
            }
        }
    }

    /// The target has closed its side.
    private func ended() {
        if state == .busy, isInBody, framing == .untilClose {
            keepsAlive = false
            return finish()
        }
        worker.lost(self, .connectionLost, mayResend: !hasBegun && isUsed)
    }

    /// Takes what was received.
    ///
    /// - Returns: False once the connection is gone.
    @inline(__always)
    private func consume(_ fresh: UnsafeRawBufferPointer) -> Bool {
        if input.isEmpty {
            let used = parse(fresh)
            if used < 0 { return false }
            if used < fresh.count { input.append(contentsOf: fresh[used...]) }
            return true
        }
        input.append(contentsOf: fresh)
        var whole: [UInt8] = []
        swap(&whole, &input)
        let used = whole.withUnsafeBytes { parse($0) }
        if used < 0 { return false }
        if used < whole.count {
            whole.removeFirst(used)
            input = whole
        } else {
            whole.removeAll(keepingCapacity: true)
            input = whole
        }
        return true
    }

    /// Reads head and body as far as the bytes go.
    ///
    /// - Returns: How many bytes were used; -1 once the connection is gone.
    private func parse(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        do throws(ParseError) {
            while !isInBody {
                var parser = ResponseParser(answering: method)
                var head = ResponseHead()
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                guard case .complete(let count) = try parser.parse(rest, head: &head, table: worker.table) else {
                    return offset
                }
                if !head.status.isInformational || head.status == .switchingProtocols { begin(head, in: rest) }
                offset += count
            }
            return try readBody(bytes, from: offset)
        } catch {
            worker.lost(self, .malformed, mayResend: false)
            return -1
        }
    }

    @inline(__always)
    private func begin(_ head: ResponseHead, in bytes: UnsafeRawBufferPointer) {
        isInBody = true
        status = head.status
        keepsAlive = head.keepAlive
        framing = head.framing
        bodyCount = 0
        reader.begin(head.framing)
        guard pending != nil else { return }
        body.removeAll()
        location = worker.table.value(of: .location)?.string(in: bytes)
        setCookies = []
        if worker.table.contains(.setCookie) {
            for index in 0..<worker.table.count where worker.table[index].id == .setCookie {
                setCookies.append(worker.table[index].value.string(in: bytes))
            }
        }
    }

    @inline(__always)
    private func readBody(_ bytes: UnsafeRawBufferPointer, from start: Int) throws(ParseError) -> Int {
        var offset = start
        if framing == .untilClose {
            take(bytes[start...])
            return bodyCount > Self.bodyBytesMax ? tooLong() : bytes.count
        }
        while true {
            switch try reader.next(bytes, at: &offset) {
            case .bytes(let range):
                take(bytes[range])
                if bodyCount > Self.bodyBytesMax { return tooLong() }
            case .needMore: return offset
            case .end:
                // Nothing was asked for that what follows could answer.
                if offset < bytes.count { keepsAlive = false }
                finish()
                return worker.holds(self) ? bytes.count : -1
            }
        }
    }

    private func tooLong() -> Int {
        worker.lost(self, .malformed, mayResend: false)
        return -1
    }

    @inline(__always)
    private func take(_ part: Slice<UnsafeRawBufferPointer>) {
        bodyCount &+= part.count
        if pending != nil { body.append(contentsOf: part) }
    }

    private func finish() {
        isUsed = true
        isInBody = false
        state = .idle
        let keeps = keepsAlive && !channel.isPeerClosed
        guard let waiting = pending else {
            return worker.answered(self, status, bytes: bodyCount, keeps: keeps)
        }
        pending = nil
        let response = LoadResponse(
            status: status,
            body: body,
            location: location,
            setCookies: setCookies,
            failure: waiting.expecting.holds(status) ? nil : .status
        )
        body = []
        worker.answered(self, waiting, response, keeps: keeps)
    }
}
