import ApusCore
import Glibc

extension Exchange {
    /// True once an answer has been begun.
    public var isAnswered: Bool { live.pointee.stage != .none }

    /// Adds a field to the answer's head; before the answer is begun.
    ///
    /// `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are the server's own.
    ///
    /// - Parameters:
    ///   - name: The field's name.
    ///   - value: Its value. Control characters, which could end the line, stop the program.
    public func setField(_ name: StaticString, _ value: some StringProtocol) {
        precondition(!isAnswered, "an answer's head has gone when its body begins")
        var value = String(value)
        value.withUTF8 { bytes in
            precondition(bytes.allSatisfy { $0 >= 32 && $0 != 127 || $0 == 9 }, "a control character in a field")
            let fields = workspace.pointee.fields
            fields.pointee.append(name)
            fields.pointee.append(": ")
            fields.pointee.append(UnsafeRawBufferPointer(bytes))
            fields.pointee.append("\r\n")
        }
    }

    /// Answers with `bytes`.
    ///
    /// - Parameters:
    ///   - status: The answer's status.
    ///   - type: The media type, or `nil` for an answer without one.
    ///   - bytes: The body; copied.
    public func answer(_ status: Status = .ok, type: StaticString?, bytes: UnsafeRawBufferPointer) {
        beginAnswer(status, type: type, length: bytes.count)
        if sendsBody(status) { workspace.pointee.output.pointee.append(bytes) }
        live.pointee.answerBytes = bytes.count
        live.pointee.stage = .complete
    }

