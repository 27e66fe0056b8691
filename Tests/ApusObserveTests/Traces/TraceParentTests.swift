import ApusCore
import Testing

@testable import ApusObserve

struct TraceParentTests {
    static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func `a traceparent is read and written`() throws {
        let context = try #require(TraceContext(traceparent: Self.valid))
        #expect(context.traceHigh == 0x4bf9_2f35_77b3_4da6)
        #expect(context.traceLow == 0xa3ce_929d_0e0e_4736)
        #expect(context.spanID == 0x00f0_67aa_0ba9_02b7)
        #expect(context.isSampled)
        #expect(context.traceparent == Self.valid)
        #expect(context.traceIDText == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context.spanIDText == "00f067aa0ba902b7")
    }

    /// After the cases of the W3C's own test suite (trace-context/test/test.py), in our words.
    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "\(valid)-", "\(valid)-00", "\(valid).",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e47366-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "0 -4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", " \(valid)",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bé-1",
    ])
    func `anything else is refused`(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test(arguments: ["", "-what-comes-later"])
    func `a version to come is read by what we know of it`(rest: String) {
        let text = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff\(rest)"
        #expect(TraceContext(traceparent: text)?.flags == 3)
    }

    @Test(arguments: [UInt64(1), 2])
    func `random changes are read only where they are written back the same`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50_000 {
            var bytes = Array(Self.valid.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: Int.random(in: 0..<bytes.count, using: &random))
                default:
                    bytes.insert(
                        .random(in: 32...126, using: &random),
                        at: Int.random(in: 0...bytes.count, using: &random)
                    )
                }
            }
            guard let context = bytes.withUnsafeBytes({ TraceContext(traceparent: $0) }) else { continue }
            let again = Array(context.traceparent.utf8)
            #expect(context.isValid)
            #expect(again[2..<53] == bytes[2..<53], "seed \(seed)")
        }
    }

    @Test func `a tracestate keeps its members in order`() throws {
        let state = try #require(TraceState("rojo=00f067aa0ba902b7 ,\tcongo=t61rcWkgMzE,, 0fw529a3039@dt=FfB~ 1"))
        #expect(state.members.map(\.key) == ["rojo", "congo", "0fw529a3039@dt"])
        #expect(state.header == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,0fw529a3039@dt=FfB~ 1")
    }

    @Test(arguments: [
        "a", "=1", "A=1", "a =1", "a=1,a=2", "a=1=2", "-a=1", "a=é", "a=", String(repeating: "k", count: 257) + "=1",
        "a=" + String(repeating: "v", count: 257), (0..<33).map { "k\($0)=1" }.joined(separator: ","), "a=b\u{7F}",
    ])
    func `a malformed tracestate is refused whole`(text: String) { #expect(TraceState(text) == nil) }

    @Test func `32 members and 256 bytes are allowed`() {
        #expect(TraceState((0..<32).map { "k\($0)=1" }.joined(separator: ","))?.members.count == 32)
        #expect(TraceState(String(repeating: "k", count: 256) + "=" + String(repeating: "v", count: 256)) != nil)
    }
}
