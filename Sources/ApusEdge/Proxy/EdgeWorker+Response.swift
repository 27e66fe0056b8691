import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime
import Glibc

/// The answer's way down: from the replica's bytes to the client's socket.
extension EdgeWorker {
    static let upstreamEvent: Channel.Callback = { context, events in
        let upstream = context.assumingMemoryBound(to: Upstream.self)
        upstream.pointee.worker._withUnsafeGuaranteedRef { worker in
            if events & Channel.timedOutEvent != 0 {
                worker.upstreamTimedOut(upstream)
            } else {
                worker.upstreamReady(upstream)
            }
        }
    }

    private func upstreamReady(_ upstream: UnsafeMutablePointer<Upstream>) {
        switch upstream.pointee.phase {
        case .connecting:
            guard let client = upstream.pointee.downstream else { return discard(upstream) }
            switch upstream.pointee.channel.connectResult {
            case .wouldBlock: return
            case .bytes, .end:
                send(client, on: upstream)
                if client.pointee.phase == .exchange, client.pointee.upstream == upstream { pumpResponse(upstream) }
            case .failed: connectionFailed(upstream, client)
            }
        case .busy:
            pumpResponse(upstream)
            if upstream.pointee.phase == .busy, let client = upstream.pointee.downstream,
                client.pointee.requestSent < client.pointee.request?.end ?? 0 || !client.pointee.body.isAtEnd
            {
                pumpRequest(client)
            }
        case .idle:
            // Nothing is owed on an unused connection: it was closed, or the replica talks out of turn.
            if upstream.pointee.channel.isPeerClosed || hasUnaskedBytes(upstream) { discard(upstream) }
        case .closed: return
        }
    }

    private func hasUnaskedBytes(_ upstream: UnsafeMutablePointer<Upstream>) -> Bool {
        upstream.pointee.channel.isReadReady && upstream.pointee.channel.receive(into: readRoom) != .wouldBlock
    }

    private func connectionFailed(
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ client: UnsafeMutablePointer<Downstream>
    ) {
        let replica = upstream.pointee.replica.takeUnretainedValue()
        client.pointee.upstream = nil
        upstream.pointee.downstream = nil
        discard(upstream)
        connectFailed(client, replica)
    }

    private func upstreamTimedOut(_ upstream: UnsafeMutablePointer<Upstream>) {
        switch upstream.pointee.phase {
        case .idle: discard(upstream)
        case .closed: return
        case .connecting:
            guard let client = upstream.pointee.downstream else { return discard(upstream) }
            connectionFailed(upstream, client)
        case .busy:
            guard let client = upstream.pointee.downstream else { return discard(upstream) }
            upstream.pointee.replica._withUnsafeGuaranteedRef { countFailure($0) }
            if client.pointee.isAnswering { return abandon(client) }
            var problem = Problem(.gatewayTimeout, code: "edge.tooSlow")
            problem.detail = "The replica did not answer within \(configuration.responseLimit)."
            answerItself(client, problem)
        }
    }

    /// The replica's connection ended in the middle of something.
    func upstreamBroke(_ upstream: UnsafeMutablePointer<Upstream>) {
        guard let client = upstream.pointee.downstream else { return discard(upstream) }
        let replica = upstream.pointee.replica.takeUnretainedValue()
        let wasKept = upstream.pointee.requestCount > 1
        let heard = upstream.pointee.hasHead || upstream.pointee.partial != nil
        // A kept connection may have been closed just as the request set out; that says nothing of the replica.
        if !wasKept || heard { countFailure(replica) }
        if client.pointee.isAnswering { return abandon(client) }
        discard(upstream)
        let isSafe = client.pointee.head.method.isIdempotent || carriesIdempotencyKey(client)
        if isSafe, !heard, client.pointee.isReplayable, !client.pointee.isRepeated, retryBudget.take() {
            client.pointee.isRepeated = true
            observation.retries.increment()
            return connect(client, avoiding: replica)
        }
        var problem = Problem(.badGateway, code: "edge.replicaLost")
        problem.detail = "The replica ended the connection before it answered."
        answerItself(client, problem)
    }

