import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

struct MetaResponseTests {
    private let parser = MetaResponseParser(valueBytesMax: 1 << 20)

    /// Every answer in `text`, fed in two parts cut at each place: what comes must not depend on the cut.
    private func answers(_ text: String) throws -> [MetaResponse] {
        let bytes = Array(text.utf8)
        let whole = try cut(bytes, at: bytes.count)
        for place in 0..<bytes.count {
            let torn = try cut(bytes, at: place)
            #expect(torn == whole, "cut at \(place)")
        }
        return whole
    }

    private func cut(_ bytes: [UInt8], at place: Int) throws -> [MetaResponse] {
        var found: [MetaResponse] = []
        var position = 0
        for end in [place, bytes.count] {
            try bytes[..<end].withUnsafeBytes { part in
                while case .response(let response, let count) = try parser.next(in: part, from: position) {
                    found.append(response)
                    position += count
                }
            }
        }
        #expect(position == bytes.count)
        return found
    }

    @Test func `each kind of answer is told apart`() throws {
        let found = try answers("HD\r\nEN\r\nNS\r\nEX c7\r\nNF\r\nMN\r\nERROR\r\n")
        #expect(
            found.map(\.code)
                == [.done, .miss, .notStored, .exists, .notFound, .end, .refused(.unknownCommand, 32..<32)]
        )
        #expect(found[3].version == 7)
    }

    @Test func `a value comes with its flags`() throws {
        let text = "VA 5 f30 c18446744073709551615 t-1 O42 W kkey s5\r\na\r\nb\n\r\nHD t60 X Z\r\n"
        let found = try answers(text)
        let value = found[0]
        guard case .value(let range) = value.code else {
            Issue.record("no value: \(value)")
            return
        }
        #expect(Array(text.utf8)[range] == Array("a\r\nb\n".utf8)[...])
        #expect(value.clientFlags == 30 && value.version == .max && value.secondsLeft == -1 && value.opaque == 42)
        #expect(value.mayLoad && !value.isStale && !value.isBeingLoaded)
        #expect(found[1].secondsLeft == 60 && found[1].isStale && found[1].isBeingLoaded)
    }

    @Test func `a refusal keeps the server's words`() throws {
        let text = "SERVER_ERROR out of memory storing object\r\nCLIENT_ERROR bad data chunk\r\n"
        let words = try answers(text).map { response -> String in
            guard case .refused(_, let range) = response.code else { return "" }
            return String(decoding: Array(text.utf8)[range], as: UTF8.self)
        }
        #expect(words == ["out of memory storing object", "bad data chunk"])
    }

    @Test(arguments: [
        "\r\n", "\n", "HD\n", "VA\r\n", "VA x\r\n", "VA -1\r\n", "VA 99999999999999999999999\r\n", "VA 1048577\r\n",
        "VA 1\r\nabc", "XX\r\n", "HD c\r\n", "HD cx\r\n", "VALUE k 0 1\r\n", "CLIENT_ERRORS x\r\n",
        String(repeating: "x", count: 3000),
    ])
    func `what is no answer is refused`(text: String) {
        #expect(throws: MetaResponseParser.Malformed.self) {
            try Array(text.utf8).withUnsafeBytes { _ = try parser.next(in: $0, from: 0) }
        }
    }

    @Test func `random bytes are answers, the beginning of one, or refused`() {
        var random = SeededRandom(seed: TestRun.seed)
        let alphabet = Array("HDVAENSXFM0123456789 \r\ncftOWXZ\0ÿ".utf8)
        for _ in 0..<TestRun.seeds * 20 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            bytes.withUnsafeBytes { bytes in
                var position = 0
                while case .response(let response, let count)? = try? parser.next(in: bytes, from: position) {
                    #expect(count >= 4 && position + count <= bytes.count)
                    if case .value(let range) = response.code { #expect(range.upperBound + 2 <= bytes.count) }
                    position += count
                }
            }
        }
    }
}
