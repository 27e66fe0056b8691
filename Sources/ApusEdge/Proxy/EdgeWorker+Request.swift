import Glibc
import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// The request's way up: from the client's bytes to the replica's socket.
extension EdgeWorker {
    /// Reads until a head is whole and starts its exchange; requests that were sent ahead come one after the other.
    func readHead(_ client: UnsafeMutablePointer<Downstream>) {
        while client.pointee.phase == .head {
            if client.pointee.input == nil {
                switch client.pointee.channel.receive(into: readRoom) {
                case .bytes(let count):
                    client.pointee.begun = loop.now
                    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(readRoom)[..<count])
                    if !takeHead(client, bytes) { keep(client, bytes) }
                case .wouldBlock: return
                case .end, .failed: return close(client)
                }
                continue
            }
            // A head in parts gathers in a block; it is looked at again when a line has ended.
            if let input = client.pointee.input, !input.isEmpty, takeHead(client, input.bytes) { continue }
            guard client.pointee.phase == .head, client.pointee.input != nil else { continue }
            client.pointee.input?.compact()
            guard let room = client.pointee.input?.parseRoom, room.count > 0 else {
                return refuse(client, ParseError(.headTooLarge))
            }
            switch client.pointee.channel.receive(into: room) {
            case .bytes(let count): client.pointee.input?.end += count
            case .wouldBlock: return
            case .end, .failed: return close(client)
            }
        }
    }

    /// Keeps the part of a head that has arrived.
    private func keep(_ client: UnsafeMutablePointer<Downstream>, _ bytes: UnsafeRawBufferPointer) {
        guard client.pointee.phase == .head, client.pointee.input == nil else { return }
        var block = blocks.take()
        block.append(bytes)
        client.pointee.input = block
        client.pointee.channel.setDeadline(client.pointee.begun + configuration.headLimit)
    }

    /// Starts the exchange of the request that `bytes` begin with, if its head is whole.
    ///
    /// - Returns: False when the head is not whole; what it took is then still the caller's to keep.
    private func takeHead(_ client: UnsafeMutablePointer<Downstream>, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var parser = RequestParser(limits: configuration.head)
        do throws(ParseError) {
            guard case .complete(let count) = try parser.parse(bytes, head: &client.pointee.head, table: table) else {
                return false
            }
            begin(client, bytes, headBytes: count)
        } catch { refuse(client, error) }
        return true
    }

    private func begin(
        _ client: UnsafeMutablePointer<Downstream>,
        _ bytes: UnsafeRawBufferPointer,
        headBytes: Int
    ) {
        let head = UnsafeRawBufferPointer(rebasing: bytes[..<headBytes])
        guard client.pointee.head.authority.count <= 255 else { return refuse(client, ParseError(.malformedHost)) }
        client.pointee.phase = .exchange
        client.pointee.keepAlive = client.pointee.head.keepAlive && !isDraining
        client.pointee.status = 0
        client.pointee.answerBytes = 0
        client.pointee.isAnswering = false
        client.pointee.isRepeated = false
        client.pointee.connectAttempts = 0
        client.pointee.isReplayable = true
        client.pointee.requestSent = 0
        client.pointee.body.begin(client.pointee.head.framing)
        var block = blocks.take()
        writeRequestHead(client, head, into: &block)
        // The part of the body that came with the head, and what belongs to the next request.
        var offset = headBytes
        do throws(ParseError) {
            try client.pointee.body.skip(bytes, to: &offset)
        } catch {
            client.pointee.request = block
            return refuse(client, error)
        }
        block.append(UnsafeRawBufferPointer(rebasing: bytes[headBytes..<offset]))
        client.pointee.request = block
        keepRest(client, bytes, from: offset)
        client.pointee.channel.setDeadline(.distantFuture)
        if isLeaving, client.pointee.head.path.bytes(in: head).elementsEqual("/readyz".utf8) {
            var problem = Problem(.serviceUnavailable, code: "edge.draining")
            problem.detail = "This edge is about to end; send requests elsewhere."
            return answerItself(client, problem)
        }
        retryBudget.requestBegan()
        connect(client, avoiding: nil)
    }

    /// Keeps what the client sent ahead of its next request.
    private func keepRest(_ client: UnsafeMutablePointer<Downstream>, _ bytes: UnsafeRawBufferPointer, from: Int) {
        if client.pointee.input != nil {
            client.pointee.input?.start += from
            if client.pointee.input?.isEmpty == true { blocks.give(&client.pointee.input) }
        } else if from < bytes.count {
            var rest = blocks.take()
            rest.append(UnsafeRawBufferPointer(rebasing: bytes[from...]))
            client.pointee.input = rest
        }
    }

    /// Writes the head that the replica gets: the client's, without what is only for this hop, with who asked.
    private func writeRequestHead(
        _ client: UnsafeMutablePointer<Downstream>,
        _ head: UnsafeRawBufferPointer,
        into block: inout Block
    ) {
        let request = client.pointee.head
        var writer = HeadWriter(place: block.base)
        func offset() -> Int { writer.place - block.base }
        writer.append(request.methodText.bytes(in: head))
        client.pointee.methodText = HeadRange(start: 0, count: Int(request.methodText.count))
        writer.append(" ")
        let targetStart = offset()
        if request.targetForm == .absolute {
            if request.path.isEmpty { writer.append("/") }
            writer.append(request.path.bytes(in: head))
            if !request.query.isEmpty {
                writer.append("?")
                writer.append(request.query.bytes(in: head))
            }
        } else {
            writer.append(request.target.bytes(in: head))
        }
        client.pointee.target = HeadRange(start: targetStart, count: offset() - targetStart)
        writer.append(" HTTP/1.1\r\n")
        let trusts = configuration.trustsForwarded
        writer.appendFields(table, of: head) { field in
            switch field.id {
            case .traceparent, .transferEncoding: true
            case .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedProto, .xRealIP: !trusts
            default: false
            }
        }
        if request.framing == .chunked { writer.append("Transfer-Encoding: chunked\r\n") }
        let authority = request.authority.bytes(in: head)
        if !table.contains(.host) {
            writer.append("Host: ")
            writer.append(authority.isEmpty ? UnsafeRawBufferPointer(start: scratch, count: 0) : authority)
            writer.append("\r\n")
        }
        appendForwarded(client, authority, to: &writer)
        beginSpan(client, head)
        writer.append("traceparent: ")
        appendTraceParent(client.pointee.span.context, to: &writer)
        if let id = table.value(of: .xRequestID) {
            // Already copied with the other fields; noted for the log and the answer.
            let bytes = id.bytes(in: head)
            client.pointee.requestID = find(bytes, in: block, upTo: offset())
        } else {
            writer.append("\r\nX-Request-Id: ")
            client.pointee.requestID = HeadRange(start: offset(), count: 32)
            writer.append(hex: random.next())
            writer.append(hex: random.next())
        }
        writer.append("\r\n\r\n")
        block.end = offset()
    }

    private func find(_ bytes: UnsafeRawBufferPointer, in block: Block, upTo end: Int) -> HeadRange {
        guard let source = bytes.baseAddress, bytes.count > 0, bytes.count <= 128, end >= bytes.count else {
            return .empty
        }
        for start in 0...(end - bytes.count) where memcmp(block.base + start, source, bytes.count) == 0 {
            return HeadRange(start: start, count: bytes.count)
        }
        return .empty
    }

    private func appendForwarded(
        _ client: UnsafeMutablePointer<Downstream>,
        _ authority: UnsafeRawBufferPointer,
        to writer: inout HeadWriter
    ) {
        let peer = client.pointee.peer
        writer.append("X-Forwarded-For: ")
        writer.append(address: peer)
        writer.append("\r\n")
        if !(configuration.trustsForwarded && table.contains(.xForwardedHost)) {
            writer.append("X-Forwarded-Host: ")
            writer.append(authority)
            writer.append("\r\n")
        }
        if !(configuration.trustsForwarded && table.contains(.xForwardedProto)) {
            writer.append(
                configuration.scheme == .http ? "X-Forwarded-Proto: http\r\n" : "X-Forwarded-Proto: https\r\n"
            )
        }
        // RFC 7239. The host is quoted: it may hold a colon.
        writer.append("Forwarded: for=")
        writer.append(address: peer)
        writer.append(";host=\"")
        writer.append(authority)
        writer.append(configuration.scheme == .http ? "\";proto=http\r\n" : "\";proto=https\r\n")
    }

    private func beginSpan(_ client: UnsafeMutablePointer<Downstream>, _ head: UnsafeRawBufferPointer) {
        var parent = TraceContext.none
        if let range = table.value(of: .traceparent) {
            parent = TraceContext(traceparent: range.bytes(in: head)) ?? .none
        }
        if let tracer = observation.tracer {
            client.pointee.span = tracer.begin("edge", kind: .server, parent: parent, at: client.pointee.begun)
            return
        }
        var context = parent
        if !context.isValid {
            context.traceHigh = random.next()
            context.traceLow = random.next() | 1
            context.flags = 0
        }
        if !parent.isValid { context.spanID = random.next() | 1 }
        client.pointee.span = .unrecorded(context)
    }

    private func appendTraceParent(_ context: TraceContext, to writer: inout HeadWriter) {
        writer.append("00-")
        writer.append(hex: context.traceHigh)
        writer.append(hex: context.traceLow)
        writer.append("-")
        writer.append(hex: context.spanID)
        writer.append(context.isSampled ? "-01" : "-00")
    }

    // MARK: Sending

    /// Takes a connection to a replica, kept or new, and sends.
    func connect(_ client: UnsafeMutablePointer<Downstream>, avoiding avoided: ReplicaState?) {
        guard let replica = balancer.choose(at: loop.now, avoiding: avoided) else {
            var problem = Problem(.serviceUnavailable, code: "edge.noReplica")
            problem.detail = "No replica of the service is there to answer."
            return answerItself(client, problem)
        }
        client.pointee.connectAttempts += 1
        if let upstream = takeIdle(replica) { return send(client, on: upstream) }
        let channel: Channel
        do {
            channel = try Channel.startConnecting(to: replica.replica.address, on: loop)
        } catch {
            return connectFailed(client, replica)
        }
        let upstream = UnsafeMutablePointer<Upstream>.allocate(capacity: 1)
        upstream.initialize(to: Upstream(channel: channel, worker: self, replica: replica))
        observation.upstreamOpened.increment()
        channel.setCallback(Self.upstreamEvent, context: upstream)
        count(upstream)
        upstream.pointee.downstream = client
        client.pointee.upstream = upstream
        if channel.connectResult == .bytes(0) { return send(client, on: upstream) }
        channel.setDeadline(loop.now + configuration.connectLimit)
    }

    /// Tries another replica; nothing has been sent, so this is always safe.
    func connectFailed(_ client: UnsafeMutablePointer<Downstream>, _ replica: ReplicaState) {
        countFailure(replica)
        if client.pointee.connectAttempts <= min(balancer.replicas.count, 3) {
            return connect(client, avoiding: replica)
        }
        answerItself(
            client,
            Problem(.badGateway, code: "edge.unreachable", detail: "No replica takes a connection.")
        )
    }

    func send(_ client: UnsafeMutablePointer<Downstream>, on upstream: UnsafeMutablePointer<Upstream>) {
        upstream.pointee.phase = .busy
        upstream.pointee.downstream = client
        upstream.pointee.requestCount += 1
        upstream.pointee.hasHead = false
        upstream.pointee.parser = ResponseParser(answering: client.pointee.head.method)
        upstream.pointee.sentAt = loop.now
        count(upstream)
        client.pointee.upstream = upstream
        client.pointee.requestSent = 0
        observation.upstreamRequests.increment()
        upstream.pointee.channel.setDeadline(loop.now + configuration.responseLimit)
        pumpRequest(client)
    }

    /// Moves the request on: what is kept to the replica, then more from the client, until one would block.
    func pumpRequest(_ client: UnsafeMutablePointer<Downstream>) {
        guard let upstream = client.pointee.upstream, upstream.pointee.phase == .busy else { return }
        while true {
            guard var block = client.pointee.request else { return }
            while client.pointee.requestSent < block.end {
                let rest = UnsafeRawBufferPointer(
                    start: block.base + client.pointee.requestSent,
                    count: block.end - client.pointee.requestSent
                )
                switch upstream.pointee.channel.send(rest) {
                case .bytes(let count): client.pointee.requestSent += count
                case .wouldBlock: return
                case .end, .failed: return upstreamBroke(upstream)
                }
            }
            if client.pointee.body.isAtEnd { return }
            // Room for more: behind what is kept, while it may have to be sent again; else over it.
            if client.pointee.isAnswering || Block.byteCount - block.end < 8 << 10 {
                client.pointee.isReplayable = false
            }
            if !client.pointee.isReplayable {
                // Request line and id are still wanted by the log: they stay where they are.
                block.end = logged(client)
                client.pointee.requestSent = block.end
            }
            client.pointee.request = block
            guard readBody(client, into: &block) else { return }
        }
    }

    /// Behind what the log needs of the head.
    private func logged(_ client: UnsafeMutablePointer<Downstream>) -> Int {
        max(client.pointee.target.end, client.pointee.requestID.end)
    }

    /// Reads more of the request's body behind what is in the block.
    ///
    /// - Returns: False when nothing more is there now, or the exchange has ended.
    private func readBody(_ client: UnsafeMutablePointer<Downstream>, into block: inout Block) -> Bool {
        let start = block.end
        if let input = client.pointee.input {
            let count = min(input.bytes.count, block.room.count)
            block.append(UnsafeRawBufferPointer(rebasing: input.bytes[..<count]))
        } else {
            switch client.pointee.channel.receive(into: block.room) {
            case .bytes(let count): block.end += count
            case .wouldBlock:
                client.pointee.channel.setDeadline(loop.now + configuration.bodyLimit)
                return false
            case .end, .failed:
                // A request without its end is none: the replica must not take it for whole.
                client.pointee.keepAlive = false
                record(client, status: 499)
                close(client)
                return false
            }
        }
        let bytes = UnsafeRawBufferPointer(start: block.base, count: block.end)
        var offset = start
        do throws(ParseError) {
            try client.pointee.body.skip(bytes, to: &offset)
        } catch {
            refuse(client, error)
            return false
        }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        if client.pointee.input != nil {
            client.pointee.input?.start += offset - start
            if client.pointee.input?.isEmpty == true { blocks.give(&client.pointee.input) }
        } else if !rest.isEmpty {
            var ahead = blocks.take()
            ahead.append(rest)
            client.pointee.input = ahead
        }
        block.end = offset
        client.pointee.request = block
        if client.pointee.body.isAtEnd { client.pointee.channel.setDeadline(.distantFuture) }
        return true
    }
}