    private func carriesIdempotencyKey(_ client: UnsafeMutablePointer<Downstream>) -> Bool {
        guard let block = client.pointee.request, client.pointee.isReplayable else { return false }
        let bytes = UnsafeRawBufferPointer(start: block.base, count: block.end)
        var parser = RequestParser(limits: HeadLimits())
        var head = RequestHead()
        guard case .complete = try? parser.parse(bytes, head: &head, table: table) else { return false }
        return table.contains(.idempotencyKey)
    }

    // MARK: Pumping

    /// Moves the answer on, until one side would block or the answer has ended.
    func pumpResponse(_ upstream: UnsafeMutablePointer<Upstream>) {
        while upstream.pointee.phase == .busy, let client = upstream.pointee.downstream {
            // What the client has not taken yet holds the replica back.
            if client.pointee.output != nil { return }
            let bytes: UnsafeRawBufferPointer
            if let partial = upstream.pointee.partial {
                guard partial.parseRoom.count > 0 else { return malformed(upstream) }
                switch upstream.pointee.channel.receive(into: partial.parseRoom) {
                case .bytes(let count): upstream.pointee.partial?.end += count
                case .wouldBlock: return
                case .end, .failed: return upstreamBroke(upstream)
                }
                bytes = upstream.pointee.partial?.bytes ?? partial.bytes
            } else {
                switch upstream.pointee.channel.receive(into: readRoom) {
                case .bytes(let count):
                    bytes = UnsafeRawBufferPointer(start: scratch + Self.headRoom, count: count)
                case .wouldBlock: return
                case .end:
                    if upstream.pointee.isUntilClose && upstream.pointee.hasHead {
                        return finish(client, upstream)
                    }
                    return upstreamBroke(upstream)
                case .failed: return upstreamBroke(upstream)
                }
            }
            if upstream.pointee.hasHead {
                forwardBody(client, upstream, bytes, from: 0)
            } else {
                forwardHead(client, upstream, bytes)
            }
        }
    }

    private func malformed(_ upstream: UnsafeMutablePointer<Upstream>) {
        guard let client = upstream.pointee.downstream else { return discard(upstream) }
        upstream.pointee.replica._withUnsafeGuaranteedRef { countFailure($0) }
        if client.pointee.isAnswering { return abandon(client) }
        var problem = Problem(.badGateway, code: "edge.malformedAnswer")
        problem.detail = "What the replica answered is not HTTP."
        answerItself(client, problem)
    }

