import ApusCore

/// The `Date` field of a loop's answers, formatted once a second.
struct DateField {
    private let clock: any Clock
    private var second: Int64 = -1
    private var offset: Int64
    private let text: UnsafeMutableRawPointer
    /// `Date: `, the date, CR LF.
    static let lineBytes = 8 + HTTPDate.byteCount

    init(clock: any Clock) {
        self.clock = clock
        offset = clock.wallNanoseconds() - clock.now().nanoseconds
        text = .allocate(byteCount: Self.lineBytes, alignment: 8)
    }

    func deallocate() { text.deallocate() }

    /// Appends the field's line.
    @inline(__always)
    mutating func append(to output: inout ByteWriter, at now: Instant) {
        let current = (now.nanoseconds &+ offset) / 1_000_000_000
        if current != second { format(current, at: now) }
        output.append(UnsafeRawBufferPointer(start: text, count: Self.lineBytes))
    }

    @inline(never)
    private mutating func format(_ current: Int64, at now: Instant) {
        // The wall clock may have been set since the last look.
        offset = clock.wallNanoseconds() - now.nanoseconds
        second = current
        let name: StaticString = "Date: "
        text.copyMemory(from: name.utf8Start, byteCount: 6)
        HTTPDate.write((now.nanoseconds + offset) / 1_000_000_000, to: text + 6)
        text.storeBytes(of: UInt8(ascii: "\r"), toByteOffset: Self.lineBytes - 2, as: UInt8.self)
        text.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: Self.lineBytes - 1, as: UInt8.self)
    }
}
