import ApusCore
import ApusRuntime
import Glibc
import Testing

@testable import ApusDashboard

@Suite struct SegmentRingTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func ring(bytes: Int = 4096, segments: Int = 4) throws -> SegmentRing {
        try SegmentRing(folder: folder.path, name: "test", segmentBytes: bytes, segmentsMax: segments)
    }

    private func all(_ ring: SegmentRing) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        for segment in ring.segments {
            try ring.scan(segment) { _, bytes in
                found.append(bytes)
                return true
            }
        }
        return found
    }

    private func record(_ number: Int, bytes: Int = 100) -> [UInt8] {
        Array("\(number) ".utf8) + [UInt8](repeating: UInt8(number % 251), count: bytes)
    }

    @Test func `what was written is read, by its place and in order, also by the next run`() throws {
        let first = try ring()
        let places = try first.append([record(1), record(2)])
        try first.append([record(3)])
        #expect(first.read(places[1]) == record(2))
        let second = try ring()
        #expect(try all(second) == [record(1), record(2), record(3)])
        #expect(second.read(places[0]) == record(1))
        try second.append([record(4)])
        #expect(second.segments.count == 2)
        #expect(try all(second).last == record(4))
    }

    @Test func `it stays within its bound, and the newest take the place of the oldest`() throws {
        let ring = try ring()
        var first: SegmentRing.Place?
        for number in 0..<500 {
            let place = try ring.append([record(number)])[0]
            if first == nil { first = place }
            #expect(ring.bytes <= ring.bytesMax)
        }
        let found = try all(ring)
        #expect(found.last == record(499))
        #expect(found.count > 80 && found.count < 200)
        #expect(first.flatMap { ring.read($0) } == nil)
        let onDisk = try Files.list(folder.path).reduce(Int64(0)) {
            $0 + (Files.status("\(folder.path)/\($1)")?.size ?? 0)
        }
        #expect(onDisk <= Int64(ring.bytesMax))
    }

    @Test func `a new file begins with its preamble`() throws {
        let ring = try ring()
        for number in 0..<100 { try ring.append([record(number)]) { [Array("begin".utf8)] } }
        for segment in ring.segments {
            var first: [UInt8]?
            try ring.scan(segment) { _, bytes in
                first = bytes
                return false
            }
            #expect(first == Array("begin".utf8))
        }
    }

    @Test(arguments: [1, 5, 11, 12, 40])
    func `a torn tail ends the reading, and costs no record before it`(cut: Int) throws {
        let first = try ring()
        try first.append([record(1), record(2), record(3)])
        let path = "\(folder.path)/\(try Files.list(folder.path)[0])"
        #expect(truncate(path, off_t(first.bytes - cut)) == 0)
        let second = try ring()
        #expect(try all(second) == [record(1), record(2)])
        try second.append([record(4)])
        #expect(try all(second) == [record(1), record(2), record(4)])
    }

    @Test func `a damaged record is not believed`() throws {
        let first = try ring()
        let places = try first.append([record(1), record(2), record(3)])
        let path = "\(folder.path)/\(try Files.list(folder.path)[0])"
        var bytes = try Files.read(path)
        bytes[places[1].offset + 10] ^= 1
        try Files.writeAtomically(bytes, to: path)
        let second = try ring()
        #expect(second.read(places[1]) == nil)
        #expect(second.read(places[2]) == record(3))
        #expect(try all(second) == [record(1)])
    }

    @Test func `whoever is killed while writing leaves whole records`() async throws {
        // The child writes without end until it is killed by its own hand, in the middle of a write as often as not.
        let path = "/tmp/apus-test-ring-\(getpid())"
        defer { try? Files.remove(path) }
        for _ in 0..<3 {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                let ring = try SegmentRing(
                    folder: "/tmp/apus-test-ring-\(getppid())",
                    name: "test",
                    segmentBytes: 1 << 20,
                    segmentsMax: 4
                )
                let killer = try BlockingPoolKiller()
                var number = 0
                while true {
                    let text = Array("\(number)".utf8)
                    try ring.append([text + [UInt8](repeating: UInt8(ascii: "."), count: 5000)])
                    number += 1
                    if number == 50 { killer.arm() }
                }
            }
            let ring = try SegmentRing(folder: path, name: "test", segmentBytes: 1 << 20, segmentsMax: 4)
            var count = 0
            for segment in ring.segments {
                try ring.scan(segment) { _, bytes in
                    count += 1
                    return bytes.count > 5000 && bytes.last == UInt8(ascii: ".")
                }
            }
            #expect(count >= 50)
        }
    }
}

/// Kills its own process from another thread, at some moment after it is armed.
struct BlockingPoolKiller {
    private let pool = BlockingPool(threadsMax: 1, waitersMax: 1)
    init() throws {}

    func arm() {
        let pool = pool
        Task { try? await pool.run { _ = kill(getpid(), SIGKILL) } }
    }
}