    private func forwardHead(
        _ client: UnsafeMutablePointer<Downstream>,
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let headBytes: Int
        do throws(ParseError) {
            let progress = try upstream.pointee.parser.parse(bytes, head: &upstream.pointee.head, table: table)
            guard case .complete(let count) = progress else {
                if upstream.pointee.partial == nil {
                    var block = blocks.take()
                    block.append(bytes)
                    upstream.pointee.partial = block
                    // The next look starts over: the table is the loop's, not the connection's.
                }
                upstream.pointee.parser = ResponseParser(answering: client.pointee.head.method)
                return
            }
            headBytes = count
        } catch { return malformed(upstream) }
        let head = upstream.pointee.head
        if head.status.isInformational {
            guard head.status.code != 101 else { return malformed(upstream) }
            return forwardInterim(client, upstream, bytes, headBytes)
        }
        upstream.pointee.hasHead = true
        upstream.pointee.isUntilClose = head.framing == .untilClose
        upstream.pointee.body.begin(head.framing)
        client.pointee.isAnswering = true
        client.pointee.status = Int(head.status.code)
        if upstream.pointee.isUntilClose { client.pointee.keepAlive = false }
        // A request that is not all here yet cannot be followed by another.
        if !client.pointee.body.isAtEnd { client.pointee.keepAlive = false }
        if head.framing == .chunked && client.pointee.head.minorVersion == 0 { client.pointee.keepAlive = false }
        let now = loop.now
        upstream.pointee.replica._withUnsafeGuaranteedRef { replica in
            // An error of the replica's own is no sign of health.
            if head.status.code < 500 { replica.answered(in: now - upstream.pointee.sentAt, at: now) }
        }
        let newHead = writeResponseHead(client, head, UnsafeRawBufferPointer(rebasing: bytes[..<headBytes]))
        upstream.pointee.channel.setDeadline(now + configuration.bodyLimit)
        let rest = UnsafeRawBufferPointer(rebasing: bytes[headBytes...])
        // The new head goes right before the body's first bytes, so that both leave in one piece. Where the old
        // head lay is room enough or, before it, the room that reads leave free.
        if let partial = upstream.pointee.partial {
            let place = scratch + Self.headRoom
            rest.baseAddress.map { place.copyMemory(from: $0, byteCount: rest.count) }
            var given: Block? = partial
            upstream.pointee.partial = nil
            blocks.give(&given)
            forwardBody(client, upstream, UnsafeRawBufferPointer(start: place, count: rest.count), from: 0, newHead)
        } else {
            forwardBody(client, upstream, bytes, from: headBytes, newHead)
        }
    }

    private func forwardInterim(
        _ client: UnsafeMutablePointer<Downstream>,
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ bytes: UnsafeRawBufferPointer,
        _ headBytes: Int
    ) {
        if client.pointee.head.minorVersion == 1 {
            guard sendDown(client, UnsafeRawBufferPointer(rebasing: bytes[..<headBytes])) else { return }
        }
        upstream.pointee.parser = ResponseParser(answering: client.pointee.head.method)
        let rest = UnsafeRawBufferPointer(rebasing: bytes[headBytes...])
        if upstream.pointee.partial != nil {
            upstream.pointee.partial?.start += headBytes
            upstream.pointee.partial?.compact()
            if upstream.pointee.partial?.isEmpty == true { blocks.give(&upstream.pointee.partial) }
            if let partial = upstream.pointee.partial { forwardHead(client, upstream, partial.bytes) }
        } else if !rest.isEmpty {
            forwardHead(client, upstream, rest)
        }
    }

    /// Writes the head that the client gets.
    ///
    /// - Returns: Its bytes, in the loop's head scratch.
    private func writeResponseHead(
        _ client: UnsafeMutablePointer<Downstream>,
        _ head: ResponseHead,
        _ bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        var writer = HeadWriter(place: headScratch)
        let statusLineEnd = bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        writer.append("HTTP/1.1")
        writer.append(UnsafeRawBufferPointer(rebasing: bytes[8..<statusLineEnd]))
        let isDechunked = head.framing == .chunked && client.pointee.head.minorVersion == 0
        writer.appendFields(table, of: bytes) { $0.id == .transferEncoding || $0.id == .xRequestID }
        if head.framing == .chunked && !isDechunked { writer.append("Transfer-Encoding: chunked\r\n") }
        if let block = client.pointee.request, !client.pointee.requestID.isEmpty {
            writer.append("X-Request-Id: ")
            writer.append(
                client.pointee.requestID.bytes(in: UnsafeRawBufferPointer(start: block.base, count: block.end))
            )
            writer.append("\r\n")
        }
        if client.pointee.isDraining { client.pointee.keepAlive = false }
        if !client.pointee.keepAlive {
            writer.append("Connection: close\r\n")
        } else if client.pointee.head.minorVersion == 0 {
            writer.append("Connection: keep-alive\r\n")
        }
        writer.append("\r\n")
        return UnsafeRawBufferPointer(start: headScratch, count: writer.place - headScratch)
    }

