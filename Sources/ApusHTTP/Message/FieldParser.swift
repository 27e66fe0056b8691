/// What the fields of a head say about its framing and its connection, gathered while they are parsed.
struct FieldFacts: Sendable {
    var contentLength: UInt64 = 0
    var hostIndex: Int16 = -1
    var hasContentLength = false
    var hasTransferEncoding = false
    var close = false
    var keepAlive = false
    var upgradeOption = false
    var nominates = false
    var expectsContinue = false
}

/// Parses one field line.
///
/// Offsets are positive, 0 means the line is not whole, negative is an error code. A step that returns 0 has seen no line feed from the start of the line to the end of the bytes.
enum FieldParser {
    @inline(__always)
    static func error(_ code: ParseError.Code) -> Int { -Int(code.rawValue) }

    /// Parses the field line at `start` and adds it to `table`; returns the offset after its line feed.
    @inline(__always)
    static func parseLine(
        _ base: UnsafeRawPointer,
        _ start: Int,
        _ end: Int,
        _ table: HeaderTable,
        _ names: KnownNames,
        _ fieldsMax: Int,
        _ facts: inout FieldFacts
    ) -> Int {
        // The name: a colon within the longest known name, else byte by byte.
        var colon = ByteScan.find(UInt8(ascii: ":"), base, start, min(end, start &+ KnownNames.nameBytesMax &+ 1))
        var id = HeaderName.other
        if colon &- start <= KnownNames.nameBytesMax, colon < end {
            id = names.find(base, start, colon &- start, readable: end)
        }
        if id == .other {
            colon = ByteScan.tokenEnd(base, start, end)
            if colon == end { return 0 }
            if ByteScan.byte(base, colon) != UInt8(ascii: ":") || colon == start {
                return nameError(base, start, colon, end)
            }
        }

        // The value: white space, then anything but control characters up to CR LF.
        var first = colon &+ 1
        while first < end, isSpace(ByteScan.byte(base, first)) { first &+= 1 }
        let stop = ByteScan.control(base, first, end)
        if stop &+ 1 >= end {
            // At most the CR is here; any other control character at the very end is an error once its line is whole.
            if stop == end || ByteScan.byte(base, stop) != 0x0A { return 0 }
            return error(.bareLineFeed)
        }
        let control = ByteScan.byte(base, stop)
        if control != 0x0D || ByteScan.byte(base, stop &+ 1) != 0x0A {
            return error(control == 0x0D ? .bareCarriageReturn : control == 0x0A ? .bareLineFeed : .controlCharacter)
        }
        var last = stop
        while last > first, isSpace(ByteScan.byte(base, last &- 1)) { last &-= 1 }

        let index = table.count
        guard index < fieldsMax else { return error(.tooManyFields) }
        _ = table.append(
            HeaderField(
                name: HeadRange(start: start, count: colon &- start),
                value: HeadRange(start: first, count: last &- first),
                id: id,
                isHopByHop: id.isHopByHop
            )
        )
        if id.rawValue != 0, id.rawValue <= HeaderName.expect.rawValue {
            let code = FieldRules.apply(id, base, first, last, index, &facts)
            if code != 0 { return code }
        }
        return stop &+ 2
    }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Why the bytes up to `stop`, which is no token character or the colon at `start`, are no field name.
    @inline(never)
    private static func nameError(_ base: UnsafeRawPointer, _ start: Int, _ stop: Int, _ end: Int) -> Int {
        switch ByteScan.byte(base, stop) {
        case UInt8(ascii: ":"): return error(.emptyFieldName)
        case 0x0A: return error(stop == start ? .bareLineFeed : .missingColon)
        case 0x0D:
            if stop &+ 1 >= end { return 0 }
            return error(ByteScan.byte(base, stop &+ 1) == 0x0A ? .missingColon : .bareCarriageReturn)
        case 0x20, 0x09:
            if stop == start { return error(.foldedLine) }
            var next = stop
            while next < end, isSpace(ByteScan.byte(base, next)) { next &+= 1 }
            return error(
                next < end && ByteScan.byte(base, next) == UInt8(ascii: ":") ? .spaceBeforeColon : .missingColon
            )
        default: return error(.malformedFieldName)
        }
    }
}
