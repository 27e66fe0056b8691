import ApusHTTP
import Testing

struct ChunkedDecoderTests {
    struct Decoded: Equatable {
        var data = ""
        var trailers = ""
        var used = 0
        var ended = false
        var error: ParseError.Code?
    }

    func decode(_ text: String, step: Int, limits: ChunkedDecoder.Limits = .init()) -> Decoded {
        let bytes = Array(text.utf8)
        var decoder = ChunkedDecoder(limits: limits)
        var decoded = Decoded()
        do throws(ParseError) {
            while decoded.used < bytes.count, !decoded.ended {
                let piece = Array(bytes[decoded.used..<min(bytes.count, decoded.used + step)])
                var offset = 0
                var wantsMore = false
                while !wantsMore, !decoded.ended {
                    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: piece.count, alignment: 1)
                    defer { copy.deallocate() }
                    copy.copyBytes(from: piece)
                    switch try decoder.next(UnsafeRawBufferPointer(copy), at: &offset) {
                    case .data(let range): decoded.data += String(decoding: piece[range], as: UTF8.self)
                    case .trailer(let range): decoded.trailers += String(decoding: piece[range], as: UTF8.self)
                    case .needMore: wantsMore = true
                    case .end: decoded.ended = true
                    }
                }
                decoded.used += offset
            }
        } catch {
            decoded.error = error.code
            decoded.used = 0
        }
        return decoded
    }

    @Test(arguments: [
        ("5\r\nhello\r\n0\r\n\r\nnext", "hello", "", 15),
        ("5\r\nhello\r\n00C\r\n, all of you\r\n0000000000000000\r\n\r\n", "hello, all of you", "", 49),
        ("1;a=b;c=\"d e\"\r\nx\r\n0;last\r\nA: b\r\nC: d\r\n\r\n", "x", "A: b\r\nC: d\r\n", 40),
        ("0\r\n\r\n", "", "", 5),
    ])
    func `data and trailers come out whole in every split`(text: String, data: String, trailers: String, used: Int) {
        let whole = decode(text, step: .max / 2)
        #expect(whole == Decoded(data: data, trailers: trailers, used: used, ended: true))
        for step in 1...text.utf8.count { #expect(decode(text, step: step) == whole) }
    }

    @Test(arguments: [
        ("\r\n", ParseError.Code.malformedChunkSize),
        ("x\r\n", .malformedChunkSize),
        (" 5\r\n", .malformedChunkSize),
        ("5 \r\n", .malformedChunkSize),
        ("+5\r\n", .malformedChunkSize),
        ("0x5\r\n", .malformedChunkSize),
        ("5\n", .bareLineFeed),
        ("5\rx", .bareCarriageReturn),
        ("00000000000000005\r\n", .malformedChunkSize),
        ("ffffffffffffffff\r\n", .malformedChunkSize),
        ("8000000000000000\r\n", .malformedChunkSize),
        ("5;a\n", .bareLineFeed),
        ("5;a\u{0}\r\n", .malformedChunkExtension),
        ("5;a\rb\r\n", .bareCarriageReturn),
        ("2\r\nabc\r\n", .malformedChunkEnd),
        ("2\r\nab\n", .bareLineFeed),
        ("2\r\nab\rx", .bareCarriageReturn),
        ("0\r\n\rx", .bareCarriageReturn),
        ("0\r\n\n", .malformedTrailer),
        ("0\r\n a: b\r\n\r\n", .malformedTrailer),
        ("0\r\na b\r\n\r\n", .malformedTrailer),
        ("0\r\na: b\n\r\n", .bareLineFeed),
        ("0\r\na: b\rc", .bareCarriageReturn),
        ("0\r\na: \u{0}\r\n\r\n", .malformedTrailer),
    ])
    func `chunks that are none are refused in every split`(text: String, code: ParseError.Code) {
        for step in 1...max(1, text.utf8.count) { #expect(decode(text, step: step).error == code) }
    }

    @Test func `extensions and trailers are bounded`() {
        let extension256 = ";" + String(repeating: "x", count: 255)
        #expect(decode("1\(extension256)\r\na\r\n0\r\n\r\n", step: 7).error == nil)
        #expect(decode("1\(extension256)x\r\na\r\n0\r\n\r\n", step: 7).error == .chunkExtensionTooLong)
        let trailer = "a: " + String(repeating: "x", count: 8192 - 5) + "\r\n"
        #expect(decode("0\r\n\(trailer)\r\n", step: 100).ended)
        #expect(decode("0\r\n\(trailer)b: c\r\n\r\n", step: 100).error == .trailersTooLarge)
        var limits = ChunkedDecoder.Limits()
        limits.chunkBytesMax = 16
        #expect(decode("10\r\n", step: 9, limits: limits).error == nil)
        #expect(decode("11\r\n", step: 9, limits: limits).error == .malformedChunkSize)
    }

    @Test func `trailers become fields, and those that frame or route are refused`() throws {
        let table = HeaderTable.allocate()
        defer { table.deallocate() }
        let parse = { (text: String) throws in
            try Array(text.utf8).withUnsafeBytes { try Trailers.parse($0, table: table) }
        }
        try parse("Digest: x\r\nServer: y\r\n")
        #expect(table.count == 2)
        #expect(table[1].id == .server)
        for name in ["Content-Length: 1", "Transfer-Encoding: chunked", "Host: a", "Authorization: x", "Trailer: x"] {
            #expect(throws: ParseError(.forbiddenTrailer)) { try parse("\(name)\r\n") }
        }
        #expect(throws: ParseError.self) { try parse("a b\r\n") }
    }

    @Test(arguments: [1, 9, 10, 15, 16, 255, 4096, 65535, 1 << 40, Int.max])
    func `a chunk's head says its size in hexadecimal`(count: Int) {
        let bytes = [UInt8](unsafeUninitializedCapacity: ChunkFrame.headBytesMax) { buffer, filled in
            if let base = buffer.baseAddress {
                filled = ChunkFrame.writeHead(count: count, to: UnsafeMutableRawPointer(base))
            }
        }
        #expect(String(decoding: bytes, as: UTF8.self) == String(count, radix: 16) + "\r\n")
    }
}
