import Apus

/// A visitor: keeps cookies, sends forms and documents, reads answers.
final class Browser: Sendable {
    struct Answer: Sendable {
        let status: Int
        let head: String
        let body: String

        /// The first field of that name.
        func field(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[0].lowercased() == name.lowercased() {
                    return Text.trimmed(String(parts[1]))
                }
            }
            return nil
        }

        /// The value of a hidden field.
        func hidden(_ name: String) -> String? {
            guard let start = body.firstRange(of: "name=\"\(name)\" value=\"")?.upperBound else { return nil }
            return String(body[start...].prefix { $0 != "\"" })
        }
    }

    private enum Text {
        static func trimmed(_ text: String) -> String { String(text.drop { $0 == " " }) }
    }

    private let site: TestSite
    private let cookie = Lock("")
    /// What it says of where its requests come from; `nil` says nothing.
    let origin: String?
    let isSecure: Bool

    init(_ site: TestSite, origin: String? = "http://shop.test", isSecure: Bool = false) {
        self.site = site
        self.origin = origin
        self.isSecure = isSecure
    }

    var cookies: String { cookie.withLock { $0 } }

    func get(_ path: String) async throws -> Answer { try await send("GET", path) }

    func post(_ path: String, form: [(String, String)]) async throws -> Answer {
        let body = form.map { Self.encode($0.0) + "=" + Self.encode($0.1) }.joined(separator: "&")
        return try await send("POST", path, type: "application/x-www-form-urlencoded", body: body)
    }

    func send(_ method: String, _ path: String, json: String, fields: [(String, String)] = []) async throws -> Answer {
        try await send(method, path, type: "application/json", body: json, fields: fields)
    }

    func send(
        _ method: String,
        _ path: String,
        type: String? = nil,
        body: String? = nil,
        fields: [(String, String)] = []
    ) async throws -> Answer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n"
        if !cookies.isEmpty { head += "Cookie: \(cookies)\r\n" }
        if isSecure { head += "X-Forwarded-Proto: https\r\n" }
        if let origin, method != "GET" { head += "Origin: \(origin)\r\n" }
        if let type { head += "Content-Type: \(type)\r\n" }
        for field in fields { head += "\(field.0): \(field.1)\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        let request = Array((head + "\r\n" + (body ?? "")).utf8)
        let (loop, address) = (site.loop, site.address)
        let text = try await Task(executorPreference: loop) {
            let channel = try await Channel.connect(to: address, on: loop, by: loop.now + .seconds(5))
            defer { channel.close() }
            try await Self.write(request, to: channel)
            return await Self.readAll(channel)
        }.value
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let answer = Answer(
            status: Int(text.dropFirst(9).prefix(3)) ?? 0,
            head: parts.first.map(String.init) ?? "",
            body: parts.count > 1 ? String(parts[1]) : ""
        )
        if let set = answer.field("Set-Cookie") { cookie.withLock { $0 = String(set.prefix { $0 != ";" }) } }
        return answer
    }

    private static func write(_ bytes: [UInt8], to channel: Channel) async throws {
        var offset = 0
        while offset < bytes.count {
            switch bytes.withUnsafeBytes({ channel.send(UnsafeRawBufferPointer(rebasing: $0[offset...])) }) {
            case .bytes(let count): offset += count
            case .wouldBlock: _ = await channel.writable(by: channel.loop.now + .seconds(10))
            case .end, .failed: return
            }
        }
    }

    private static func readAll(_ channel: Channel) async -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count): all += chunk[..<count]
            case .wouldBlock:
                guard await channel.readable(by: channel.loop.now + .seconds(10)) == .ready else { return "timed out" }
            case .end, .failed: return String(decoding: all, as: UTF8.self)
            }
        }
    }

    static func encode(_ text: String) -> String {
        var writer = ByteWriter()
        writer.append(percentEncoding: text)
        return writer.string
    }
}
