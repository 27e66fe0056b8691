import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// How an exchange ends: with the replica's answer, or with one of the edge's own.
extension EdgeWorker {
    /// The answer is whole: the replica's connection is kept for another request, the client's goes on.
    func finish(_ client: UnsafeMutablePointer<Downstream>, _ upstream: UnsafeMutablePointer<Upstream>) {
        let isClean =
            upstream.pointee.head.keepAlive && !upstream.pointee.isUntilClose && client.pointee.body.isAtEnd
            && client.pointee.requestSent == client.pointee.request?.end
        client.pointee.upstream = nil
        upstream.pointee.downstream = nil
        record(client, by: upstream.pointee.replica.takeUnretainedValue())
        if isClean { keepIdle(upstream) } else { discard(upstream) }
        // What the client has not taken yet goes out first.
        if client.pointee.output == nil { endExchange(client) }
    }

    /// Makes the client's connection ready for the next request, or ends it.
    func endExchange(_ client: UnsafeMutablePointer<Downstream>) {
        let isRequestWhole = client.pointee.body.isAtEnd
        blocks.give(&client.pointee.request)
        guard client.pointee.keepAlive, isRequestWhole, !client.pointee.isDraining else {
            return beginLingering(client)
        }
        client.pointee.phase = .head
        client.pointee.isAnswering = false
        client.pointee.begun = loop.now
        client.pointee.channel.setDeadline(loop.now + configuration.idleLimit)
        // Requests that were sent ahead, or bytes that came meanwhile, have no event of their own any more.
        if client.pointee.input != nil || client.pointee.channel.isReadReady { readHead(client) }
    }

    /// Refuses what is no request: a problem document, and the end of the connection.
    func refuse(_ client: UnsafeMutablePointer<Downstream>, _ error: ParseError) {
        observation.refused.series("\(error.code)").increment()
        client.pointee.keepAlive = false
        if client.pointee.isAnswering { return abandon(client) }
        answerItself(client, Problem(error), closing: true)
    }

