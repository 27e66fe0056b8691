import ApusHTTP
import Testing

struct ByteRangeRequestTests {
    @Test(arguments: [
        ("bytes=0-499", ByteRangeRequest.part(0..<500)), ("bytes=500-", .part(500..<1000)),
        ("bytes=-300", .part(700..<1000)),
        ("bytes=-5000", .part(0..<1000)), ("Bytes= 990-5000 ", .part(990..<1000)), ("bytes=999-999", .part(999..<1000)),
        ("bytes=1000-", .unsatisfiable), ("bytes=-0", .unsatisfiable),
        ("bytes=99999999999999999999999-", .unsatisfiable),
        ("bytes=0-99999999999999999999999", .part(0..<1000)), ("bytes=5-4", .whole), ("bytes=0-1,4-5", .whole),
        ("bytes=", .whole),
        ("bytes=-", .whole), ("bytes=a-b", .whole), ("items=0-1", .whole), ("bytes=0-1-2", .whole), ("", .whole),
    ])
    func `a range of a thousand bytes`(field: String, expected: ByteRangeRequest) {
        #expect(Array(field.utf8).withUnsafeBytes { ByteRangeRequest($0, length: 1000) } == expected)
    }

    @Test func `of nothing no range can be served, and Content-Range says what was`() {
        #expect(Array("bytes=0-0".utf8).withUnsafeBytes { ByteRangeRequest($0, length: 0) } == .unsatisfiable)
        #expect(Array("bytes=-1".utf8).withUnsafeBytes { ByteRangeRequest($0, length: 0) } == .unsatisfiable)
        var writer = ByteWriter()
        ByteRangeRequest.part(5..<10).writeContentRange(length: 20, to: &writer)
        writer.append(" ")
        ByteRangeRequest.unsatisfiable.writeContentRange(length: 20, to: &writer)
        #expect(writer.string == "bytes 5-9/20 bytes */20")
    }
}

struct ConditionsTests {
    static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    static let current = Validators(etag: "\"a\"", lastModified: 784_111_777)

    @Test(arguments: [
        ("", ApusHTTP.Method.get, ConditionOutcome.proceed),
        ("If-None-Match: \"a\"", .get, .notModified), ("If-None-Match: W/\"a\"", .get, .notModified),
        ("If-None-Match: \"b\", \"a\"", .head, .notModified), ("If-None-Match: *", .get, .notModified),
        ("If-None-Match: \"b\"", .get, .proceed), ("If-None-Match: a", .get, .proceed),
        ("If-None-Match: \"a\"", .put, .preconditionFailed), ("If-None-Match: *", .put, .preconditionFailed),
        ("If-None-Match: \"b\"\r\nIf-Modified-Since: \(date)", .get, .proceed),
        ("If-Modified-Since: \(date)", .get, .notModified), ("If-Modified-Since: \(date)", .post, .proceed),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", .get, .proceed),
        ("If-Modified-Since: yesterday", .get, .proceed),
        ("If-Match: \"a\"", .put, .proceed), ("If-Match: *", .put, .proceed),
        ("If-Match: W/\"a\"", .put, .preconditionFailed),
        ("If-Match: \"b\"", .put, .preconditionFailed), ("If-Unmodified-Since: \(date)", .put, .proceed),
        ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT", .put, .preconditionFailed),
    ])
    func `conditions are weighed in the order of the standard`(
        fields: String,
        method: ApusHTTP.Method,
        expected: ConditionOutcome
    ) throws {
        try withHead("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\(fields.isEmpty ? "" : "\r\n")\r\n") { _, table, bytes in
            #expect(Conditions(table, in: bytes).outcome(method, Self.current) == expected)
        }
    }

    @Test func `nothing is not there to match`() throws {
        try withHead("GET / HTTP/1.1\r\nHost: a\r\nIf-Match: *\r\n\r\n") { _, table, bytes in
            #expect(Conditions(table, in: bytes).outcome(.put, Validators()) == .preconditionFailed)
        }
    }

    @Test(arguments: [
        ("\"a\"", true), ("\"b\"", false), ("W/\"a\"", false), (date, true), ("Sun, 06 Nov 1994 08:49:36 GMT", false),
    ])
    func `a range applies only to the state it was asked of`(value: String, applies: Bool) throws {
        try withHead("GET / HTTP/1.1\r\nHost: a\r\nIf-Range: \(value)\r\n\r\n") { _, table, bytes in
            #expect(Conditions(table, in: bytes).rangeApplies(Self.current) == applies)
        }
        #expect(Conditions().rangeApplies(Self.current))
        Array("W/\"a\"".utf8).withUnsafeBytes { bytes in
            var conditions = Conditions()
            conditions.ifRange = bytes
            #expect(!conditions.rangeApplies(Validators(etag: "W/\"a\"")))
        }
    }

    @Test func `a file's type follows from its extension, a body's from its field`() {
        #expect("\(MediaType.ofFile("/a/b.CSS"))" == "text/css; charset=utf-8")
        #expect("\(MediaType.ofFile("a.tar.gz"))" == "application/gzip")
        for path in ["a", "a.b/c", "a.", "a.exe"] { #expect("\(MediaType.ofFile(path))" == "application/octet-stream") }
        let isJSON = { (text: String) in Array(text.utf8).withUnsafeBytes { MediaType.isJSON($0) } }
        #expect(isJSON("Application/JSON ; charset=utf-8"))
        #expect(isJSON("application/problem+json"))
        #expect(!isJSON("text/plain"))
        #expect(!isJSON("application/jsonx"))
        #expect(
            Array("application/x-www-form-urlencoded".utf8).withUnsafeBytes { MediaType.matches($0, MediaType.form) }
        )
    }
}
