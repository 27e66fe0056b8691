import ApusHTTP
import Testing

struct HTTPDateTests {
    private func parse(_ text: String) -> Int64? { Array(text.utf8).withUnsafeBytes { HTTPDate.parse($0) } }

    @Test(arguments: [
        (Int64(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ])
    func `a date is written and read back`(seconds: Int64, text: String) {
        var writer = ByteWriter()
        writer.append(httpDate: seconds)
        #expect(writer.string == text)
        #expect(parse(text) == seconds)
        var cache = HTTPDateCache()
        for _ in 0..<2 {
            writer.removeAll()
            cache.append(seconds, to: &writer)
            #expect(writer.string == text)
        }
    }

    @Test func `every day of 400 years comes back`() {
        for day in stride(from: Int64(-141_000), to: 141_000, by: 7) {
            var writer = ByteWriter()
            writer.append(httpDate: day * 86_400 + 12_345)
            #expect(parse(writer.string) == day * 86_400 + 12_345)
        }
    }

    @Test func `the two obsolete forms are read too`() {
        #expect(parse("Sunday, 06-Nov-94 08:49:37 GMT") == 784_111_777)
        #expect(parse("Sun Nov  6 08:49:37 1994") == 784_111_777)
        #expect(parse("Wednesday, 01-Jan-69 00:00:00 GMT") == 3_124_224_000)
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Xxx, 06 Nov 1994 08:49:37 GMT", "Sunday,", "1994-11-06",
    ])
    func `what is no date is none`(text: String) { #expect(parse(text) == nil) }
}
