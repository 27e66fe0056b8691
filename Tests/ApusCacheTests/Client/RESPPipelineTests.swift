import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

/// A pipeline for tests, with what came and is no whole reply yet.
final class HeldPipeline {
    private var pipeline: RESPPipeline
    private var left: [UInt8] = []

    init(_ configuration: RESPClientConfiguration = RESPClientConfiguration()) {
        pipeline = RESPPipeline(configuration)
    }

    var outstanding: Int { pipeline.outstanding }
    var unsentBytes: Int { pipeline.unsentBytes }
    var deadline: Int64 { pipeline.deadline }
    var silentSince: Int64 { pipeline.silentSince }
    var isListening: Bool {
        get { pipeline.isListening }
        set { pipeline.isListening = newValue }
    }

    func newName() -> UInt64 { pipeline.newName() }

    func append(
        _ wire: String,
        _ batch: RESPBatch? = nil,
        replies: Int = 1,
        name: UInt64 = 0,
        deadline: Int64 = 10
    ) -> Bool {
        pipeline.append(
            Array(wire.utf8),
            replies: replies,
            batch.map { .batch($0) } ?? .nobody,
            name: name,
            deadline: deadline
        )
    }

    func offer() -> String { String(decoding: pipeline.offer(), as: UTF8.self) }
    func sent(_ count: Int) { pipeline.sent(count) }
    func heard() { pipeline.heard() }
    func expire(at now: Int64) -> [Bool] { pipeline.expire(at: now).map(\.wasSent) }
    func cancel(_ number: UInt64) -> Bool? { pipeline.cancel(number)?.wasSent }
    func removeAll() -> [Bool] { pipeline.removeAll().map(\.wasSent) }

    /// Hands bytes over, and says what they came to: `nil` for replies, and the beginning of one.
    func receive(_ text: String) -> String? {
        left += Array(text.utf8)
        while !left.isEmpty {
            let event = left.withUnsafeBytes { bytes -> RESPPipeline.Event in
                bytes.baseAddress.map { pipeline.received($0, bytes.count) } ?? .incomplete
            }
            switch event {
            case .answered(let bytes): left.removeFirst(bytes)
            case .push(let value, let bytes):
                left.removeFirst(bytes)
                return value.elements?.compactMap(\.text).joined(separator: " ")
            case .incomplete: return nil
            case .unasked: return "unasked"
            case .malformed(let error): return "\(error)"
            }
        }
        return nil
    }
}

/// The protocol without a socket.
struct RESPPipelineTests {
    @Test func `replies find those who wait, in order`() {
        let pipeline = HeldPipeline()
        let (first, row) = (RESPBatch(1), RESPBatch(3))
        #expect(pipeline.append("a", first, replies: 1, deadline: 10))
        #expect(pipeline.append("bcd", row, replies: 3, deadline: 5))
        #expect(pipeline.outstanding == 4)
        #expect(pipeline.deadline == 5)
        #expect(pipeline.offer() == "abcd")
        pipeline.sent(4)
        #expect(pipeline.unsentBytes == 0)
        #expect(pipeline.receive("+OK\r\n:1\r\n$3\r\nab") == nil)
        #expect(first.values == [.ok])
        #expect(row.values == [.integer(1)])
        #expect(pipeline.receive("c\r\n-ERR no\r\n") == nil)
        #expect(row.values == [.integer(1), .text("abc"), .error("ERR no")])
        #expect(pipeline.outstanding == 0)
        #expect(pipeline.receive("+OK\r\n") == "unasked")
    }

    @Test func `what was not offered is taken out, what was keeps its place`() {
        let pipeline = HeldPipeline()
        let batches = (0..<5).map { _ in RESPBatch(1) }
        #expect(pipeline.append("sent.", batches[0], replies: 1, deadline: 10))
        _ = pipeline.offer()
        pipeline.sent(2)
        for (index, word) in ["one,", "two,", "three,", "four,"].enumerated() {
            let deadline: Int64 = index.isMultiple(of: 2) ? 10 : 20
            #expect(pipeline.append(word, batches[index + 1], replies: 1, deadline: deadline))
        }
        #expect(pipeline.expire(at: 10) == [true, false, false])
        #expect(pipeline.offer() == "nt.two,four,")
        #expect(pipeline.outstanding == 3)
        #expect(pipeline.silentSince == 10)
        pipeline.heard()
        #expect(pipeline.silentSince == .max)
        #expect(pipeline.receive("+nobody\r\n+two\r\n+four\r\n") == nil)
        #expect(batches.map(\.values) == [[], [], [.simple("two")], [], [.simple("four")]])
        #expect(pipeline.outstanding == 0)
    }

