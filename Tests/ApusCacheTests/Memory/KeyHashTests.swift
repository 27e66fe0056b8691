import Testing

@testable import ApusCache

@Suite struct KeyHashTests {
    private let hash = KeyHash(seed: 0x1234_5678_9ABC_DEF0, factor: 0x9E37_79B9_7F4A_7C15)

    @Test(arguments: [
        ("K", "\u{212A}"), (";", "\u{37E}"), ("`", "\u{1FEF}"), ("é", "e\u{301}"), ("Å", "\u{212B}"),
        ("a;longer;text;in;pieces", "a;longer\u{37E}text;in;pieces"),
    ])
    func `equal strings have equal hashes, whatever their bytes are`(left: String, right: String) {
        #expect(left == right)
        #expect(hash(left) == hash(right))
    }

    @Test func `each byte of a string counts, however long it is, and nothing behind it does`() {
        for length in 0...50 {
            let bytes = (0..<length).map { UInt8(ascii: "a") + UInt8($0 % 26) }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(hash(text) == hash(String((text + "more").dropLast(4))))
            #expect(hash(text) != hash(text + "a"))
            for place in bytes.indices {
                var changed = bytes
                changed[place] ^= 1
                #expect(hash(text) != hash(String(decoding: changed, as: UTF8.self)), "byte \(place) of \(length)")
            }
        }
    }

    @Test func `hashes spread, and another seed spreads them otherwise`() {
        let other = KeyHash(seed: 1, factor: 0xD6E8_FEB8_6659_FD93)
        let texts = (0..<10_000).map { "key-\($0)" }
        #expect(Set(texts.map { hash($0) }).count == texts.count)
        #expect(Set((0..<10_000).map { hash($0) & 0xFFFF }).count > 8000)
        #expect(Set((0..<10_000).map { hash($0) >> 48 }).count > 8000)
        #expect(texts.count { hash($0) == other($0) } == 0)
        #expect(hash("abc") != hash("abc\0"))
        #expect(hash("") != hash("\0"))
    }
}
