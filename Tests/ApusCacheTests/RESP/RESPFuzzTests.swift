import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

/// Seeded mutations of messages: nothing crashes, reads too far, or depends on the split.
struct RESPFuzzTests {
    static let telling: [UInt8] = Array("\r\n*$+-:_#,(!=%~>|0123456789 \"'\\xtf".utf8) + [0, 0x80, 0xFF]

    static func mutate(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let byte = telling.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<5, using: &random) {
            case 0 where place < bytes.count: bytes[place] = byte
            case 1: bytes.insert(byte, at: place)
            case 2 where place < bytes.count: bytes.remove(at: place)
            case 3:
                let end = min(bytes.count, place + Int.random(in: 0..<20, using: &random))
                bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
            default: bytes.removeLast(min(bytes.count, Int.random(in: 0..<6, using: &random)))
            }
        }
        return bytes
    }

    /// A value as random as its depth allows.
    static func value(_ random: inout SeededRandom, depth: Int = 0) -> RESPValue {
        func bytes() -> [UInt8] {
            (0..<Int.random(in: 0...12, using: &random)).map { _ in telling.randomElement(using: &random) ?? 0 }
        }
        func values() -> [RESPValue] {
            (0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth + 1) }
        }
        switch Int.random(in: 0..<(depth < 3 ? 13 : 9), using: &random) {
        case 0: return .simple("OK")
        case 1: return .error("ERR no")
        case 2: return .integer(Int(truncatingIfNeeded: random.next()))
        case 3: return .bulk(bytes())
        case 4: return .null
        case 5: return .boolean(random.next() & 1 == 0)
        case 6: return .double(Double(Int.random(in: -1000...1000, using: &random)) / 8)
        case 7: return .bigNumber("-\(random.next())\(random.next())")
        case 8: return .verbatim(format: "txt", text: bytes())
        case 9: return .array(values())
        case 10: return .set(values())
        case 11: return .push(values())
        default: return .map(values().map { RESPValue.Pair(.integer(1), $0) })
        }
    }

    /// The bytes of a value in RESP3, written apart from the product's writer.
    static func wire(_ value: RESPValue) -> [UInt8] {
        func bulk(_ type: String, _ bytes: [UInt8]) -> [UInt8] {
            Array("\(type)\(bytes.count)\r\n".utf8) + bytes + [13, 10]
        }
        func all(_ type: String, _ count: Int, _ values: [RESPValue]) -> [UInt8] {
            Array("\(type)\(count)\r\n".utf8) + values.flatMap(wire)
        }
        switch value {
        case .simple(let text): return Array("+\(text)\r\n".utf8)
        case .error(let text): return Array("-\(text)\r\n".utf8)
        case .integer(let number): return Array(":\(number)\r\n".utf8)
        case .bulk(let bytes): return bulk("$", bytes)
        case .null: return Array("_\r\n".utf8)
        case .boolean(let value): return Array(value ? "#t\r\n".utf8 : "#f\r\n".utf8)
        case .double(let number): return Array(",\(number)\r\n".utf8)
        case .bigNumber(let text): return Array("(\(text)\r\n".utf8)
        case .verbatim(let format, let text): return bulk("=", Array("\(format):".utf8) + text)
        case .array(let values): return all("*", values.count, values)
        case .set(let values): return all("~", values.count, values)
        case .push(let values): return all(">", values.count, values)
        case .map(let pairs): return all("%", pairs.count, pairs.flatMap { [$0.key, $0.value] })
        }
    }

    @Test func `random values come back in every split`() {
        var random = SeededRandom(seed: TestRun.seed)
        for round in 0..<TestRun.seeds * 4 {
            let values = (0..<3).map { _ in Self.value(&random) }
            let bytes = values.flatMap(Self.wire)
            let pieces = (0..<bytes.count).map { _ in Int.random(in: 1...9, using: &random) }
            #expect(replies(bytes) == RESPOutcome(messages: values), "seed \(TestRun.seed), round \(round)")
            #expect(replies(bytes, pieces: pieces).messages == values, "seed \(TestRun.seed), round \(round)")
        }
    }

    @Test func `mutated replies have one outcome in every split`() {
        var random = SeededRandom(seed: TestRun.seed &+ 1)
        var refused = 0
        let rounds = TestRun.seeds * 10
        for round in 0..<rounds {
            let bytes = Self.mutate((0..<2).flatMap { _ in Self.wire(Self.value(&random)) }, &random)
            let whole = replies(bytes)
            if case .refused = whole.ending { refused += 1 }
            let pieces = (0..<bytes.count).map { _ in Int.random(in: 1...7, using: &random) }
            #expect(whole == replies(bytes, pieces: pieces), "seed \(TestRun.seed), round \(round), bytes \(bytes)")
        }
        #expect(refused > rounds / 10)
    }

    @Test func `mutated commands have one outcome in every split`() {
        var random = SeededRandom(seed: TestRun.seed &+ 2)
        let texts = [
            "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n*1\r\n$4\r\nPING\r\n",
            "GET key\r\nSET \"a b\" 'c\\'d'\r\n", "*2\r\n$3\r\nGET\r\n$0\r\n\r\n*0\r\nINCR a\r\n",
            "*12\r\n" + String(repeating: "$10\r\n0123456789\r\n", count: 12),
        ]
        var refused = 0
        let rounds = TestRun.seeds * 10
        for round in 0..<rounds {
            let bytes = Self.mutate(Array((texts.randomElement(using: &random) ?? "").utf8), &random)
            let whole = commands(bytes)
            if case .refused = whole.ending { refused += 1 }
            let pieces = (0..<bytes.count).map { _ in Int.random(in: 1...7, using: &random) }
            #expect(whole == commands(bytes, pieces: pieces), "seed \(TestRun.seed), round \(round), bytes \(bytes)")
        }
        #expect(refused > rounds / 10)
    }
}
