import ApusCore
import ApusWire
import Testing

private struct Tree: Wire, Equatable { var children: [Tree] }
private final class Chain: Codable, Sendable {
    let next: Chain?
    init(_ next: Chain?) { self.next = next }
    init(from decoder: any Decoder) throws { next = try decoder.singleValueContainer().decode(Chain?.self) }
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(next)
    }
}
private struct Box: Wire { var chain: Chain }

@Suite(.timeLimit(.minutes(5)))
struct WireFuzzTests {
    static let seed = UInt64.random(in: 0...UInt64.max)

    /// Reads `bytes` as several types; whatever happens is a value or an error.
    static func readAll(_ bytes: [UInt8]) {
        func attempt<Value: Wire>(_ type: Value.Type) { _ = try? Value(wireBytes: bytes) }
        attempt(Everything.self)
        attempt(PlainOrder.self)
        attempt(HandOrder.self)
        attempt([HandOrder.Line].self)
        attempt([String: [Int?]].self)
        attempt(Tree.self)
        attempt([[[Int]]].self)
        attempt(String.self)
        attempt(Box.self)
    }

    @Test func `random bytes are a value or an error, never a crash`() {
        var random = SeededRandom(seed: Self.seed)
        for _ in 0..<5_000 {
            let count = Int.random(in: 0..<64, using: &random)
            Self.readAll(
                (0..<count).map { _ in
                    UInt8.random(in: 0...255, using: &random) >> UInt8.random(in: 0...7, using: &random)
                }
            )
        }
        print("seed \(Self.seed)")
    }

    @Test func `a valid value with any byte changed, cut or doubled is a value or an error`() throws {
        var random = SeededRandom(seed: Self.seed &+ 1)
        let samples = [
            try Everything().wireBytes(), try PlainOrder.sample(5).wireBytes(),
            try HandOrder(number: 1, customer: "c", lines: [.init(sku: "s", quantity: 1, pence: 2)]).wireBytes(),
        ]
        for sample in samples {
            for cut in 0..<sample.count { Self.readAll(Array(sample[..<cut])) }
            for _ in 0..<1_500 {
                var bytes = sample
                for _ in 0...Int.random(in: 0..<3, using: &random) {
                    let index = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.remove(at: index)
                    default: bytes.insert(bytes[index], at: index)
                    }
                }
                Self.readAll(bytes)
            }
        }
        print("seed \(Self.seed)")
    }

    @Test func `a cut value is always an error`() throws {
        let bytes = try PlainOrder.sample(5).wireBytes()
        for cut in 0..<bytes.count {
            #expect(throws: WireError.self) { try PlainOrder(wireBytes: Array(bytes[..<cut])) }
        }
    }

    @Test func `a length that lies is refused before anything is allocated`() {
        // A count or length of 2^63, in front of a few bytes.
        let huge: [UInt8] = [255, 255, 255, 255, 255, 255, 255, 255, 127]
        for tail in [[], [0, 0, 0]] as [[UInt8]] {
            #expect(throws: WireError.self) { try [Int](wireBytes: huge + tail) }
            #expect(throws: WireError.self) { try String(wireBytes: huge + tail) }
            #expect(throws: WireError.self) { try [String: Int](wireBytes: huge + tail) }
            #expect(throws: WireError.self) { try PlainOrder(wireBytes: huge + tail) }
            #expect(throws: WireError.self) { try HandOrder(wireBytes: huge + tail) }
        }
        #expect(throws: WireError.self) { try UInt64(wireBytes: Array(repeating: 255, count: 9) + [2]) }
    }

    @Test func `values nested too deep are refused in both directions`() throws {
        var tree = Tree(children: [])
        for _ in 0..<20 { tree = Tree(children: [tree]) }
        #expect(try Tree(wireBytes: tree.wireBytes()) == tree)
        for _ in 0..<60 { tree = Tree(children: [tree]) }
        let error = #expect(throws: WireError.self) { try tree.wireBytes() }
        #expect(error?.code == .tooDeep)
        // A structure in a structure in a structure, two million deep, takes as many bytes.
        #expect(throws: WireError.self) { try Box(wireBytes: [UInt8](repeating: 1, count: 2_000_000)) }
        #expect(throws: WireError.self) { try Tree(wireBytes: [UInt8](repeating: 100, count: 101)) }
    }

    @Test func `text that is not UTF-8 is refused`() {
        let error = #expect(throws: WireError.self) { try String(wireBytes: [2, 0xC3, 0x28]) }
        #expect(error?.code == .malformedText)
    }

    @Test func `bytes after a value are refused`() throws {
        let error = #expect(throws: WireError.self) { try Int(wireBytes: [2, 2]) }
        #expect(error?.code == .trailingBytes)
    }
}