    @Test func `whoever is cancelled gets no reply, and a second time nobody is`() {
        let pipeline = HeldPipeline()
        let batches = (0..<3).map { _ in RESPBatch(1) }
        let numbers = batches.map { batch in
            let name = pipeline.newName()
            #expect(pipeline.append("x", batch, name: name))
            return name
        }
        _ = pipeline.offer()
        #expect(pipeline.cancel(numbers[1]) == true)
        #expect(pipeline.cancel(numbers[1]) == nil)
        #expect(pipeline.receive(":0\r\n:1\r\n:2\r\n") == nil)
        #expect(batches.map(\.values) == [[.integer(0)], [], [.integer(2)]])
        #expect(pipeline.cancel(numbers[0]) == nil)
        #expect(pipeline.cancel(99) == nil)
    }

    @Test func `at a loss everybody is told whether they were sent`() {
        let pipeline = HeldPipeline()
        for word in ["a", "b"] { #expect(pipeline.append(word, RESPBatch(1), replies: 1, deadline: 10)) }
        _ = pipeline.offer()
        #expect(pipeline.append("c", RESPBatch(1), replies: 1, deadline: 10))
        #expect(pipeline.removeAll() == [true, true, false])
        #expect(pipeline.outstanding == 0)
        #expect(pipeline.unsentBytes == 0)
        // The next connection begins with nothing.
        let next = RESPBatch(1)
        #expect(pipeline.append("d", next, replies: 1, deadline: 10))
        #expect(pipeline.offer() == "d")
        #expect(pipeline.receive("+OK\r\n") == nil)
        #expect(next.values == [.ok])
    }

    @Test func `bytes have a bound`() {
        var configuration = RESPClientConfiguration()
        configuration.unsentBytesMax = 1024
        let pipeline = HeldPipeline(configuration)
        let half = String(repeating: "a", count: 600)
        #expect(pipeline.append(half))
        #expect(!pipeline.append(half))
        #expect(pipeline.unsentBytes == 600)
        #expect(pipeline.outstanding == 1)
    }

    @Test func `what a server says by itself is nobody's reply`() {
        let pipeline = HeldPipeline()
        let batch = RESPBatch(1)
        #expect(pipeline.append("a", batch, replies: 1, deadline: 10))
        #expect(pipeline.receive(">3\r\n+invalidate\r\n+a\r\n+b\r\n") == "invalidate a b")
        #expect(batch.values == [])
        pipeline.isListening = true
        #expect(pipeline.receive("*3\r\n+message\r\n+c\r\n+m\r\n") == "message c m")
        #expect(pipeline.outstanding == 1)
    }

    /// Commands come, are sent in pieces, answered, cancelled and run out of time at random, beside a plain model.
    @Test func `at random it does what a plain list does`() {
        var random = SeededRandom(seed: TestRun.seed)
        for _ in 0..<20 {
            let pipeline = HeldPipeline()
            struct Entry {
                let name: Int
                let batch: RESPBatch
                let number: UInt64
                let deadline: Int64
                var isWaiting = true
                var isSent = false
            }
            var model: [Entry] = []
            var wire = ""
            var names = 0
            var now: Int64 = 0
            for _ in 0..<400 {
                now += 1
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<4:
                    let entry = Entry(
                        name: names,
                        batch: RESPBatch(1),
                        number: pipeline.newName(),
                        deadline: now + Int64.random(in: 1..<60, using: &random)
                    )
                    names += 1
                    #expect(
                        pipeline.append("<\(entry.name)>", entry.batch, name: entry.number, deadline: entry.deadline)
                    )
                    model.append(entry)
                case 4, 5:
                    let bytes = Array(pipeline.offer().utf8)
                    for index in model.indices { model[index].isSent = true }
                    if bytes.isEmpty { break }
                    let count = Int.random(in: 1...bytes.count, using: &random)
                    wire += String(decoding: bytes[..<count], as: UTF8.self)
                    pipeline.sent(count)
                case 6, 7:
                    guard let first = model.first, first.isSent else { break }
                    #expect(pipeline.receive(":\(first.name)\r\n") == nil)
                    #expect(first.batch.values == (first.isWaiting ? [.integer(first.name)] : []))
                    model.removeFirst()
                case 8:
                    guard let index = model.indices.randomElement(using: &random) else { break }
                    let cancelled = pipeline.cancel(model[index].number)
                    #expect((cancelled != nil) == model[index].isWaiting)
                    if let cancelled { #expect(cancelled == model[index].isSent) }
                    if model[index].isSent { model[index].isWaiting = false } else { model.remove(at: index) }
                default:
                    let expired = pipeline.expire(at: now)
                    let due = model.indices.filter { model[$0].isWaiting && model[$0].deadline <= now }
                    #expect(expired == due.map { model[$0].isSent })
                    for index in due.reversed() {
                        if model[index].isSent { model[index].isWaiting = false } else { model.remove(at: index) }
                    }
                }
                #expect(pipeline.outstanding == model.count, "seed \(TestRun.seed)")
            }
            // What reached the wire is whole commands, in the order of their names.
            wire += pipeline.offer()
            let sent = wire.split(separator: ">").map { Int($0.dropFirst()) ?? -1 }
            #expect(sent == sent.sorted() && !sent.contains(-1), "seed \(TestRun.seed)")
            #expect(model.allSatisfy { sent.contains($0.name) }, "seed \(TestRun.seed)")
        }
    }
}
