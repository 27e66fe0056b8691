/// Finds a known field name by length, first and last byte, then compares eight bytes at a time without regard to case.
///
/// Immutable after its one construction, never freed: sharing the pointers between threads is sound.
struct KnownNames {
    /// A lower-case name as three words, zero-padded, and how many bytes it has.
    struct Entry {
        var words: (UInt64, UInt64, UInt64)
        var count: UInt8
        var name: HeaderName
    }

    /// The longest known name, in bytes.
    static let nameBytesMax = 24
    nonisolated(unsafe) static let shared = KnownNames()

    /// For each hash the place in `entries`; 0 where no name has it.
    private let slots: UnsafeMutablePointer<UInt8>
    /// By raw value of ``HeaderName``.
    private let entries: UnsafeMutablePointer<Entry>

    private init() {
        let names = HeaderName.allCases
        slots = .allocate(capacity: 256)
        slots.initialize(repeating: 0, count: 256)
        entries = .allocate(capacity: names.count)
        entries.initialize(repeating: Entry(words: (0, 0, 0), count: 0, name: .other), count: names.count)
        for name in names where name != .other {
            let spelling = name.spelling
            let count = spelling.utf8CodeUnitCount
            precondition(count <= Self.nameBytesMax, "a known field name is longer than the table's words")
            var lower = [UInt8](repeating: 0, count: Self.nameBytesMax)
            for index in 0..<count {
                let byte = spelling.utf8Start[index]
                lower[index] = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            }
            let hash = Self.hash(count, lower[0], lower[count - 1])
            precondition(slots[hash] == 0, "two known field names share a hash: choose other multipliers")
            slots[hash] = name.rawValue
            entries[Int(name.rawValue)] = lower.withUnsafeBytes { bytes in
                Entry(
                    words: (
                        bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                        bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                        bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                    ),
                    count: UInt8(count),
                    name: name
                )
            }
        }
    }

    /// Multipliers found by search: no two known names share a slot (the initialiser checks it).
    @inline(__always)
    private static func hash(_ count: Int, _ first: UInt8, _ last: UInt8) -> Int {
        (count &* 116 &+ Int(first | 0x20) &* 170 &+ Int(last | 0x20) &* 153) & 255
    }

    /// The known name in `base[start ..< start + count]`, or `.other`.
    ///
    /// Of `base`, `readable` bytes may be read; words are loaded whole where they fit.
    @inline(__always)
    func find(_ base: UnsafeRawPointer, _ start: Int, _ count: Int, readable: Int) -> HeaderName {
        guard count > 0, count <= Self.nameBytesMax else { return .other }
        let text = base + start
        let first = text.load(as: UInt8.self)
        let last = text.load(fromByteOffset: count &- 1, as: UInt8.self)
        let slot = slots[Self.hash(count, first, last)]
        if slot == 0 { return .other }
        let entry = entries + Int(slot)
        guard Int(entry.pointee.count) == count else { return .other }
        let left = readable &- start
        if !Self.same(Self.word(text, 0, count, left), entry.pointee.words.0) { return .other }
        if count > 8, !Self.same(Self.word(text, 8, count, left), entry.pointee.words.1) { return .other }
        if count > 16, !Self.same(Self.word(text, 16, count, left), entry.pointee.words.2) { return .other }
        return entry.pointee.name
    }

    /// Compares a word with a lower-case pattern; only where the pattern has a letter may the case differ.
    @inline(__always)
    private static func same(_ word: UInt64, _ pattern: UInt64) -> Bool {
        (word | ((pattern & 0x4040_4040_4040_4040) >> 1)) == pattern
    }

    /// Eight bytes from `offset`, zero from `count` on; reads no byte at or beyond `readable`.
    @inline(__always)
    private static func word(_ text: UnsafeRawPointer, _ offset: Int, _ count: Int, _ readable: Int) -> UInt64 {
        let wanted = count &- offset
        if offset &+ 8 <= readable {
            let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            return wanted >= 8 ? word : word & ((1 &<< UInt64(wanted &* 8)) &- 1)
        }
        var word: UInt64 = 0
        for index in 0..<min(wanted, 8) {
            word |= UInt64(text.load(fromByteOffset: offset &+ index, as: UInt8.self)) &<< UInt64(index &* 8)
        }
        return word
    }
}