    /// Sends on what of `bytes` belongs to the answer's body, behind `newHead` where there is one.
    private func forwardBody(
        _ client: UnsafeMutablePointer<Downstream>,
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ bytes: UnsafeRawBufferPointer,
        from start: Int,
        _ newHead: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        var offset = start
        let framing = upstream.pointee.head.framing
        let dechunks = framing == .chunked && client.pointee.head.minorVersion == 0
        do throws(ParseError) {
            if upstream.pointee.isUntilClose {
                offset = bytes.count
            } else if dechunks {
                return try forwardDechunked(client, upstream, bytes, &offset, newHead)
            } else {
                try upstream.pointee.body.skip(bytes, to: &offset)
            }
        } catch { return malformed(upstream) }
        client.pointee.answerBytes += offset - start
        var out = UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
        if !newHead.isEmpty {
            let place = UnsafeMutableRawPointer(mutating: bytes.baseAddress ?? UnsafeRawPointer(scratch)) + start
            let first = place - newHead.count
            newHead.baseAddress.map { first.copyMemory(from: $0, byteCount: newHead.count) }
            out = UnsafeRawBufferPointer(start: first, count: newHead.count + offset - start)
        }
        let isWhole = !upstream.pointee.isUntilClose && upstream.pointee.body.isAtEnd
        // Bytes behind the answer's end are nobody's: the connection cannot be trusted with another request.
        if isWhole && offset < bytes.count { upstream.pointee.head.keepAlive = false }
        guard sendDown(client, out) else { return }
        if isWhole {
            finish(client, upstream)
        } else {
            upstream.pointee.channel.setDeadline(loop.now + configuration.bodyLimit)
        }
    }

    private func forwardDechunked(
        _ client: UnsafeMutablePointer<Downstream>,
        _ upstream: UnsafeMutablePointer<Upstream>,
        _ bytes: UnsafeRawBufferPointer,
        _ offset: inout Int,
        _ newHead: UnsafeRawBufferPointer
    ) throws(ParseError) {
        if !newHead.isEmpty, !sendDown(client, newHead) { return }
        while true {
            switch try upstream.pointee.body.next(bytes, at: &offset) {
            case .bytes(let range):
                client.pointee.answerBytes += range.count
                guard sendDown(client, UnsafeRawBufferPointer(rebasing: bytes[range])) else { return }
            case .needMore: return
            case .end: return finish(client, upstream)
            }
        }
    }

    /// Sends to the client; what it does not take is kept, and holds the replica back.
    ///
    /// - Returns: False when the client has gone and the exchange is over.
    private func sendDown(_ client: UnsafeMutablePointer<Downstream>, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        if client.pointee.output == nil {
            while offset < bytes.count {
                switch client.pointee.channel.send(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
                case .bytes(let count): offset += count
                case .wouldBlock:
                    client.pointee.output = blocks.take()
                    client.pointee.output?.append(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                    client.pointee.channel.setDeadline(loop.now + configuration.bodyLimit)
                    return true
                case .end, .failed:
                    record(client, status: 499)
                    close(client)
                    return false
                }
            }
            return true
        }
        client.pointee.output?.append(bytes)
        return true
    }

    /// Sends what was kept for the client.
    ///
    /// - Returns: True once nothing is left.
    func flushOutput(_ client: UnsafeMutablePointer<Downstream>) -> Bool {
        while let output = client.pointee.output, !output.isEmpty {
            switch client.pointee.channel.send(output.bytes) {
            case .bytes(let count):
                client.pointee.output?.start += count
                client.pointee.channel.setDeadline(loop.now + configuration.bodyLimit)
            case .wouldBlock: return false
            case .end, .failed:
                record(client, status: 499)
                close(client)
                return false
            }
        }
        blocks.give(&client.pointee.output)
        client.pointee.channel.setDeadline(.distantFuture)
        // The answer's last bytes may have been these.
        if client.pointee.upstream == nil, client.pointee.isAnswering {
            endExchange(client)
            return client.pointee.phase == .exchange
        }
        return true
    }
}
