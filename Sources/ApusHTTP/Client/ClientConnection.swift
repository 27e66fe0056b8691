import ApusCore
import ApusRuntime

/// One kept-alive connection of a client: a request at a time.
//
// Not Sendable: it belongs to its client's loop.
final class ClientConnection {
    let channel: Channel
    private var input: [UInt8] = []
    private var consumed = 0
    private let table = HeaderTable.allocate()
    private(set) var isReusable = true
    /// When it was last used, for the idle limit.
    var idleSince = Instant(nanoseconds: 0)
    /// How many requests it has carried.
    private(set) var requestCount = 0

    init(channel: Channel) { self.channel = channel }

    deinit { table.deallocate() }

    /// Sends a request and reads its answer.
    ///
    /// - Throws: ``ClientError``; the connection is not reusable afterwards.
    func exchange(
        _ request: ClientRequest,
        host: String,
        bytesMax: Int,
        deadline: Instant
    ) async throws(ClientError) -> ClientResponse {
        isReusable = false
        requestCount += 1
        var output = ByteWriter(capacity: 1024 + request.body.count)
        try request.write(to: &output, host: host)
        try await send(output, deadline: deadline)
        var parser = ResponseParser(answering: request.method)
        var head = ResponseHead()
        while true {
            let headBytes = try await readHead(&parser, &head, deadline: deadline)
            let fields = self.fields(headBytes)
            consumed += headBytes
            if head.status.isInformational && head.status != .switchingProtocols {
                parser = ResponseParser(answering: request.method)
                continue
            }
            let body = try await readBody(head.framing, bytesMax: bytesMax, deadline: deadline)
            if consumed == input.count {
                input.removeAll(keepingCapacity: true)
                consumed = 0
                isReusable = head.keepAlive && head.framing != .untilClose && !channel.isPeerClosed
            }
            return ClientResponse(status: head.status, fields: fields, body: body)
        }
    }

    func close() { channel.close() }

    private func send(_ output: borrowing ByteWriter, deadline: Instant) async throws(ClientError) {
        var sent = 0
        while sent < output.count {
            switch channel.send(UnsafeRawBufferPointer(rebasing: output.bytes[sent...])) {
            case .bytes(let count): sent += count
            case .wouldBlock: try await wait(channel.writableCancellably(by: deadline))
            case .end: throw ClientError(.connectionLost, wasSent: sent > 0)
            case .failed(let error):
                // A server that refuses a long body may have answered before it closed: look before giving up.
                if sent > 0 && channel.isReadReady { return }
                throw ClientError(.connectionLost, wasSent: sent > 0, cause: SystemError("send", errno: error))
            }
        }
    }

    private func wait(_ wake: Channel.Wake) throws(ClientError) {
        switch wake {
        case .ready: return
        case .timedOut: throw ClientError(.timedOut, wasSent: true)
        case .cancelled: throw ClientError(.timedOut, wasSent: true, cause: CancellationError())
        }
    }

    /// Reads more input.
    ///
    /// - Returns: False at the connection's end.
    private func receive(deadline: Instant) async throws(ClientError) -> Bool {
        if consumed > 0 && consumed == input.count {
            input.removeAll(keepingCapacity: true)
            consumed = 0
        }
        while true {
            var chunk = InlineArray<16384, UInt8>(repeating: 0)
            let result = withUnsafeMutableBytes(of: &chunk) { bytes in
                let result = channel.receive(into: bytes)
                if case .bytes(let count) = result {
                    input.append(contentsOf: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<count]))
                }
                return result
            }
            switch result {
            case .bytes: return true
            case .wouldBlock: try await wait(channel.readableCancellably(by: deadline))
            case .end: return false
            case .failed(let error):
                throw ClientError(.connectionLost, wasSent: true, cause: SystemError("receive", errno: error))
            }
        }
    }

    private func readHead(
        _ parser: inout ResponseParser,
        _ head: inout ResponseHead,
        deadline: Instant
    ) async throws(ClientError) -> Int {
        while true {
            if input.count > consumed {
                do throws(ParseError) {
                    let progress = try input.withUnsafeBytes { bytes in
                        Result { () throws(ParseError) in
                            try parser.parse(
                                UnsafeRawBufferPointer(rebasing: bytes[consumed...]),
                                head: &head,
                                table: table
                            )
                        }
                    }.get()
                    if case .complete(let count) = progress { return count }
                } catch { throw ClientError(.malformedResponse, wasSent: true, cause: error) }
            }
            if try await !receive(deadline: deadline) { throw ClientError(.connectionLost, wasSent: true) }
        }
    }

    private func fields(_ headBytes: Int) -> [(name: String, value: String)] {
        input.withUnsafeBytes { bytes in
            let head = UnsafeRawBufferPointer(rebasing: bytes[consumed..<consumed + headBytes])
            return (0..<table.count).map { (table[$0].name.string(in: head), table[$0].value.string(in: head)) }
        }
    }

    private func readBody(
        _ framing: BodyFraming,
        bytesMax: Int,
        deadline: Instant
    ) async throws(ClientError) -> [UInt8] {
        if case .length(let length) = framing, length > UInt64(bytesMax) {
            throw ClientError(.responseTooLarge, wasSent: true)
        }
        var body: [UInt8] = []
        if framing == .untilClose {
            while true {
                body.append(contentsOf: input[consumed...])
                consumed = input.count
                if body.count > bytesMax { throw ClientError(.responseTooLarge, wasSent: true) }
                if try await !receive(deadline: deadline) { return body }
            }
        }
        var reader = BodyReader()
        reader.begin(framing)
        while true {
            let part: BodyReader.Part
            do throws(ParseError) {
                part = try input.withUnsafeBytes { bytes in
                    Result { () throws(ParseError) in try reader.next(bytes, at: &consumed) }
                }.get()
            } catch { throw ClientError(.malformedResponse, wasSent: true, cause: error) }
            switch part {
            case .bytes(let range):
                if body.count + range.count > bytesMax { throw ClientError(.responseTooLarge, wasSent: true) }
                body.append(contentsOf: input[range])
            case .end: return body
            case .needMore:
                if try await !receive(deadline: deadline) { throw ClientError(.connectionLost, wasSent: true) }
            }
        }
    }
}
