@testable import Apus
import ApusCore
import ApusObserve
import ApusWire
import Testing

@Suite(.timeLimit(.minutes(5)))
struct FrameTests {
    struct Seen: Equatable {
        var kind: FrameKind
        var number: UInt64
        var body: [UInt8]
    }

    /// A stream of frames of many sizes, and what they are.
    static func stream(seed: UInt64, frames: Int = 40) -> (bytes: [UInt8], seen: [Seen]) {
        var random = SeededRandom(seed: seed)
        var writer = WireWriter()
        var seen: [Seen] = []
        for _ in 0..<frames {
            let kind = FrameKind(rawValue: UInt8.random(in: 1...7, using: &random)) ?? .call
            let number = UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0...63, using: &random)
            let count = Int.random(in: 0...1, using: &random) == 0 ? 3 : Int.random(in: 0...700, using: &random)
            let body = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let mark = writer.openFrame(kind, number)
            body.withUnsafeBytes { writer.writeRaw($0) }
            writer.closeFrame(mark)
            seen.append(Seen(kind: kind, number: number, body: body))
        }
        return (writer.withBytes { Array($0) }, seen)
    }

    /// What comes out when the stream arrives in pieces that end at `cuts`.
    static func split(_ bytes: [UInt8], at cuts: [Int], bytesMax: Int = 1 << 20) throws -> (seen: [Seen], held: Int) {
        var splitter = FrameSplitter(bytesMax: bytesMax)
        var seen: [Seen] = []
        var from = 0
        for to in cuts + [bytes.count] {
            try bytes.withUnsafeBytes { all in
                try splitter.feed(UnsafeRawBufferPointer(rebasing: all[from..<to])) { kind, number, reader in
                    seen.append(Seen(kind: kind, number: number, body: Array(reader.rest)))
                    return bytesMax
                }
            }
            from = to
        }
        return (seen, splitter.heldBytes)
    }

    @Test func `frames come out whole however their bytes arrive`() throws {
        let (bytes, seen) = Self.stream(seed: 1)
        #expect(try Self.split(bytes, at: []).seen == seen)
        let single = try Self.split(bytes, at: Array(1..<bytes.count))
        #expect(single.seen == seen)
        #expect(single.held == 0)
    }

    @Test func `a stream cut at any one place gives the same frames`() throws {
        let (bytes, seen) = Self.stream(seed: 2, frames: 6)
        for cut in 0...bytes.count { #expect(try Self.split(bytes, at: [cut]).seen == seen) }
    }

    @Test func `a stream cut at random places gives the same frames`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        for round in 0..<200 {
            let (bytes, seen) = Self.stream(seed: seed &+ UInt64(round))
            let count = Int.random(in: 0..<30, using: &random)
            let cuts = (0..<count).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            #expect(try Self.split(bytes, at: cuts).seen == seen)
        }
    }

    @Test(
        arguments: [
            ([0, 0, 0, 0], "a frame of 0 bytes"), ([1, 0, 0, 0, 2], "a frame of 1 bytes"),
            ([255, 255, 255, 255], "a frame of 4294967295 bytes, at most 1000"),
            ([2, 0, 0, 0, 99, 1], "frame kind 99"), ([2, 0, 0, 0, 0, 1], "frame kind 0"),
            ([2, 0, 0, 0, 2, 0x80], "a frame without its number"),
        ] as [([UInt8], String)]
    )
    func `bytes that are no frame are refused, in one piece or single`(bytes: [UInt8], reason: String) {
        let whole = #expect(throws: FrameError.self) { try Self.split(bytes, at: [], bytesMax: 1000) }
        #expect(whole?.reason == reason)
        let single = #expect(throws: FrameError.self) {
            try Self.split(bytes, at: Array(1..<bytes.count), bytesMax: 1000)
        }
        #expect(single?.reason == reason)
    }

    @Test func `a frame that promises much holds only what came`() throws {
        let promise: [UInt8] = [0, 0, 16, 0, 2, 1, 1, 1]
        #expect(try Self.split(promise, at: [], bytesMax: 1 << 21).held == 8)
    }

    @Test func `random bytes are frames or an error`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0..<80, using: &random)
            let bytes = (0..<count).map { _ in
                UInt8.random(in: 0...255, using: &random) >> UInt8.random(in: 0...7, using: &random)
            }
            _ = try? Self.split(bytes, at: [count / 2], bytesMax: 1000)
        }
    }

    @Test func `an actor's name comes back as it went`() throws {
        #expect(try ActorID(wireBytes: ActorID(service: "cart", identity: "7").wireBytes()).identity == "7")
    }

    @Test func `what stands before arguments comes back as it went`() throws {
        let trace = TraceContext(traceHigh: 1 << 60, traceLow: 2, spanID: 3, flags: 1)
        for head in [
            CallHead(target: 3, identity: "", remaining: 5_000_000_000, trace: .none),
            CallHead(target: 300, identity: "cart-7", remaining: 0, trace: trace),
        ] {
            var writer = WireWriter()
            head.write(into: &writer)
            try writer.withBytes { (bytes: UnsafeRawBufferPointer) throws in
                var reader = WireReader(unsafe: bytes)
                let read = try CallHead.read(&reader)
                let remaining = reader.remaining
                #expect(read == head)
                #expect(remaining == 0)
            }
        }
    }
}

@Suite
struct CallSlabTests {
    @Test func `a call is ended once, and its number does not come back`() {
        var slab = CallSlab()
        let first = slab.begin(PendingCall(), deadline: 5, start: 0)
        let ends = [slab.end(first), slab.end(first)].map { $0 != nil }
        #expect(ends == [true, false])
        let second = slab.begin(PendingCall(), deadline: 5, start: 0)
        #expect(second != first)
        let others = [slab.end(first), slab.end(UInt64.max)].map { $0 != nil }
        #expect(others == [false, false])
        #expect(slab.count == 1)
    }

    @Test func `calls end at their deadline, and the next one is known`() {
        var slab = CallSlab()
        let numbers = (1...10).map { slab.begin(PendingCall(), deadline: Int64($0) * 10, start: 0) }
        var earliest: Int64 = 0
        let due = slab.endDue(30, earliest: &earliest).map(\.number)
        #expect(due == Array(numbers[..<3]))
        #expect(earliest == 40)
        let rest = slab.endAll().count
        #expect(rest == 7)
        #expect(slab.count == 0)
    }

    @Test func `the budget allows a tenth of the calls and a few a second`() {
        var budget = RetryBudget(now: Instant(nanoseconds: 0))
        func spend(at now: Int64) -> Int {
            var spent = 0
            while budget.take(now: Instant(nanoseconds: now)) { spent += 1 }
            return spent
        }
        #expect(spend(at: 0) == 100)
        for _ in 0..<101 { budget.called() }
        #expect(spend(at: 0) == 10)
        #expect(spend(at: 200_000_000) == 2)
        for _ in 0..<100_000 { budget.called() }
        #expect(spend(at: 200_000_000) == 1024)
    }

    @Test func `pauses double, with jitter, up to five seconds`() {
        var random = SeededRandom(seed: 3)
        for (failures, most) in [(1, 0.05), (2, 0.1), (5, 0.8), (20, 5.0)] {
            for _ in 0..<50 {
                let pause = Backoff.pause(after: failures, using: &random).seconds
                #expect(pause >= most / 2 && pause <= most)
            }
        }
    }
}
