import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

struct RESPTests {
    static let samples = RESPSamples.all

    @Test func `the fixture is whole`() {
        #expect(Self.samples.replies.count == 31)
        #expect(Self.samples.commands.count == 4)
        #expect(Self.samples.refuse.count == 10)
    }

    @Test(arguments: samples.replies.indices)
    func `a reply of the specification is read, in every split`(index: Int) {
        let sample = Self.samples.replies[index]
        let bytes = [UInt8](sample.wire)
        let expected = RESPOutcome(messages: [sample.value.value])
        #expect(replies(bytes) == expected)
        #expect(replies(bytes, pieces: Array(repeating: 1, count: bytes.count)) == expected)
        for cut in 1..<bytes.count { #expect(replies(bytes, pieces: [cut]) == expected, "cut at \(cut)") }
        // One behind the other, and every beginning alone is incomplete.
        #expect(replies(bytes + bytes).messages == [sample.value.value, sample.value.value])
        for end in 1..<bytes.count { #expect(replies(Array(bytes[..<end])).ending == .incomplete) }
    }

    @Test(arguments: samples.commands.indices)
    func `a command of the specification is read, in every split`(index: Int) {
        let sample = Self.samples.commands[index]
        let bytes = [UInt8](sample.wire)
        let expected = RESPOutcome(messages: [sample.args.map { Array($0.utf8) }])
        #expect(commands(bytes) == expected)
        for cut in 1..<bytes.count { #expect(commands(bytes, pieces: [cut]) == expected, "cut at \(cut)") }
        for end in 1..<bytes.count { #expect(commands(Array(bytes[..<end])).ending == .incomplete) }
    }

    @Test(arguments: samples.refuse.indices)
    func `what is no reply is refused, in every split`(index: Int) {
        let bytes = [UInt8](Self.samples.refuse[index].wire)
        let whole = replies(bytes)
        guard case .refused = whole.ending else {
            Issue.record("\(Self.samples.refuse[index].why): \(whole)")
            return
        }
        for cut in 1..<bytes.count { #expect(replies(bytes, pieces: [cut]) == whole, "cut at \(cut)") }
    }

    @Test(arguments: [
        ("*1\r\n+PING\r\n", RESPError.expectedBulk(UInt8(ascii: "+"))),
        ("*1048577\r\n", .malformedCount), ("*-2\r\n", .malformedCount), ("*1x\r\n", .malformedCount),
        ("*01\r\n", .malformedCount), ("*+1\r\n", .malformedCount), ("*\r\n", .malformedCount),
        ("*99999999999999999999999\r\n", .malformedCount), ("*1\n$4\r\n", .malformedCount),
        ("*1\r\n$-1\r\n", .malformedBulkLength), ("*1\r\n$536870913\r\n", .malformedBulkLength),
        ("*1\r\n$4x\r\nPING\r\n", .malformedBulkLength), ("*1\r\n$4\r\nPINGxx", .missingTerminator),
        ("PING \"a\r\n", .unbalancedQuotes), ("PING 'a'b\r\n", .unbalancedQuotes),
    ])
    func `what is no command is refused`(text: String, error: RESPError) {
        let bytes = Array(text.utf8)
        #expect(commands(bytes).ending == .refused(error))
        #expect(commands(bytes, pieces: Array(repeating: 1, count: bytes.count)).ending == .refused(error))
    }

    @Test(arguments: [
        ("SET  key\tvalue\r\n", ["SET", "key", "value"]), ("ping\n", ["ping"]),
        (#"SET "a \"b\"\x41\n" 'it\'s' "#, []),
        ("SET \"a \\\"b\\\"\\x41\\n\" 'it\\'s \\n'\n", ["SET", "a \"b\"A\n", "it's \\n"]),
        ("\r\n \r\n*0\r\n*-1\r\nPING\r\n", ["PING"]), ("a\"b c\"\r\n", ["ab c"]), ("\"\"\r\n", [""]),
    ])
    func `a line of words is a command`(text: String, words: [String]) {
        let bytes = Array(text.utf8)
        for pieces in [[], Array(repeating: 1, count: bytes.count)] {
            #expect(commands(bytes, pieces: pieces).messages == (words.isEmpty ? [] : [words.map { Array($0.utf8) }]))
        }
    }

    @Test func `limits hold at their edge`() {
        var limits = RESPLimits()
        limits.lineBytesMax = 10
        limits.bulkBytesMax = 5
        limits.elementsMax = 3
        limits.depthMax = 2
        func command(_ text: String) -> RESPOutcome<[[UInt8]]>.Ending {
            commands(Array(text.utf8), limits: limits).ending
        }
        func reply(_ text: String) -> RESPOutcome<RESPValue>.Ending { replies(Array(text.utf8), limits: limits).ending }
        #expect(command("123456789\r\n") == .clean)
        #expect(command("1234567890\r\n") == .refused(.lineTooLong))
        #expect(command("12345678901") == .refused(.lineTooLong))
        #expect(command("*1\r\n$5\r\nabcde\r\n") == .clean)
        #expect(command("*1\r\n$6\r\n") == .refused(.malformedBulkLength))
        #expect(command("*4\r\n") == .refused(.malformedCount))
        #expect(reply("$6\r\n") == .refused(.malformedBulkLength))
        #expect(reply("*4\r\n") == .refused(.malformedCount))
        #expect(reply("*1\r\n*1\r\n:1\r\n") == .clean)
        #expect(reply("*1\r\n*1\r\n*1\r\n:1\r\n") == .refused(.nestedTooDeeply))
        #expect(reply("+123456789\r\n") == .clean)
        #expect(reply("+12345678901\r\n") == .refused(.lineTooLong))
        #expect(reply("+12345678901") == .refused(.lineTooLong))
    }

    @Test func `who is unknown is believed less`() {
        var parser = RESPCommandParser()
        parser.isUnauthenticated = true
        for (text, expected) in [
            ("*11\r\n", RESPCommandParser.Outcome.malformed(.unauthenticated)), ("*10\r\n", .incomplete),
        ] {
            var bytes = Array(text.utf8)
            let count = bytes.count
            let outcome = bytes.withUnsafeMutableBytes { place in
                place.baseAddress.map { parser.parse($0, count) }
            }
            #expect(outcome == expected)
        }
    }

    @Test func `a reply behind attributes is the reply`() {
        let bytes = Array("|1\r\n+ttl\r\n:3600\r\n*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n".utf8)
        #expect(replies(bytes).messages == [.array([.integer(1), .integer(2)])])
    }

    @Test func `errors say what a Redis server says`() {
        #expect(RESPError.expectedBulk(UInt8(ascii: "+")).description == "expected '$', got '+'")
        #expect(RESPError.unknownType(7).description == "unknown type byte 7")
        #expect(RESPError.malformedCount.description == "invalid multibulk length")
    }
}
