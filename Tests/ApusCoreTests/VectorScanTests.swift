import ApusCore
import Testing

struct VectorScanTests {
    /// Sixteen comparisons one by one.
    private func stars(_ place: UnsafeRawPointer) -> UInt32 {
        (0..<16).reduce(0) { $0 | (place.load(fromByteOffset: $1, as: UInt8.self) == 42 ? 1 << UInt32($1) : 0) }
    }

    @Test func `the first byte of a kind is found wherever it and the search begin`() {
        for length in 0...50 {
            for star in 0...length {
                // A second one behind it, and one before the search, are not what is looked for.
                var bytes = [UInt8](repeating: 46, count: length)
                if star < length { bytes[star] = 42 }
                if star + 2 < length { bytes[star + 2] = 42 }
                bytes.withUnsafeBytes { memory in
                    guard let base = memory.baseAddress else { return }
                    for offset in 0...length {
                        let found = VectorScan.first(base, offset, length, stars) { $0 == 42 }
                        let expected = bytes[offset...].firstIndex(of: 42) ?? length
                        #expect(found == expected, "length \(length), star \(star), from \(offset)")
                    }
                }
            }
        }
    }
}
