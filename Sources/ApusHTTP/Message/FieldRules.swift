/// The rules of the fields that decide where a message ends and whether its connection goes on.
enum FieldRules {
    /// Looks at the value `base[first ..< last]` of the known field `id`; 0, or a negative error code.
    @inline(__always)
    static func apply(
        _ id: HeaderName,
        _ base: UnsafeRawPointer,
        _ first: Int,
        _ last: Int,
        _ index: Int,
        _ facts: inout FieldFacts
    ) -> Int {
        switch id {
        case .host:
            if facts.hostIndex >= 0 { return FieldParser.error(.repeatedHost) }
            facts.hostIndex = Int16(truncatingIfNeeded: index)
            return Authority.isValid(base, first, last, needsPort: false) ? 0 : FieldParser.error(.malformedHost)
        case .contentLength: return contentLength(base, first, last, &facts)
        case .transferEncoding: return transferEncoding(base, first, last, &facts)
        case .connection:
            // What nearly every client sends, without a loop: "keep-alive".
            if last &- first == 10, ByteScan.load(base, first) | 0x2020_2000_2020_2020 == 0x696C_612D_7065_656B,
                ByteScan.byte(base, last &- 2) | 0x20 == UInt8(ascii: "v"),
                ByteScan.byte(base, last &- 1) | 0x20 == UInt8(ascii: "e")
            {
                facts.keepAlive = true
                return 0
            }
            return connection(base, first, last, &facts)
        case .expect:
            if !ASCII.equalIgnoringCase(slice(base, first, last), "100-continue") {
                return FieldParser.error(.unknownExpectation)
            }
            facts.expectsContinue = true
            return 0
        default: return 0
        }
    }

    @inline(__always)
    static func slice(_ base: UnsafeRawPointer, _ first: Int, _ last: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + first, count: last &- first)
    }

    /// One decimal number without sign, list or leading zero, below 2^63: what no two readers read differently.
    private static func contentLength(
        _ base: UnsafeRawPointer,
        _ first: Int,
        _ last: Int,
        _ facts: inout FieldFacts
    ) -> Int {
        if facts.hasContentLength { return FieldParser.error(.repeatedContentLength) }
        if facts.hasTransferEncoding { return FieldParser.error(.lengthBesideTransferEncoding) }
        let digits = last &- first
        guard digits > 0, digits <= 18, digits == 1 || ByteScan.byte(base, first) != 0x30 else {
            return FieldParser.error(.malformedContentLength)
        }
        var length: UInt64 = 0
        for offset in first..<last {
            let byte = ByteScan.byte(base, offset)
            guard ASCII.isDigit(byte) else { return FieldParser.error(.malformedContentLength) }
            length = length &* 10 &+ UInt64(byte &- 0x30)
        }
        facts.contentLength = length
        facts.hasContentLength = true
        return 0
    }

    private static func transferEncoding(
        _ base: UnsafeRawPointer,
        _ first: Int,
        _ last: Int,
        _ facts: inout FieldFacts
    ) -> Int {
        if facts.hasTransferEncoding || !ASCII.equalIgnoringCase(slice(base, first, last), "chunked") {
            return FieldParser.error(.malformedTransferEncoding)
        }
        if facts.hasContentLength { return FieldParser.error(.lengthBesideTransferEncoding) }
        facts.hasTransferEncoding = true
        return 0
    }

    /// A list of tokens; empty elements are ignored (RFC 9110, section 5.6.1).
    private static func connection(
        _ base: UnsafeRawPointer,
        _ first: Int,
        _ last: Int,
        _ facts: inout FieldFacts
    ) -> Int {
        var offset = first
        while offset < last {
            let byte = ByteScan.byte(base, offset)
            if FieldParser.isSpace(byte) || byte == UInt8(ascii: ",") {
                offset &+= 1
                continue
            }
            let stop = ByteScan.tokenEnd(base, offset, last)
            if stop == offset { return FieldParser.error(.malformedConnection) }
            var next = stop
            while next < last, FieldParser.isSpace(ByteScan.byte(base, next)) { next &+= 1 }
            if next < last, ByteScan.byte(base, next) != UInt8(ascii: ",") {
                return FieldParser.error(.malformedConnection)
            }
            let token = slice(base, offset, stop)
            if ASCII.equalIgnoringCase(token, "keep-alive") {
                facts.keepAlive = true
            } else if ASCII.equalIgnoringCase(token, "close") {
                facts.close = true
            } else if ASCII.equalIgnoringCase(token, "upgrade") {
                facts.upgradeOption = true
            } else {
                switch KnownNames.shared.find(base, offset, stop &- offset, readable: last) {
                case .host, .contentLength, .transferEncoding:
                    return FieldParser.error(.connectionNominatesFraming)
                case .te: break
                default: facts.nominates = true
                }
            }
            offset = next
        }
        return 0
    }

    /// Marks the fields that a `Connection` field nominates; called once, at the end of a head that has nominations.
    @inline(never)
    static func markNominated(_ base: UnsafeRawPointer, _ table: HeaderTable, _ head: UnsafeRawBufferPointer) {
        for index in 0..<table.count where table[index].id == .connection {
            let value = table[index].value
            var offset = Int(value.start)
            while offset < value.end {
                let stop = ByteScan.tokenEnd(base, offset, value.end)
                if stop == offset {
                    offset &+= 1
                    continue
                }
                let token = slice(base, offset, stop)
                for other in 0..<table.count
                where ASCII.equalIgnoringCase(table[other].name.bytes(in: head), token) {
                    table.markHopByHop(other)
                }
                offset = stop
            }
        }
    }
}
