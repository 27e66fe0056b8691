import ApusCore
import ApusHTTP
import ApusTesting
import Testing

struct PathRulesTests {
    private func fault(_ path: String) -> PathFault? {
        let bytes = Array(path.utf8)
        let guarded = GuardedBytes(capacity: bytes.count + 1)
        return PathRules.fault(guarded.copy(bytes))
    }

    @Test(arguments: [
        "/", "/a", "/a.b/c..d/...", "/.well-known/x", "/a%20b", "/%C3%B6", "/a//b", "/..a", "/%2e%2e%2ex", "/.%2ex",
    ])
    func `an ordinary path is served`(path: String) { #expect(fault(path) == nil) }

    @Test(arguments: [
        ("", PathFault.notAbsolute), ("a", .notAbsolute), ("/..", .dotSegment), ("/.", .dotSegment),
        ("/a/../b", .dotSegment),
        ("/abcdefgh/./b", .dotSegment), ("/a/..", .dotSegment), ("/%2e%2e/b", .dotSegment), ("/.%2E", .dotSegment),
        ("/%2e", .dotSegment), ("/%2E./x", .dotSegment), ("/a%2fb", .hiddenSeparator), ("/a%5Cb", .hiddenSeparator),
        ("/a\\..\\b", .hiddenSeparator), ("/a%00", .controlCharacter), ("/a%0d%0aX", .controlCharacter),
        ("/%7f", .controlCharacter),
        ("/a%", .malformedEncoding), ("/a%2", .malformedEncoding), ("/a%zz", .malformedEncoding),
        ("/a%2g", .malformedEncoding),
    ])
    func `a path that could be read in two ways is refused`(path: String, expected: PathFault) {
        #expect(fault(path) == expected)
        #expect(Problem(expected).status == .badRequest)
    }

    @Test func `no mutation of a path gets out of its folder`() {
        var random = SeededRandom(seed: 5)
        let parts = ["..", ".", "%2e", "%2E", "a", "/", "%2f", "%5c", "\\", "%00", "%", "b.c"]
        for _ in 0..<5000 {
            let path =
                "/"
                + (0..<Int.random(in: 1...8, using: &random)).compactMap { _ in parts.randomElement(using: &random) }
                .joined()
            guard fault(path) == nil else { continue }
            let decoded = Array(path.utf8).withUnsafeBytes { PercentCoding.decodeText($0) } ?? "/"
            #expect(!decoded.split(separator: "/").contains { $0 == ".." || $0 == "." })
            #expect(!decoded.contains("\\"))
        }
    }
}

struct FormFieldsTests {
    private func parse(_ text: String, _ limits: FormFields.Limits = .init()) throws -> FormFields {
        try Array(text.utf8).withUnsafeBytes { try FormFields($0, limits: limits) }
    }

    @Test func `fields come apart and are decoded`() throws {
        let form = try parse("a=1&b=x+y%26%C3%B6&a=2&&c&=d&e=f=g")
        #expect(form.fields.map { "\($0.name):\($0.value)" } == ["a:1", "b:x y&ö", "a:2", "c:", ":d", "e:f=g"])
        #expect(form["a"] == "1")
        #expect(form.values("a") == ["1", "2"])
        #expect(form["z"] == nil)
        #expect(try parse("").fields.isEmpty)
    }

    @Test func `what is not UTF-8, or beyond the limits, is refused`() {
        for text in ["a=%FF", "a=%C3", "%ZZ=1", "a=%", "a=%00", "a=%ED%A0%80"] {
            #expect(throws: FormFault.malformedEncoding) { try parse(text) }
        }
        var limits = FormFields.Limits()
        limits.fieldsMax = 2
        limits.bytesMax = 8
        #expect(throws: Never.self) { try parse("a=1&bb=2", limits) }
        #expect(throws: FormFault.tooManyFields) { try parse("a&b&c", limits) }
        #expect(throws: FormFault.tooLarge) { try parse("a=1&bbb=2", limits) }
        #expect(Problem(FormFault.tooLarge).status == .contentTooLarge)
    }

    @Test func `encoding and decoding are inverse`() {
        let text = String((0..<0x300).compactMap { UnicodeScalar($0) }.dropFirst().map(Character.init))
        let encoded = PercentCoding.encode(text)
        #expect(Array(encoded.utf8).withUnsafeBytes { PercentCoding.decodeText($0) } == text)
    }
}

struct CookieTests {
    private func value(_ field: String) -> String? {
        Array(field.utf8).withUnsafeBytes { bytes in
            Cookies.value(of: "session", in: bytes).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test(arguments: [
        ("session=a", "a"), ("x=y; session=b; session=c", "b"), ("xsession=n;session=\"q\"", "q"),
        (" session=d ;e=f", "d"),
        ("session=", ""), ("session=a=b", "a=b"),
    ])
    func `a cookie is found by its whole name`(field: String, expected: String) { #expect(value(field) == expected) }

    @Test(arguments: ["", "sessio=a", "sessions=a", "x=session=a", "session", ";;;", "Session=a"])
    func `what is no such cookie is none`(field: String) { #expect(value(field) == nil) }

    @Test func `a cookie to set is careful unless told otherwise`() throws {
        var cookie = try #require(SetCookie("session", "abc"))
        var writer = ByteWriter()
        cookie.write(to: &writer)
        #expect(writer.string == "session=abc; Path=/; HttpOnly; Secure; SameSite=Lax")
        cookie.isSecure = false
        cookie.isHTTPOnly = false
        cookie.maxAge = 60
        cookie.path = "/a; Domain=evil"
        cookie.sameSite = .strict
        writer.removeAll()
        cookie.write(to: &writer)
        #expect(writer.string == "session=abc; Max-Age=60; SameSite=Strict")
        cookie.sameSite = .none
        writer.removeAll()
        cookie.write(to: &writer)
        #expect(writer.string.contains("; Secure; SameSite=None"))
        for (name, value) in [("", "a"), ("a b", "c"), ("a", "b;c"), ("a", "b\r\nX: y"), ("a", "ö"), ("a=", "b")] {
            #expect(SetCookie(name, value) == nil)
        }
    }
}
