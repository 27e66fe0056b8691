import ApusHTTP
import Testing

struct RequestParserTests {
    @Test func `a browser's request comes apart into offsets`() throws {
        try withHead(
            "GET /products/7?colour=red&size=m HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: Mozilla/5.0 (X11)\r\n"
                + "accept:text/html \t\r\nX-Own: \tä\r\nCookie: a=1; b=2\r\nConnection: keep-alive\r\n\r\nbody"
        ) { head, table, bytes in
            #expect(head.method == .get)
            #expect(head.targetForm == .origin)
            #expect(head.target.string(in: bytes) == "/products/7?colour=red&size=m")
            #expect(head.path.string(in: bytes) == "/products/7")
            #expect(head.query.string(in: bytes) == "colour=red&size=m")
            #expect(head.authority.string(in: bytes) == "shop.example:8080")
            #expect(head.framing == .none)
            #expect(head.keepAlive)
            #expect(Int(head.headBytes) == bytes.count - 4)
            #expect(table.count == 6)
            #expect(table.value(of: .accept)?.string(in: bytes) == "text/html")
            #expect(table[3].id == .other)
            #expect(table[3].name.string(in: bytes) == "X-Own")
            #expect(table[3].value.string(in: bytes) == "ä")
            #expect(table.firstIndex(named: "x-OWN", in: bytes) == 3)
            #expect(table.value(of: .cookie)?.string(in: bytes) == "a=1; b=2")
            #expect(!table.contains(.range))
            #expect(table[5].isHopByHop)
        }
    }

    @Test(arguments: HeaderName.allCases.filter { $0 != .other })
    func `a known name is found in any case and only whole`(name: HeaderName) {
        let text = "\(name.spelling)"
        for spelling in [text, text.lowercased(), text.uppercased()] {
            #expect(Array(spelling.utf8).withUnsafeBytes { HeaderName.known($0) } == name)
        }
        for other in ["x\(text)", "\(text)x", String(text.dropLast()), text.replacing("-", with: "\r")]
        where other.lowercased() != text.lowercased() {
            #expect(Array(other.utf8).withUnsafeBytes { HeaderName.known($0) } != name)
        }
        #expect(HeaderName.allCases.count <= 64)
    }

    @Test(arguments: Method.allCases)
    func `a method is found by its exact text`(method: Method) {
        let text = "\(method.spelling)"
        #expect(Array(text.utf8).withUnsafeBytes { Method($0) } == method)
        #expect(Array(text.lowercased().utf8).withUnsafeBytes { Method($0) } == .other)
        #expect(Array("\(text)X".utf8).withUnsafeBytes { Method($0) } == .other)
    }

    @Test(arguments: [
        ("PURGE / HTTP/1.1\r\nHost: a\r\n\r\n", Method.other, TargetForm.origin, "/", "", "a"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .options, .asterisk, "", "", "a"),
        (
            "CONNECT a.example:443 HTTP/1.1\r\nHost: A.example:443\r\n\r\n", .connect, .authority, "", "",
            "a.example:443"
        ),
        ("GET http://a.b:80/c?d?e HTTP/1.1\r\nHost: a.b:80\r\n\r\n", .get, .absolute, "/c", "d?e", "a.b:80"),
        ("GET HTTPS://[::1]?d HTTP/1.1\r\nHost: [::1]\r\n\r\n", .get, .absolute, "", "d", "[::1]"),
        ("\r\nGET /? HTTP/1.0\r\n\r\n", .get, .origin, "/", "", ""),
    ])
    func `each form of target is taken apart`(
        text: String,
        method: Method,
        form: TargetForm,
        path: String,
        query: String,
        authority: String
    ) throws {
        try withHead(text) { head, _, bytes in
            #expect(head.method == method)
            #expect(head.targetForm == form)
            #expect(head.path.string(in: bytes) == path)
            #expect(head.query.string(in: bytes) == query)
            #expect(head.authority.string(in: bytes) == authority)
        }
    }

