import ApusCore
import ApusHTTP
import FoundationEssentials
import Testing

struct ByteWriterTests {
    @Test func `it grows and keeps what was written`() {
        var writer = ByteWriter(capacity: 1)
        var expected = ""
        for number in 0..<2000 {
            writer.append(decimal: number)
            writer.append(", ")
            expected += "\(number), "
        }
        #expect(writer.string == expected)
        writer.truncate(to: 3)
        #expect(writer.string == "0, ")
        writer.removeAll()
        #expect(writer.count == 0)
    }

    @Test(arguments: [0, 9, 10, 99, 100, -1, 1_234_567_890, Int.max, Int.min])
    func `numbers are written in decimal`(number: Int) {
        var writer = ByteWriter()
        writer.append(decimal: number)
        #expect(writer.string == "\(number)")
        writer.removeAll()
        writer.append(decimal: UInt64(bitPattern: Int64(number)))
        #expect(writer.string == "\(UInt64(bitPattern: Int64(number)))")
    }

    @Test func `text is escaped for JSON so that a decoder reads it back`() throws {
        var random = SeededRandom(seed: 3)
        let alphabet: [Character] = [
            "a", "\"", "\\", "\n", "\r", "\t", "\u{0}", "\u{1f}", "ä", "€", "😀", "<", "/", "\u{2028}", "b", "c",
        ]
        for _ in 0..<500 {
            let text = String(
                (0..<Int.random(in: 0...40, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) }
            )
            var writer = ByteWriter()
            writer.json { $0.value(text) }
            #expect(try JSONDecoder().decode(String.self, from: Data(writer.bytes)) == text)
            #expect(!writer.string.contains("<"))
        }
    }

    @Test func `text is escaped for HTML and for paths`() {
        var writer = ByteWriter()
        writer.append(htmlEscaping: "<a href=\"x\">'&'</a> ö")
        #expect(writer.string == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt; ö")
        #expect(PercentCoding.encode("a b/ö~") == "a%20b%2F%C3%B6~")
    }

    @Test func `JSON has its commas and a failed body leaves nothing`() {
        struct Failed: Error {}
        var writer = ByteWriter(capacity: 4)
        writer.append("head ")
        writer.json { json in
            json.beginObject()
            json.field("a", 1)
            json.key("b")
            json.beginArray()
            json.value(true)
            json.null()
            json.beginObject()
            json.endObject()
            json.value(1.5)
            json.value(Double.nan)
            json.endArray()
            json.key(string: "c\"")
            json.value("d")
            json.endObject()
        }
        #expect(writer.string == #"head {"a":1,"b":[true,null,{},1.5,null],"c\"":"d"}"#)
        #expect(throws: Failed.self) {
            try writer.json { json in
                json.beginArray()
                throw Failed()
            }
        }
        #expect(writer.string.hasSuffix("}"))
    }

    @Test func `a problem document has its members in order`() {
        var problem = Problem(
            .conflict,
            code: "cart.changed",
            detail: "The cart is not what it was.",
            members: [
                .init("count", .integer(3)), .init("status", .integer(1)), .init("ids", .strings(["a"])),
                .init("x", .flag(true)),
                .init("y", .string("z")),
            ]
        )
        problem.traceID = "00ff"
        problem.instance = "/cart"
        problem.type = "https://example.test/cart"
        var writer = ByteWriter()
        problem.write(to: &writer)
        #expect(
            writer.string
                == #"{"type":"https://example.test/cart","title":"Conflict","status":409,"detail":"The cart is not what it was.","#
                + #""instance":"/cart","code":"cart.changed","traceId":"00ff","count":3,"ids":["a"],"x":true,"y":"z"}"#
        )
        #expect(Problem(ParseError(.missingHost)).code == "http.missingHost")
    }
}
