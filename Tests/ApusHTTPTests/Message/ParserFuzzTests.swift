import ApusCore
import ApusHTTP
import ApusTesting
import Testing

/// Seeded mutations of messages: the parser never crashes, never reads too far, and never depends on the split.
struct ParserFuzzTests {
    static let requests: [String] = [
        "GET /products/7?colour=red HTTP/1.1\r\nHost: shop.example:80\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\nhello worldGET / HTTP/1.0\r\n\r\n",
        "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n0A\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: keep-alive, x-a\r\nX-A: b\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
        "\r\nGET http://a.b/c?d HTTP/1.1\r\nHost: a.b\r\nCookie: a=b; c=d\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ]
    /// Bytes that mean something to a parser.
    static let telling: [UInt8] = Array("\r\n\t :;,?#/%=\"0aFGH1.*[]\u{0}\u{1}\u{7f}".utf8) + [0x80, 0x85, 0xA0, 0xFF]

    static func mutate(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let byte = telling.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where place < bytes.count: bytes[place] = byte
            case 1: bytes.insert(byte, at: place)
            case 2 where place < bytes.count: bytes.remove(at: place)
            case 3 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 4:
                let end = min(bytes.count, place + Int.random(in: 0..<40, using: &random))
                bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
            default: bytes.removeLast(min(bytes.count, Int.random(in: 0..<8, using: &random)))
            }
        }
        return bytes
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `mutated requests have one outcome in every split`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var refused = 0
        for round in 0..<1500 {
            let text = Self.requests.randomElement(using: &random) ?? ""
            let bytes = Self.mutate(Array(text.utf8), &random)
            let whole = drive(bytes)
            if case .refused = whole.ending { refused += 1 }
            let pieces = (0..<bytes.count).map { _ in Int.random(in: 1...20, using: &random) }
            let split = drive(bytes, pieces: pieces)
            #expect(whole == split, "seed \(seed), round \(round), bytes \(bytes), pieces \(pieces)")
        }
        #expect(refused > 300 && refused < 1450)
    }

    @Test(arguments: [UInt64(5), 6])
    func `mutated responses have one outcome in every split`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let texts = [
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\nServer: x\r\n\r\n",
            "HTTP/1.0 404 Not Found\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 101 Switching\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n",
        ]
        for round in 0..<1500 {
            let bytes = Self.mutate(Array((texts.randomElement(using: &random) ?? "").utf8), &random)
            let step = Int.random(in: 1...20, using: &random)
            #expect(respond(bytes, bytes.count) == respond(bytes, step), "seed \(seed), round \(round), bytes \(bytes)")
        }
    }

    @Test func `bytes at random are never a request`() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 1...64, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(drive(bytes).requests.isEmpty)
        }
    }

    private func respond(_ bytes: [UInt8], _ step: Int) -> String {
        let table = HeaderTable.allocate()
        defer { table.deallocate() }
        let guarded = GuardedBytes(capacity: bytes.count)
        var parser = ResponseParser(answering: .get)
        var head = ResponseHead()
        var given = 0
        do throws(ParseError) {
            while given < bytes.count {
                given = min(bytes.count, given + max(1, step))
                let progress = try parser.parse(guarded.copy(bytes[..<given]), head: &head, table: table)
                if progress != .incomplete { return "\(progress) \(head) \(table.count)" }
            }
        } catch { return "\(error)" }
        return "incomplete"
    }
}