    @Test(arguments: [
        ("HTTP/1.1\r\nHost: a", true, BodyFraming.none, false, false),
        ("HTTP/1.1\r\nHost: a\r\nConnection: x, close", false, .none, false, false),
        ("HTTP/1.0", false, .none, false, false),
        ("HTTP/1.0\r\nConnection: Keep-Alive", true, .none, false, false),
        ("HTTP/1.1\r\nHost: a\r\nContent-Length: 0", true, .none, false, false),
        (
            "HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 123456789012345678", true, .length(123_456_789_012_345_678), false,
            false
        ),
        ("HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue", true, .chunked, true, false),
        ("HTTP/1.1\r\nHost: a\r\nExpect: 100-continue", true, .none, false, false),
        ("HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade", true, .none, false, true),
        ("HTTP/1.1\r\nHost: a\r\nUpgrade: websocket", true, .none, false, false),
    ])
    func `framing and connection follow from the fields`(
        text: String,
        keepAlive: Bool,
        framing: BodyFraming,
        expects: Bool,
        upgrade: Bool
    ) throws {
        try withHead("POST / \(text)\r\n\r\n") { head, _, _ in
            #expect(head.keepAlive == keepAlive)
            #expect(head.framing == framing)
            #expect(head.expectsContinue == expects)
            #expect(head.upgrade == upgrade)
        }
    }

    @Test func `fields that Connection nominates are marked as hop-by-hop`() throws {
        try withHead(
            "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-b: 2\r\nConnection: x-B, close\r\nTE: trailers\r\n\r\n"
        ) { _, table, _ in
            #expect((0..<table.count).map { table[$0].isHopByHop } == [false, false, true, true, true])
        }
    }

    @Test(arguments: [
        ("G@T / HTTP/1.1\r\n", ParseError.Code.malformedMethod),
        (" GET / HTTP/1.1\r\n", .malformedMethod),
        ("\r\n\r\nGET / HTTP/1.1\r\n", .malformedMethod),
        ("\rGET / HTTP/1.1\r\n", .bareCarriageReturn),
        ("\nGET / HTTP/1.1\r\n", .malformedMethod),
        ("GET  / HTTP/1.1\r\n", .malformedTarget),
        ("GET /a#b HTTP/1.1\r\n", .malformedTarget),
        ("GET /ä HTTP/1.1\r\n", .malformedTarget),
        ("GET /\u{7f} HTTP/1.1\r\n", .malformedTarget),
        ("GET /a\tb HTTP/1.1\r\n", .malformedTarget),
        ("GET a HTTP/1.1\r\n", .malformedTarget),
        ("GET * HTTP/1.1\r\n", .malformedTarget),
        ("GET ftp://a/ HTTP/1.1\r\n", .malformedTarget),
        ("GET http:///a HTTP/1.1\r\n", .malformedTarget),
        ("GET http://u@a/ HTTP/1.1\r\n", .malformedTarget),
        ("CONNECT a HTTP/1.1\r\n", .malformedTarget),
        ("CONNECT /a HTTP/1.1\r\n", .malformedTarget),
        ("CONNECT a:0 HTTP/1.1\r\n", .malformedTarget),
        ("GET /\r\n", .malformedVersion),
        ("GET / \r\n", .malformedVersion),
        ("GET / HTTP/1.1 \r\n", .malformedVersion),
        ("GET /  HTTP/1.1\r\n", .malformedVersion),
        ("GET / http/1.1\r\n", .malformedVersion),
        ("GET / HTTP/2.0\r\n", .unsupportedVersion),
        ("GET / HTTP/1.2\r\n", .unsupportedVersion),
        ("PRI * HTTP/2.0\r\n", .unsupportedVersion),
        ("GET / HTTP/1.1\n", .bareLineFeed),
        ("GET / HTTP/1.1\rX\r\n", .bareCarriageReturn),
    ])
    func `a request line that is not one is refused`(line: String, code: ParseError.Code) {
        #expect(refusal("\(line)Host: a\r\n\r\n") == code)
    }

