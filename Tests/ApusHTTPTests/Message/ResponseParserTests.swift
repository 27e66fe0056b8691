import ApusHTTP
import Testing

struct ResponseParserTests {
    struct Parsed: Equatable {
        var head = ResponseHead()
        var progress = ParseProgress.incomplete
    }

    func parse(_ text: String, _ method: Method = .get, step: Int = .max) throws -> Parsed {
        let bytes = Array(text.utf8)
        let table = HeaderTable.allocate()
        defer { table.deallocate() }
        var parser = ResponseParser(answering: method)
        var parsed = Parsed()
        var given = 0
        while given < bytes.count, parsed.progress == .incomplete {
            given = min(bytes.count, step == .max ? bytes.count : given + step)
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: given, alignment: 1)
            defer { copy.deallocate() }
            copy.copyBytes(from: bytes[..<given])
            parsed.progress = try parser.parse(UnsafeRawBufferPointer(copy), head: &parsed.head, table: table)
        }
        return parsed
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method.get, BodyFraming.length(5), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", .head, .none, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .get, .chunked, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .head, .none, true),
        ("HTTP/1.1 200 OK\r\n\r\n", .get, .untilClose, false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", .get, .none, true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", .get, .none, false),
        ("HTTP/1.1 204 \r\n\r\n", .get, .none, true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", .get, .none, true),
        ("HTTP/1.1 100 Continue\r\n\r\n", .post, .none, true),
        ("HTTP/1.1 200\r\nContent-Length: 1\r\nConnection: close\r\n\r\n", .get, .length(1), false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", .connect, .untilClose, false),
        ("HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n", .connect, .length(5), true),
    ])
    func `framing follows from method, status and fields`(
        text: String,
        method: Method,
        framing: BodyFraming,
        keepAlive: Bool
    ) throws {
        let parsed = try parse(text, method)
        #expect(parsed.progress == .complete(headBytes: text.utf8.count))
        #expect(parsed.head.framing == framing)
        #expect(parsed.head.keepAlive == keepAlive)
        #expect(try parse(text, method, step: 1) == parsed)
    }

    @Test(arguments: [
        ("ICY 200 OK\r\n\r\n", ParseError.Code.malformedStatusLine),
        ("HTTP/1.1 20 OK\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1 2000 OK\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1 600 OK\r\n\r\n", .malformedStatusLine),
        ("HTTP/1.1  200 OK\r\n\r\n", .malformedStatusLine),
        ("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion),
        ("HTTP/x.1 200 OK\r\n\r\n", .malformedVersion),
        ("HTTP/1.1 200 OK\n\r\n", .bareLineFeed),
        ("HTTP/1.1 200 O\u{0}K\r\n\r\n", .controlCharacter),
        ("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", .misplacedTransferEncoding),
        ("HTTP/1.0 200 No\r\nTransfer-Encoding: chunked\r\n\r\n", .misplacedTransferEncoding),
        ("HTTP/1.1 200 No\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", .lengthBesideTransferEncoding),
    ])
    func `a response that is none is refused`(text: String, code: ParseError.Code) {
        for step in [1, .max] { #expect(throws: ParseError(code)) { try parse(text, step: step) } }
    }

    @Test func `an upgrade needs both fields, and an interim answer is followed by the final one`() throws {
        #expect(try parse("HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n").head.upgrade)
        #expect(try !parse("HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n").head.upgrade)
        let table = HeaderTable.allocate()
        defer { table.deallocate() }
        var parser = ResponseParser(answering: .get)
        var head = ResponseHead()
        let bytes = Array("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\n".utf8)
        try bytes.withUnsafeBytes { raw in
            let interim = try parser.parse(raw, head: &head, table: table)
            #expect(interim == .complete(headBytes: 25))
            let rest = UnsafeRawBufferPointer(rebasing: raw[25...])
            let final = try parser.parse(rest, head: &head, table: table)
            #expect(final == .complete(headBytes: bytes.count - 25))
            #expect(head.reason.string(in: rest) == "Fine")
            #expect(head.contentLength == 2)
        }
    }
}
