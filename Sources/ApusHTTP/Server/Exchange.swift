public import ApusCore
public import ApusObserve
public import ApusRuntime

/// One request and its answer, while a handler works on them.
///
/// A bare pointer into the server's memory: passing it about costs nothing, and everything it gives as raw bytes is
/// good only until the handler returns, or where said until the next part of the body is read. Use after that is a
/// programmer's mistake and stops the program. It is not `Sendable`: copy out what other tasks need.
public struct Exchange {
    let connection: UnsafeMutablePointer<ServerConnection>
    let generation: UInt32

    init(_ connection: UnsafeMutablePointer<ServerConnection>) {
        self.connection = connection
        generation = connection.pointee.generation
    }

    @inline(__always)
    var live: UnsafeMutablePointer<ServerConnection> {
        precondition(connection.pointee.generation == generation, "an exchange ends when its handler returns")
        return connection
    }

    var workspace: UnsafeMutablePointer<Workspace> { live.workspaceInUse }

    // MARK: The request

    /// The request's method.
    public var method: Method { live.pointee.head.method }
    /// The path as it came, percent-encoded.
    public var path: UnsafeRawBufferPointer { live.pointee.head.path.bytes(in: live.headBytes) }
    /// What follows the question mark, or nothing.
    public var query: UnsafeRawBufferPointer { live.pointee.head.query.bytes(in: live.headBytes) }
    /// Path and query as they came.
    public var target: UnsafeRawBufferPointer { live.pointee.head.target.bytes(in: live.headBytes) }
    /// The host and port that the request is for.
    public var authority: UnsafeRawBufferPointer { live.pointee.head.authority.bytes(in: live.headBytes) }
    /// The peer's IPv4 address in host byte order; 0 on a Unix socket.
    public var peerAddress: UInt32 { live.pointee.peer }
    /// When the request's first byte was read.
    public var begun: Instant { live.pointee.begun }
    /// The loop that serves the request.
    public var loop: EventLoop { live.pointee.channel.loop }
    /// The span of this request.
    public var span: Span { live.pointee.span }

    /// The first value of a known field, or `nil`.
    public func field(_ name: HeaderName) -> UnsafeRawBufferPointer? {
        workspace.pointee.table.value(of: name)?.bytes(in: live.headBytes)
    }

    /// The first value of a known field as text, or `nil` when it is absent or not UTF-8.
    public func text(_ name: HeaderName) -> String? {
        guard let bytes = field(name) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The first value of any field, by its name in any case.
    public func field(named name: StaticString) -> UnsafeRawBufferPointer? {
        let table = workspace.pointee.table
        guard let index = table.firstIndex(named: name, in: live.headBytes) else { return nil }
        return table[index].value.bytes(in: live.headBytes)
    }

    /// The raw bytes of a path parameter, by its place in the route.
    public func parameter(_ index: Int) -> UnsafeRawBufferPointer { match[index].bytes(in: path) }

    /// Where the path's parameters lie, as offsets into ``path``.
    public var match: RouteMatch { live.pointee.match }

    // MARK: The request's body

    /// The next part of the request's body, or `nil` at its end; good until the next call.
    ///
    /// Parts come as the network brings them, so a slow handler holds the client back, not memory.
    ///
    /// - Throws: ``BodyError`` when the client goes away, is too slow or sends what is no body.
    public func nextBodyPart() async throws(BodyError) -> UnsafeRawBufferPointer? {
        if live.pointee.continueWanted { try await sendContinue() }
        while true {
            switch live.receiveBody() {
            case .part(let bytes): return bytes
            case .end: return nil
            case .wait:
                switch await live.pointee.channel.readable(by: bodyDeadline) {
                case .ready: continue
                case .timedOut: throw BodyError(.tooSlow)
                case .cancelled: throw BodyError(.clientGone)
                }
            case .malformed(let error): throw BodyError(.malformed, cause: error)
            case .closed: throw BodyError(.clientGone)
            }
        }
    }

    /// The whole body.
    ///
    /// - Parameter bytesMax: Refuses a longer one, before reading it where its length is stated; the route's bound,
    ///   else the server's ``ServerConfiguration/bodyBytesMax``, unless given.
    /// - Returns: Its bytes.
    /// - Throws: ``BodyError``.
    public func body(bytesMax: Int? = nil) async throws(BodyError) -> [UInt8] {
        let most = bytesMax ?? live.pointee.bodyBytesMax
        if let stated = live.pointee.body.statedLength, stated > UInt64(most) { throw BodyError(.tooLarge) }
        var body: [UInt8] = []
        while let part = try await nextBodyPart() {
            if body.count + part.count > most { throw BodyError(.tooLarge) }
            body.append(contentsOf: part)
        }
        return body
    }

    private func sendContinue() async throws(BodyError) {
        live.pointee.continueWanted = false
        workspace.pointee.output.pointee.append("HTTP/1.1 100 Continue\r\n\r\n")
        guard await flush() else { throw BodyError(.clientGone) }
    }

    // MARK: Sending

    /// Sends what is buffered, waiting for the client where it must.
    ///
    /// - Returns: False when the client has gone or takes nothing for too long.
    func flush() async -> Bool {
        while true {
            switch live.flush() {
            case .done: return true
            case .lost: return false
            case .wait: if await live.pointee.channel.writable(by: bodyDeadline) != .ready { return false }
            }
        }
    }

    /// Until when bytes of a body must come or go from now on.
    private var bodyDeadline: Instant {
        live.pointee.worker._withUnsafeGuaranteedRef { worker in
            Instant(nanoseconds: worker.loop.now.nanoseconds &+ worker.bodyLimit)
        }
    }
}

/// Why a request's body could not be read, or an answer's not be written.
public struct BodyError: Error, Sendable, CustomStringConvertible {
    /// What happened.
    public enum Code: Sendable, Hashable {
        /// The client closed the connection, or it broke.
        case clientGone
        /// Nothing came, or nothing was taken, for the configured time.
        case tooSlow
        /// The body is longer than the handler takes.
        case tooLarge
        /// The body breaks the rules of its framing.
        case malformed
    }

    /// What to match on.
    public let code: Code
    /// The parser's error, where there is one.
    public let cause: ParseError?

    init(_ code: Code, cause: ParseError? = nil) {
        self.code = code
        self.cause = cause
    }

    /// The status a client gets for it, where it can still get one.
    public var status: Status {
        switch code {
        case .clientGone: .badRequest
        case .tooSlow: .requestTimeout
        case .tooLarge: .contentTooLarge
        case .malformed: cause?.status ?? .badRequest
        }
    }

    /// One line for the log.
    public var description: String {
        switch code {
        case .clientGone: "the client has gone"
        case .tooSlow: "the client is too slow"
        case .tooLarge: "the body is too large"
        case .malformed: "the body is malformed"
        }
    }
}
