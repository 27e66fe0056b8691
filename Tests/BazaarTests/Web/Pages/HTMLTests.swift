import Testing

@testable import Bazaar

struct HTMLTests {
    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("&", "&amp;"), ("a<b", "a&lt;b"), ("<>", "&lt;&gt;"),
        ("\"it's\"", "&quot;it&#39;s&quot;"),
        ("ends with &", "ends with &amp;"), ("&amp;", "&amp;amp;"), ("für 1 € & mehr", "für 1 € &amp; mehr"),
    ])
    func `text is escaped wherever it stands, and whatever it is a part of`(text: String, escaped: String) {
        #expect(("<p>\(text)</p>" as HTML).text == "<p>\(escaped)</p>")
        let part = "[\(text)]".dropFirst().dropLast()
        #expect(("<p>\(part)</p>" as HTML).text == "<p>\(escaped)</p>")
    }

    @Test func `markup in markup stays as it is`() {
        let inner: HTML = "<b>&amp;</b>"
        #expect(("\(inner)\([inner, inner])\(nil as HTML?)" as HTML).text == "<b>&amp;</b><b>&amp;</b><b>&amp;</b>")
    }
}
