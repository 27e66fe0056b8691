/// What a client sends.
public struct ClientRequest: Sendable {
    /// The method; `GET` unless said.
    public var method: Method
    /// Path and query, already percent-encoded, such as `/products/12?view=full`.
    public var target: String
    /// Fields beside `Host`, `Content-Length` and `Connection`, which are the client's own.
    public var fields: [(name: String, value: String)]
    /// The body; empty for none.
    public var body: [UInt8]
    /// Sends the body in chunks of this many bytes instead of with its length; `nil` for the length.
    public var chunkBytes: Int?

    /// A request.
    public init(
        _ method: Method = .get,
        _ target: String,
        fields: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
    }

    /// True when sending it twice does no more than sending it once: its method is idempotent, or it carries an
    /// `Idempotency-Key`.
    public var isRepeatable: Bool {
        method.isIdempotent || fields.contains { $0.name.lowercased() == "idempotency-key" }
    }

    /// Appends the request as it goes over the wire.
    package func write(to output: inout ByteWriter, host: String) throws(ClientError) {
        guard target.utf8.first == UInt8(ascii: "/") || target == "*",
            target.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { throw ClientError(.badRequest, detail: "the target is not an encoded path") }
        output.append(method.spelling)
        output.append(" ")
        output.append(string: target)
        output.append(" HTTP/1.1\r\nHost: ")
        output.append(string: host)
        output.append("\r\n")
        for field in fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy({ ASCII.isToken($0) }),
                field.value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 })
            else { throw ClientError(.badRequest, detail: "a field's name or value cannot be sent") }
            output.append(string: field.name)
            output.append(": ")
            output.append(string: field.value)
            output.append("\r\n")
        }
        if let chunkBytes {
            output.append("Transfer-Encoding: chunked\r\n\r\n")
            var offset = 0
            while offset < body.count {
                let end = min(body.count, offset + max(1, chunkBytes))
                output.append(most: ChunkFrame.headBytesMax) { ChunkFrame.writeHead(count: end - offset, to: $0) }
                body.withUnsafeBytes { output.append(UnsafeRawBufferPointer(rebasing: $0[offset..<end])) }
                output.append(ChunkFrame.tail)
                offset = end
            }
            output.append(ChunkFrame.end)
            return
        }
        if !body.isEmpty || method == .post || method == .put || method == .patch {
            output.append("Content-Length: ")
            output.append(decimal: body.count)
            output.append("\r\n")
        }
        output.append("\r\n")
        body.withUnsafeBytes { output.append($0) }
    }
}

/// What a client got.
public struct ClientResponse: Sendable {
    /// The answer's status.
    public var status: Status
    /// Its fields in the order they came.
    public var fields: [(name: String, value: String)]
    /// Its body, without chunks.
    public var body: [UInt8]

    /// The first value of a field, by its name in any case.
    public func field(_ name: String) -> String? {
        let wanted = name.lowercased()
        return fields.first { $0.name.lowercased() == wanted }?.value
    }

    /// The body as text; bytes that are no UTF-8 are replaced.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// Why a client's request failed.
public struct ClientError: Error, Sendable, CustomStringConvertible {
    /// What happened.
    public enum Code: Sendable, Hashable {
        /// The request cannot be written as HTTP.
        case badRequest
        /// No connection could be made.
        case unreachable
        /// The connection broke, or the server closed it before it answered.
        case connectionLost
        /// The deadline came first.
        case timedOut
        /// What came back is not HTTP.
        case malformedResponse
        /// The answer's body is longer than asked for.
        case responseTooLarge
    }

    /// What to match on.
    public let code: Code
    /// Whether the server may have seen the request.
    public let wasSent: Bool
    /// More for the log: addresses and sizes, never content.
    public let detail: String
    /// The error underneath, if there was one.
    public let cause: (any Error)?

    init(_ code: Code, wasSent: Bool = false, detail: String = "", cause: (any Error)? = nil) {
        self.code = code
        self.wasSent = wasSent
        self.detail = detail
        self.cause = cause
    }

    /// One line for the log.
    public var description: String {
        var text = "\(code)"
        if !detail.isEmpty { text += ": \(detail)" }
        if let cause { text += " (\(cause))" }
        return text
    }
}