    /// Answers without a body.
    public func answer(_ status: Status) {
        answer(status, type: nil, bytes: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Answers with a text.
    public func answer(_ status: Status = .ok, type: StaticString, text: String) {
        var text = text
        text.withUTF8 { answer(status, type: type, bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Answers with what `write` writes, straight into the bytes that are sent.
    public func answer(_ status: Status = .ok, type: StaticString?, _ write: (inout ByteWriter) -> Void) {
        let digits = 5
        let output = workspace.pointee.output
        // The body goes right behind the head, whose length field is filled in when the body's length is known.
        let lengthPlace = beginAnswer(status, type: type, length: 10_000)
        let bodyStart = output.pointee.count
        write(&output.pointee)
        let count = output.pointee.count - bodyStart
        live.pointee.answerBytes = count
        live.pointee.stage = .complete
        fillLength(count, at: lengthPlace, digits: digits, bodyStart: bodyStart)
        if !sendsBody(status) { output.pointee.truncate(to: output.pointee.count - count) }
    }

    /// Puts a body's length into a head that left `digits` places for it, and closes or widens the gap.
    private func fillLength(_ count: Int, at place: Int, digits: Int, bodyStart: Int) {
        guard place >= 0 else { return }
        let output = workspace.pointee.output
        let needed = Decimal.count(UInt64(truncatingIfNeeded: count))
        if needed > digits {
            let more: StaticString = "00000000000000000000"
            output.pointee.append(UnsafeRawBufferPointer(start: more.utf8Start, count: needed - digits))
        }
        let base = output.pointee.base
        let tail = place + digits
        let end = bodyStart + count
        if needed != digits {
            memmove(base + place + needed, base + tail, end - tail)
            output.pointee.truncate(to: end + needed - digits)
        }
        Decimal.write(UInt64(truncatingIfNeeded: count), to: base + place)
    }

    private func sendsBody(_ status: Status) -> Bool {
        live.pointee.head.method != .head && !status.neverHasBody
    }

    // MARK: Streaming

    /// Begins an answer whose body follows in parts.
    ///
    /// - Parameters:
    ///   - status: The answer's status.
    ///   - type: The media type, or `nil` for an answer without one.
    ///   - length: The body's length where it is known; chunks otherwise.
    public func beginStreaming(_ status: Status = .ok, type: StaticString?, length: Int? = nil) {
        live.pointee.isChunked = length == nil && live.pointee.head.minorVersion == 1 && sendsBody(status)
        if length == nil && live.pointee.head.minorVersion == 0 { live.pointee.keepAlive = false }
        beginAnswer(status, type: type, length: length)
        live.pointee.answerLength = length ?? -1
        live.pointee.stage = .streaming
    }

    /// Sends a part of the body; waits while the client takes less than is written.
    ///
    /// - Throws: ``BodyError`` when the client has gone.
    public func write(_ bytes: UnsafeRawBufferPointer) async throws(BodyError) {
        precondition(live.pointee.stage == .streaming, "a streamed body has a beginning and no end yet")
        guard !bytes.isEmpty else { return }
        live.pointee.answerBytes += bytes.count
        if live.pointee.answerLength >= 0 {
            precondition(live.pointee.answerBytes <= live.pointee.answerLength, "more body than the stated length")
        }
        guard sendsBody(live.pointee.status) else { return }
        let output = workspace.pointee.output
        if live.pointee.isChunked {
            output.pointee.append(most: ChunkFrame.headBytesMax) { ChunkFrame.writeHead(count: bytes.count, to: $0) }
        }
        output.pointee.append(bytes)
        if live.pointee.isChunked { output.pointee.append(ChunkFrame.tail) }
        if output.pointee.count >= 16 << 10, await !flush() { throw BodyError(.clientGone) }
    }

    /// Sends a part of the body.
    ///
    /// - Throws: ``BodyError`` when the client has gone.
    public func write(_ bytes: [UInt8]) async throws(BodyError) {
        // The copy into the output buffer is made before the first wait, so the array's bytes need not outlive it.
        var offset = 0
        while offset < bytes.count {
            let part = bytes[offset..<min(bytes.count, offset + 64 << 10)]
            appendPart(part)
            offset = part.endIndex
            if workspace.pointee.output.pointee.count >= 16 << 10, await !flush() { throw BodyError(.clientGone) }
        }
    }

    private func appendPart(_ part: ArraySlice<UInt8>) {
        precondition(live.pointee.stage == .streaming, "a streamed body has a beginning and no end yet")
        live.pointee.answerBytes += part.count
        if live.pointee.answerLength >= 0 {
            precondition(live.pointee.answerBytes <= live.pointee.answerLength, "more body than the stated length")
        }
        guard sendsBody(live.pointee.status) else { return }
        let output = workspace.pointee.output
        if live.pointee.isChunked {
            output.pointee.append(most: ChunkFrame.headBytesMax) { ChunkFrame.writeHead(count: part.count, to: $0) }
        }
        part.withUnsafeBytes { output.pointee.append($0) }
        if live.pointee.isChunked { output.pointee.append(ChunkFrame.tail) }
    }

    /// Sends what was written so far instead of gathering more; for events that should arrive now.
    ///
    /// - Throws: ``BodyError`` when the client has gone.
    public func flushStreaming() async throws(BodyError) {
        if await !flush() { throw BodyError(.clientGone) }
    }

    /// Ends a streamed body.
    ///
    /// - Parameter trailers: Fields behind a chunked body; left out where the body is not chunked.
    public func endStreaming(trailers: [(name: StaticString, value: String)] = []) {
        precondition(live.pointee.stage == .streaming, "a streamed body ends once")
        live.pointee.stage = .complete
        if live.pointee.answerBytes < live.pointee.answerLength, sendsBody(live.pointee.status) {
            // The client must not take the next answer for the rest of this one.
            live.pointee.keepAlive = false
        }
        guard live.pointee.isChunked else { return }
        let output = workspace.pointee.output
        guard !trailers.isEmpty else { return output.pointee.append(ChunkFrame.end) }
        output.pointee.append(ChunkFrame.last)
        for trailer in trailers {
            precondition(trailer.value.utf8.allSatisfy { $0 >= 32 && $0 != 127 }, "a control character in a trailer")
            output.pointee.append(trailer.name)
            output.pointee.append(": ")
            output.pointee.append(string: trailer.value)
            output.pointee.append("\r\n")
        }
        output.pointee.append("\r\n")
    }

    // MARK: Heads

    /// Writes an answer's head.
    ///
    /// - Parameters:
    ///   - status: The answer's status.
    ///   - type: The media type, or `nil` for none.
    ///   - length: The body's length, or `nil` where chunks or the connection's end bound it.
    /// - Returns: Where the length's digits begin in the output, or -1 without a length.
    @discardableResult
    private func beginAnswer(_ status: Status, type: StaticString?, length: Int?) -> Int {
        let connection = live
        precondition(connection.pointee.stage == .none, "a request is answered once")
        connection.pointee.status = status
        let workspace = connection.workspaceInUse
        let output = workspace.pointee.output
        if status == .ok {
            output.pointee.append("HTTP/1.1 200 OK\r\n")
        } else {
            output.pointee.append("HTTP/1.1 ")
            output.pointee.append(decimal: Int(status.code))
            output.pointee.append(" ")
            output.pointee.append(status.reason)
            output.pointee.append("\r\n")
        }
        connection.pointee.worker._withUnsafeGuaranteedRef { worker in
            worker.appendServerFields(to: &output.pointee)
        }
        if let type {
            output.pointee.append("Content-Type: ")
            output.pointee.append(type)
            output.pointee.append("\r\n")
        }
        if workspace.pointee.fields.pointee.count > 0 {
            output.pointee.append(workspace.pointee.fields.pointee.bytes)
            workspace.pointee.fields.pointee.removeAll()
        }
        if connection.pointee.isDraining { connection.pointee.keepAlive = false }
        if !connection.pointee.keepAlive {
            output.pointee.append("Connection: close\r\n")
        } else if connection.pointee.head.minorVersion == 0 {
            output.pointee.append("Connection: keep-alive\r\n")
        }
        var lengthPlace = -1
        if connection.pointee.isChunked {
            output.pointee.append("Transfer-Encoding: chunked\r\n")
        } else if let length, !(status.neverHasBody) {
            output.pointee.append("Content-Length: ")
            lengthPlace = output.pointee.count
            output.pointee.append(decimal: length)
            output.pointee.append("\r\n")
        }
        output.pointee.append("\r\n")
        return lengthPlace
    }
}