    @Test(arguments: [
        ("Host: a\r\nHost: a", ParseError.Code.repeatedHost),
        ("Host:", .malformedHost),
        ("Host: a b", .malformedHost),
        ("Host: a:b", .malformedHost),
        ("Host: a:65536", .malformedHost),
        ("Host: a/b", .malformedHost),
        ("Host: u@a", .malformedHost),
        ("Host: [::1", .malformedHost),
        ("Host: a%2", .malformedHost),
        ("X: y", .missingHost),
        ("Host: a\r\n X: y", .foldedLine),
        ("\tHost: a", .foldedLine),
        ("Host: a\r\nX\t: y", .spaceBeforeColon),
        ("Host: a\r\nX y", .missingColon),
        ("Host: a\r\nX", .missingColon),
        ("Host: a\r\n: y", .emptyFieldName),
        ("Host: a\r\nX(y): z", .malformedFieldName),
        ("Host: a\r\nX: y\u{1}", .controlCharacter),
        ("Host: a\r\nX: y\u{7f}z", .controlCharacter),
        ("Host: a\r\nX: y\n", .bareLineFeed),
        ("Host: a\r\nX: y\rz", .bareCarriageReturn),
        ("Host: a\r\nContent-Length: 5, 5", .malformedContentLength),
        ("Host: a\r\nContent-Length: 5 5", .malformedContentLength),
        ("Host: a\r\nContent-Length: 05", .malformedContentLength),
        ("Host: a\r\nContent-Length: 9999999999999999999", .malformedContentLength),
        ("Host: a\r\nContent-Length: 5\r\nContent-Length: 5", .repeatedContentLength),
        ("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", .lengthBesideTransferEncoding),
        ("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5", .lengthBesideTransferEncoding),
        ("Host: a\r\nTransfer-Encoding: gzip, chunked", .malformedTransferEncoding),
        ("Host: a\r\nTransfer-Encoding: \"chunked\"", .malformedTransferEncoding),
        ("Host: a\r\nTransfer-Encoding:", .malformedTransferEncoding),
        ("Host: a\r\nConnection: content-length", .connectionNominatesFraming),
        ("Host: a\r\nConnection: close, HOST", .connectionNominatesFraming),
        ("Host: a\r\nConnection: transfer-encoding", .connectionNominatesFraming),
        ("Host: a\r\nConnection: a b", .malformedConnection),
        ("Host: a\r\nConnection: \"close\"", .malformedConnection),
        ("Host: a\r\nExpect: 200-ok", .unknownExpectation),
    ])
    func `fields that are ambiguous are refused`(fields: String, code: ParseError.Code) {
        #expect(refusal("GET / HTTP/1.1\r\n\(fields)\r\n\r\n") == code)
    }

    @Test func `HTTP 1.0 has no transfer coding, and an absolute target must agree with Host`() {
        #expect(refusal("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == .misplacedTransferEncoding)
        #expect(refusal("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n") == .malformedHost)
    }

    @Test func `limits hold exactly, whole and byte by byte`() {
        let line = { (count: Int) in "GET /" + String(repeating: "x", count: count - 16) + " HTTP/1.1\r\n" }
        let field = { (count: Int) in "X: " + String(repeating: "y", count: count - 5) + "\r\n" }
        let many = { (count: Int) in (1..<count).map { "x\($0): y\r\n" }.joined() }
        let cases: [(String, ParseError.Code?)] = [
            (line(8192) + "Host: a\r\n\r\n", nil),
            (line(8193) + "Host: a\r\n\r\n", .requestLineTooLong),
            (String(line(8194).dropLast()), .requestLineTooLong),
            (String(line(8193).dropLast()), nil),
            ("GET / HTTP/1.1\r\nHost: a\r\n" + field(32768 - 16 - 9 - 2) + "\r\n", nil),
            ("GET / HTTP/1.1\r\nHost: a\r\n" + field(32768 - 16 - 9 - 1) + "\r\n", .headTooLarge),
            ("GET / HTTP/1.1\r\nHost: a\r\n" + field(40000).dropLast(2), .headTooLarge),
            ("GET / HTTP/1.1\r\nHost: a\r\n" + many(128) + "\r\n", nil),
            ("GET / HTTP/1.1\r\nHost: a\r\n" + many(129) + "\r\n", .tooManyFields),
        ]
        for (text, code) in cases {
            #expect(refusal(text) == code)
            let bytes = Array(text.utf8)
            let outcome = drive(bytes, pieces: Array(repeating: 97, count: bytes.count / 97 + 1))
            #expect(outcome == drive(bytes))
        }
        #expect(ParseError(.requestLineTooLong).status == .uriTooLong)
        #expect(ParseError(.headTooLarge).status == .requestHeaderFieldsTooLarge)
        #expect(ParseError(.tooManyFields).status == .requestHeaderFieldsTooLarge)
        #expect(ParseError(.unsupportedVersion).status == .httpVersionNotSupported)
        #expect(ParseError.Code.allCases.allSatisfy { ParseError($0).closesConnection })
    }

    @Test func `pipelined requests come one after the other`() {
        let text =
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\nPOST /b HTTP/1.1\r\nHost: a\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nx"
        let bytes = Array(text.utf8)
        let whole = drive(bytes)
        #expect(whole.requests.count == 3)
        #expect(whole.ending == .closed)
        for cut in 1..<bytes.count { #expect(drive(bytes, pieces: [cut]) == whole) }
        for size in 1...9 { #expect(drive(bytes, pieces: Array(repeating: size, count: bytes.count)) == whole) }
    }
}
