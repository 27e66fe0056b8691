import ApusCore
import ApusHTTP
import ApusTesting
import CZstd
import FoundationEssentials
import Testing

struct JSONScannerTests {
    struct Case: Decodable {
        let name: String
        let expected: String
        let base64: Data
    }

    /// The suite, unpacked.
    static func suite() throws -> [Case] {
        let packed = try Fixture.bytes("json_test_suite.jsonl.zst")
        let size = Int(ZSTD_getFrameContentSize(packed, packed.count))
        try #require(size > 0 && size < 10_000_000)
        var text = [UInt8](repeating: 0, count: size)
        try #require(ZSTD_decompress(&text, size, packed, packed.count) == size)
        return try text.split(separator: 10).map { try JSONDecoder().decode(Case.self, from: Data($0)) }
    }

    private func fault(_ bytes: [UInt8], _ scanner: JSONScanner = JSONScanner()) -> JSONFault? {
        let guarded = GuardedBytes(capacity: bytes.count + 1)
        do throws(JSONFault) {
            try scanner.check(guarded.copy(bytes))
            return nil
        } catch { return error }
    }

    @Test func `the JSON parsing test suite is accepted and rejected as it says`() throws {
        let suite = try Self.suite()
        #expect(suite.count == 318)
        for row in suite {
            let fault = fault([UInt8](row.base64))
            switch row.expected {
            case "accept": #expect(fault == nil, "\(row.name)")
            case "reject": #expect(fault != nil, "\(row.name)")
            default: break
            }
        }
    }

    @Test func `what the scanner accepts the decoder takes, or says why not`() throws {
        for row in try Self.suite() where fault([UInt8](row.base64)) == nil {
            _ = try? JSONDecoder().decode(JSONShape.self, from: row.base64)
        }
    }

    @Test(arguments: [
        ("", JSONFault.Code.truncated), (" ", .truncated), ("[1", .truncated), ("{\"a\"", .truncated),
        ("tru", .truncated),
        ("\"a", .truncated), ("[1,]", .unexpectedByte), ("{,}", .unexpectedByte), ("{\"a\":1,}", .unexpectedByte),
        ("[1}", .unexpectedByte), ("{]", .unexpectedByte), ("nulL", .unexpectedByte), ("01", .malformedNumber),
        ("1.", .truncated), ("1.x", .malformedNumber), ("1e+", .truncated), ("-", .truncated), ("-x", .malformedNumber),
        ("\"\t\"", .malformedString), ("\"\\x\"", .malformedString), ("\"\\u12x4\"", .malformedString),
        ("\"\\ud800\"", .malformedString), ("\"\\udc00\"", .malformedString), ("1 1", .trailingBytes),
        ("[]]", .trailingBytes),
    ])
    func `each fault has its code`(text: String, code: JSONFault.Code) {
        #expect(fault(Array(text.utf8))?.code == code)
    }

    @Test func `text that is not UTF-8 is refused`() {
        let bad: [[UInt8]] = [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3], [0xE2, 0x82], [0xFF],
        ]
        for bytes in bad { #expect(fault([0x22] + bytes + [0x22])?.code == .malformedString) }
        #expect(fault(Array("\"äöü€😀\u{10ffff}\u{800}\u{ffff}\"".utf8)) == nil)
    }

    @Test func `size and depth are limited exactly`() {
        var scanner = JSONScanner()
        for depth in [1, 63, 64, 65, 127, 128, 129, 1000] {
            scanner.depthMax = depth
            let nest = { (count: Int) in
                Array((String(repeating: "[{\"a\":", count: count / 2) + (count % 2 == 1 ? "[" : "1")).utf8)
                    + Array(((count % 2 == 1 ? "]" : "") + String(repeating: "}]", count: count / 2)).utf8)
            }
            #expect(fault(nest(depth), scanner) == nil)
            #expect(fault(nest(depth + 1), scanner)?.code == .tooDeep)
        }
        scanner.bytesMax = 10
        #expect(fault(Array("[1,2,3,45]".utf8), scanner) == nil)
        #expect(fault(Array("[1,2,3,456]".utf8), scanner)?.code == .tooLarge)
    }

    @Test func `mutated documents never crash it, and it agrees with the decoder on what is JSON`() {
        var random = SeededRandom(seed: 21)
        let text = Array(
            #"{"a":[1,-2.5e+3,true,false,null,"x\u00e4\n😀"],"b":{"c":{}},"d":"long enough for words"}"#.utf8
        )
        for round in 0..<3000 {
            let bytes = ParserFuzzTests.mutate(text, &random)
            guard fault(bytes) == nil else { continue }
            #expect((try? JSONDecoder().decode(JSONShape.self, from: Data(bytes))) != nil, "round \(round): \(bytes)")
        }
    }
}

/// Any JSON, to see whether a decoder takes it.
struct JSONShape: Decodable {
    init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() { return }
        if (try? single.decode(Bool.self)) != nil || (try? single.decode(Double.self)) != nil { return }
        if (try? single.decode(String.self)) != nil || (try? single.decode([JSONShape].self)) != nil { return }
        _ = try single.decode([String: JSONShape].self)
    }
}

struct JSONBodyTests {
    struct Order: Codable, Equatable {
        struct Line: Codable, Equatable {
            var sku: String
            var count: Int
        }
        var id: Int
        var lines: [Line]
        var at: Date?
    }

    private func decode(_ text: String) throws -> Order {
        try Array(text.utf8).withUnsafeBytes { try JSONBody().decode(Order.self, from: $0) }
    }

    @Test func `a value goes out and comes back`() throws {
        let order = Order(id: 7, lines: [.init(sku: "a/b", count: 2)], at: Date(timeIntervalSince1970: 0))
        var writer = ByteWriter()
        try JSONBody().encode(order, to: &writer)
        #expect(writer.string == #"{"at":"1970-01-01T00:00:00Z","id":7,"lines":[{"count":2,"sku":"a/b"}]}"#)
        #expect(try decode(writer.string) == order)
    }

    @Test(arguments: [
        ("{", Status.badRequest, "json.truncated", nil),
        (#"{"id":1}"#, .unprocessableContent, "json.memberMissing", "/lines"),
        (#"{"id":"1","lines":[]}"#, .unprocessableContent, "json.typeMismatch", "/id"),
        (
            #"{"id":1,"lines":[{"sku":"a","count":1},{"sku":"a","count":1.5}]}"#, .unprocessableContent, "json.",
            ""
        ),
        (#"{"id":null,"lines":[]}"#, .unprocessableContent, "json.", "/id"),
    ])
    func `what does not fit is refused, naming the member where the decoder knows it`(
        text: String,
        status: Status,
        code: String,
        pointer: String?
    ) {
        let problem = #expect(throws: Problem.self) { try decode(text) }
        #expect(problem?.status == status)
        #expect(problem?.code.hasPrefix(code) == true)
        if let pointer { #expect(problem?.members == [.init("pointer", .string(pointer))]) }
    }
}
