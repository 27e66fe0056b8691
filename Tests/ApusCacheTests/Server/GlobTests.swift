import Testing

@testable import ApusCache

struct GlobTests {
    @Test(arguments: [
        ("*", "", true), ("*", "abc", true), ("a*c", "abbc", true), ("a*c", "abbd", false), ("?", "a", true),
        ("?", "", false),
        ("[a-c]x", "bx", true), ("[a-c]x", "dx", false), ("[^a]", "b", true), ("[^a]", "a", false), ("\\*", "*", true),
        ("\\*", "a", false), ("a[", "a", false), ("h[ae]llo", "hallo", true), ("*a*b*", "xxaxxbxx", true),
        ("", "", true),
        ("", "a", false), ("[c-a]", "b", true), ("a\\", "a\\", true),
    ])
    func `a pattern matches as in Redis`(pattern: String, text: String, expected: Bool) {
        #expect(Glob(Array(pattern.utf8)).matches(Array(text.utf8)) == expected)
    }

    @Test func `no pattern takes for ever`() {
        let pattern = String(repeating: "*a", count: 500) + "b"
        #expect(!Glob(Array(pattern.utf8)).matches([UInt8](repeating: UInt8(ascii: "a"), count: 5000)))
    }
}