    /// Answers in the replica's place.
    func answerItself(_ client: UnsafeMutablePointer<Downstream>, _ problem: Problem, closing: Bool = false) {
        guard client.pointee.phase != .closed else { return }
        if let upstream = client.pointee.upstream {
            client.pointee.upstream = nil
            upstream.pointee.downstream = nil
            discard(upstream)
        }
        // Bytes of a request that nobody reads now must not be taken for the next one.
        let mustClose = closing || client.pointee.phase == .head || !client.pointee.body.isAtEnd
        if mustClose { client.pointee.keepAlive = false }
        var problem = problem
        let context = client.pointee.span.context
        if context.isValid { problem.traceID = String(context.traceparent.dropFirst(3).prefix(32)) }
        var writer = ByteWriter(capacity: 1024)
        problem.write(to: &writer)
        var head = ByteWriter(capacity: 512)
        head.append("HTTP/1.1 ")
        head.append(decimal: Int(problem.status.code))
        head.append(" ")
        head.append(problem.status.reason)
        head.append("\r\nContent-Type: application/problem+json\r\nContent-Length: ")
        head.append(decimal: writer.count)
        if problem.status == .serviceUnavailable { head.append("\r\nRetry-After: 1") }
        if let block = client.pointee.request, !client.pointee.requestID.isEmpty {
            head.append("\r\nX-Request-Id: ")
            head.append(
                client.pointee.requestID.bytes(in: UnsafeRawBufferPointer(start: block.base, count: block.end))
            )
        }
        head.append(client.pointee.keepAlive && !isDraining ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n")
        if client.pointee.head.method != .head { head.append(writer.bytes) }
        client.pointee.status = Int(problem.status.code)
        client.pointee.answerBytes = writer.count
        client.pointee.isAnswering = true
        client.pointee.phase = .exchange
        record(client)
        var output = blocks.take()
        output.append(head.bytes)
        blocks.give(&client.pointee.output)
        client.pointee.output = output
        client.pointee.channel.setDeadline(loop.now + configuration.bodyLimit)
        _ = flushOutput(client)
    }

    // MARK: Connections to replicas

    func takeIdle(_ replica: ReplicaState) -> UnsafeMutablePointer<Upstream>? {
        while let upstream = replica.idle {
            unlink(upstream, replica)
            if !upstream.pointee.channel.isPeerClosed { return upstream }
            discard(upstream)
        }
        return nil
    }

    private func keepIdle(_ upstream: UnsafeMutablePointer<Upstream>) {
        let replica = upstream.pointee.replica.takeUnretainedValue()
        guard replica.isListed, replica.idleCount < configuration.upstreamIdleMax,
            !upstream.pointee.channel.isPeerClosed, !isDraining || downstreamCount > 0
        else { return discard(upstream) }
        uncount(upstream)
        upstream.pointee.phase = .idle
        upstream.pointee.previous = nil
        upstream.pointee.next = replica.idle
        replica.idle?.pointee.previous = upstream
        replica.idle = upstream
        replica.idleCount += 1
        upstream.pointee.channel.setDeadline(loop.now + configuration.upstreamIdleLimit)
    }

    private func unlink(_ upstream: UnsafeMutablePointer<Upstream>, _ replica: ReplicaState) {
        if let previous = upstream.pointee.previous {
            previous.pointee.next = upstream.pointee.next
        } else {
            replica.idle = upstream.pointee.next
        }
        upstream.pointee.next?.pointee.previous = upstream.pointee.previous
        upstream.pointee.next = nil
        upstream.pointee.previous = nil
        replica.idleCount -= 1
        // Neither idle nor busy: in the hands of whoever took it.
        upstream.pointee.phase = .busy
        upstream.pointee.downstream = nil
    }

    /// Counts a request as under way at the connection's replica.
    func count(_ upstream: UnsafeMutablePointer<Upstream>) {
        guard !upstream.pointee.isCounted else { return }
        upstream.pointee.isCounted = true
        upstream.pointee.replica._withUnsafeGuaranteedRef { $0.underWay += 1 }
    }

    private func uncount(_ upstream: UnsafeMutablePointer<Upstream>) {
        guard upstream.pointee.isCounted else { return }
        upstream.pointee.isCounted = false
        upstream.pointee.replica._withUnsafeGuaranteedRef { $0.underWay -= 1 }
    }

    /// Closes a connection to a replica, whatever it was at.
    func discard(_ upstream: UnsafeMutablePointer<Upstream>) {
        let replica = upstream.pointee.replica.takeUnretainedValue()
        switch upstream.pointee.phase {
        case .closed: return
        case .idle: unlink(upstream, replica)
        case .connecting, .busy: break
        }
        uncount(upstream)
        upstream.pointee.phase = .closed
        if let client = upstream.pointee.downstream, client.pointee.upstream == upstream {
            client.pointee.upstream = nil
        }
        blocks.give(&upstream.pointee.partial)
        upstream.pointee.channel.close()
        upstream.pointee.replica.release()
        bury(upstream)
    }

    // MARK: Writing down

    /// Counts and logs a request whose end is decided.
    func record(_ client: UnsafeMutablePointer<Downstream>, by replica: ReplicaState? = nil, status: Int? = nil) {
        let status = status ?? client.pointee.status
        let now = loop.preciseNow()
        let duration = now - client.pointee.begun
        observation.duration.record(duration)
        let statusClass = min(max(status / 100, 1), 5)
        if let replica {
            replica.statuses[statusClass - 1].increment()
        } else {
            observation.requests.series("none", "\(statusClass)xx").increment()
        }
        let span = client.pointee.span
        let bytes = UnsafeRawBufferPointer(
            start: client.pointee.request?.base,
            count: client.pointee.request.map { $0.end } ?? 0
        )
        let hasRequest = bytes.count >= client.pointee.target.end && !client.pointee.target.isEmpty
        if span.isRecording {
            if hasRequest {
                span.set(.httpRequestMethod, bytes: client.pointee.methodText.bytes(in: bytes))
                span.set(.urlPath, bytes: client.pointee.target.bytes(in: bytes))
            }
            span.set(.httpResponseStatusCode, status)
            if status >= 500 { span.fail() }
            observation.tracer?.finish(span, at: now)
        }
        guard let log = observation.accessLog else { return }
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        var entry = AccessEntry(
            finished: now,
            durationNanoseconds: duration.nanoseconds,
            method: hasRequest ? client.pointee.methodText.bytes(in: bytes) : empty,
            target: hasRequest ? client.pointee.target.bytes(in: bytes) : empty,
            status: status,
            responseBytes: client.pointee.answerBytes
        )
        entry.peer = client.pointee.peer
        entry.requestBytes = client.pointee.body.count
        entry.trace = span.context
        if hasRequest, bytes.count >= client.pointee.requestID.end {
            entry.requestID = client.pointee.requestID.bytes(in: bytes)
        }
        if let replica {
            replica.name.withUnsafeBytes {
                entry.upstream = $0
                log.record(entry)
            }
        } else {
            log.record(entry)
        }
    }
}
