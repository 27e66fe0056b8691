import ApusCore
import ApusObserve
import ApusRuntime

/// Records on disk within a bound: files of a fixed size, the newest in place of the oldest.
///
/// A record is its length, a checksum and its bytes. Whoever is killed while writing leaves a torn tail, which the next start
/// cuts off by beginning a new file; a damaged record ends the reading of its file. Any thread may call; the calls block.
final class SegmentRing: Sendable {
    /// Where a record lies.
    struct Place: Sendable, Hashable {
        var segment: UInt64
        var offset: Int
        var count: Int
    }

    private struct Segment {
        var number: UInt64
        var file: AppendFile
        var size: Int
    }

    private struct State {
        var segments: [Segment] = []
        // Whether the newest segment is this run's own and may be appended to.
        var isOpen = false
        var failures = 0
    }

    static let headBytes = 12
    /// Largest record believed, in bytes.
    static let recordBytesMax = 4 << 20
    private static let mark: UInt32 = 0x4150_5553

    let folder: String
    let name: String
    let segmentBytes: Int
    let segmentsMax: Int
    private let state = Lock(State())

    /// Opens what an earlier run left in `folder`, which is made where it is missing.
    ///
    /// - Throws: ``SystemError`` where the folder cannot be used.
    init(folder: String, name: String, segmentBytes: Int, segmentsMax: Int) throws {
        precondition(segmentBytes > 0 && segmentsMax > 1, "a ring has two segments at least")
        self.folder = folder
        self.name = name
        self.segmentBytes = segmentBytes
        self.segmentsMax = segmentsMax
        try Files.makeFolder(folder)
        var segments: [Segment] = []
        for entry in try Files.list(folder) {
            guard let number = number(of: entry) else { continue }
            let file = try AppendFile("\(folder)/\(entry)")
            segments.append(Segment(number: number, file: file, size: file.size))
        }
        segments.sort { $0.number < $1.number }
        state.withLock { [segments] in $0.segments = segments }
        try state.withLock { try removeOldest(&$0, keep: segmentsMax) }
    }

    /// Bytes on disk.
    var bytes: Int { state.withLock { $0.segments.reduce(0) { $0 + $1.size } } }
    /// The numbers of the files there are, oldest first.
    var segments: [UInt64] { state.withLock { $0.segments.map(\.number) } }
    /// The largest it grows, in bytes.
    var bytesMax: Int { segmentBytes * segmentsMax }

    private func path(_ number: UInt64) -> String {
        let digits = "\(number)"
        return "\(folder)/\(name)-\(String(repeating: "0", count: max(0, 10 - digits.count)))\(digits).seg"
    }

    private func number(of entry: String) -> UInt64? {
        guard entry.hasPrefix("\(name)-"), entry.hasSuffix(".seg") else { return nil }
        return UInt64(entry.dropFirst(name.count + 1).dropLast(4))
    }

    // MARK: Writing

    /// Appends records that belong together, all to one file.
    ///
    /// - Parameters:
    ///   - records: Each at most ``recordBytesMax`` bytes.
    ///   - preamble: What a new file begins with, asked for where the records begin one.
    /// - Returns: Where each record lies.
    /// - Throws: ``SystemError``, such as `ENOSPC`; nothing counts as written then, and the next call begins a new file.
    @discardableResult
    func append(_ records: [[UInt8]], preamble: () -> [[UInt8]] = { [] }) throws -> [Place] {
        try state.withLock { state in
            let size = records.reduce(0) { $0 + $1.count + Self.headBytes }
            if !state.isOpen || (state.segments.last?.size ?? 0) + size > segmentBytes {
                try begin(&state, preamble())
            }
            return try write(&state, records)
        }
    }

    private func begin(_ state: inout State, _ preamble: [[UInt8]]) throws {
        state.isOpen = false
        try removeOldest(&state, keep: segmentsMax - 1)
        let number = (state.segments.last?.number ?? 0) + 1
        state.segments.append(Segment(number: number, file: try AppendFile(path(number)), size: 0))
        state.isOpen = true
        _ = try write(&state, preamble)
    }

    private func removeOldest(_ state: inout State, keep: Int) throws {
        while state.segments.count > keep {
            try Files.remove(path(state.segments[0].number))
            state.segments.removeFirst()
        }
    }

    private func write(_ state: inout State, _ records: [[UInt8]]) throws -> [Place] {
        let last = state.segments.count - 1
        var bytes: [UInt8] = []
        var places: [Place] = []
        for record in records {
            precondition(record.count <= Self.recordBytesMax, "a record is bounded")
            let offset = state.segments[last].size + bytes.count + Self.headBytes
            places.append(Place(segment: state.segments[last].number, offset: offset, count: record.count))
            Self.append(number: Self.mark, to: &bytes)
            Self.append(number: UInt32(record.count), to: &bytes)
            Self.append(number: Self.checksum(record), to: &bytes)
            bytes.append(contentsOf: record)
        }
        do {
            try state.segments[last].file.append(bytes)
            state.segments[last].size += bytes.count
        } catch {
            state.isOpen = false
            throw error
        }
        return places
    }

    private static func append(number: UInt32, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    private static func checksum(_ record: [UInt8]) -> UInt32 {
        UInt32(truncatingIfNeeded: record.withUnsafeBytes { XXHash64.hash($0) })
    }

    // MARK: Reading

    /// A record, or `nil` where it is gone or damaged.
    func read(_ place: Place) -> [UInt8]? {
        guard let file = state.withLock({ state in state.segments.first { $0.number == place.segment }?.file }),
            let bytes = try? file.read(at: place.offset - Self.headBytes, count: place.count + Self.headBytes),
            let found = Self.record(in: bytes, at: 0), found.count == place.count
        else { return nil }
        return Array(bytes[Self.headBytes...])
    }

    /// Hands all sound records of a file to `body`, oldest first, until it gives false.
    func scan(_ number: UInt64, _ body: (Place, [UInt8]) throws -> Bool) throws {
        guard let file = state.withLock({ state in state.segments.first { $0.number == number }?.file }) else { return }
        let bytes = try file.read(at: 0, count: min(file.size, segmentBytes + Self.recordBytesMax))
        var offset = 0
        while let record = Self.record(in: bytes, at: offset) {
            let place = Place(segment: number, offset: record.lowerBound, count: record.count)
            guard try body(place, Array(bytes[record])) else { return }
            offset = record.upperBound
        }
    }

    private static func record(in bytes: [UInt8], at offset: Int) -> Range<Int>? {
        guard offset + headBytes <= bytes.count, number(bytes, offset) == mark else { return nil }
        let count = Int(number(bytes, offset + 4))
        let begin = offset + headBytes
        guard count <= recordBytesMax, begin + count <= bytes.count,
            number(bytes, offset + 8) == checksum(Array(bytes[begin..<begin + count]))
        else { return nil }
        return begin..<begin + count
    }

    private static func number(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }
}
