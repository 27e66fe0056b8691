import ApusTesting
import Testing

@testable import ApusCache

struct RESPBufferTests {
    private func written(_ body: (inout RESPBuffer) -> Void) -> [UInt8] {
        var buffer = RESPBuffer(bytesMax: 1 << 20)
        body(&buffer)
        return Array(buffer.bytes)
    }

    private func text(_ body: (inout RESPBuffer) -> Void) -> String { String(decoding: written(body), as: UTF8.self) }

    @Test(arguments: [0, 7, 10, 99, 100, 12_345, -1, -10, Int.max, Int.min])
    func `numbers are written as they are read`(number: Int) {
        #expect(replies(written { $0.integer(number) }).messages == [.integer(number)])
        #expect(replies(written { $0.bulk(number) }).messages == [.bulk(Array("\(number)".utf8))])
    }

    @Test(arguments: [
        (0, "0"), (1, "1"), (-2.5, "-2.5"), (1e21, "1e+21"), (0.1, "0.1"), (.infinity, "inf"), (-.infinity, "-inf"),
        (3e15, "3000000000000000"), (-0.0, "-0"), (Double.nan, "nan"),
    ])
    func `doubles are as short as they can be`(number: Double, expected: String) {
        #expect(text { $0.double(number, .two) } == "$\(expected.utf8.count)\r\n\(expected)\r\n")
        #expect(text { $0.double(number, .three) } == ",\(expected)\r\n")
    }

    @Test func `RESP3 has types of its own, RESP2 writes them as older ones`() {
        #expect(text { $0.null(.two) } == "$-1\r\n")
        #expect(text { $0.null(.three) } == "_\r\n")
        #expect(text { $0.nullArray(.two) } == "*-1\r\n")
        #expect(text { $0.map(2, .two) } == "*4\r\n")
        #expect(text { $0.map(2, .three) } == "%2\r\n")
        #expect(text { $0.set(2, .three) } == "~2\r\n")
        #expect(text { $0.push(2, .three) } == ">2\r\n")
        #expect(text { $0.boolean(true, .two) } == ":1\r\n")
        #expect(text { $0.boolean(false, .three) } == "#f\r\n")
        #expect(text { $0.verbatim("ab", .two) } == "$2\r\nab\r\n")
        #expect(text { $0.verbatim("ab", .three) } == "=6\r\ntxt:ab\r\n")
        #expect(text { $0.error("ERR a\r\nb") } == "-ERR a  b\r\n")
        #expect(text { $0.simple("OK") } == "+OK\r\n")
        #expect(text { $0.bulk([]) } == "$0\r\n\r\n")
    }

    @Test func `what goes beyond the bound is not written`() {
        var buffer = RESPBuffer(bytesMax: 100)
        buffer.bulk([UInt8](repeating: 1, count: 60))
        var (isOver, count) = (buffer.isOver, buffer.count)
        #expect(!isOver)
        #expect(count == 67)
        buffer.bulk([UInt8](repeating: 1, count: 60))
        (isOver, count) = (buffer.isOver, buffer.count)
        #expect(isOver)
        #expect(count <= 100)
        buffer.removeAll()
        buffer.append("a" as StaticString)
        isOver = buffer.isOver
        let bytes = Array(buffer.bytes)
        #expect(!isOver)
        #expect(bytes == [0x61])
    }

    @Test func `a header may be put before what is written`() {
        var buffer = RESPBuffer(bytesMax: 1000)
        buffer.simple("a")
        let position = buffer.count
        buffer.integer(1)
        buffer.integer(2)
        var header = RESPBuffer(bytesMax: 100)
        header.array(2)
        buffer.insert(header, at: position)
        var bytes = Array(buffer.bytes)
        #expect(bytes == Array("+a\r\n*2\r\n:1\r\n:2\r\n".utf8))
        buffer.removeFirst(4)
        bytes = Array(buffer.bytes)
        #expect(bytes == Array("*2\r\n:1\r\n:2\r\n".utf8))
    }
}
