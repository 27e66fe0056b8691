/// What request and response parser share: where the last whole line ended, and what to say of a line that is not whole.
///
/// A line's errors are reported once its line feed is there, its limits as soon as they are passed: so the outcome
/// depends on the bytes alone, never on how they were split.
struct HeadParser: Sendable {
    var limits: HeadLimits
    var facts = FieldFacts()
    /// Where the first line that is not yet parsed begins.
    var lineStart = 0
    /// No line feed is in the bytes from `lineStart` up to here.
    var searched = 0
    var isInFields = false

    init(limits: HeadLimits) {
        limits.check()
        self.limits = limits
    }

    /// Whether the line at `lineStart` may be whole now; looks at hardly a byte twice.
    @inline(__always)
    mutating func hasNews(_ base: UnsafeRawPointer, _ end: Int) throws(ParseError) -> Bool {
        if searched <= lineStart { return true }
        if ByteScan.find(0x0A, base, searched, end) < end { return true }
        try stall(end)
        return false
    }

    /// Notes that the line at `lineStart` has no line feed yet.
    mutating func stall(_ end: Int) throws(ParseError) {
        searched = end
        if !isInFields, end &- lineStart >= limits.lineBytesMax { throw ParseError(.requestLineTooLong) }
        if end >= limits.headBytesMax { throw ParseError(.headTooLarge) }
    }

    /// Throws what `code` (negative) says, unless the line is not whole or too long.
    @inline(never)
    mutating func fail(_ code: Int, _ base: UnsafeRawPointer, _ end: Int) throws(ParseError) {
        let lineFeed = ByteScan.find(0x0A, base, lineStart, end)
        if lineFeed == end { return try stall(end) }
        try checkLimits(lineFeed &+ 1)
        throw ParseError(ParseError.Code(rawValue: UInt8(truncatingIfNeeded: -code)) ?? .malformedFieldName)
    }

    /// Checks that a line that ends at `next` is within the limits.
    @inline(__always)
    func checkLimits(_ next: Int) throws(ParseError) {
        if !isInFields, next &- lineStart > limits.lineBytesMax { throw ParseError(.requestLineTooLong) }
        if next > limits.headBytesMax { throw ParseError(.headTooLarge) }
    }

    /// Parses field lines up to the empty line; its end, or 0 if the head is not whole.
    @inline(__always)
    mutating func parseFields(
        _ base: UnsafeRawPointer,
        _ end: Int,
        _ table: HeaderTable
    ) throws(ParseError) -> Int {
        let names = KnownNames.shared
        while lineStart < end {
            if ByteScan.byte(base, lineStart) == 0x0D {
                if lineStart &+ 1 == end { break }
                if ByteScan.byte(base, lineStart &+ 1) == 0x0A {
                    try checkLimits(lineStart &+ 2)
                    return lineStart &+ 2
                }
                try fail(FieldParser.error(.bareCarriageReturn), base, end)
                return 0
            }
            let next = FieldParser.parseLine(base, lineStart, end, table, names, limits.fieldsMax, &facts)
            if next > 0 {
                try checkLimits(next)
                lineStart = next
            } else if next == 0 {
                break
            } else {
                try fail(next, base, end)
                return 0
            }
        }
        try stall(end)
        return 0
    }
}
