/// Parses the request line: method, one space, target, one space, version, CR LF.
enum RequestLine {
    /// Parses the line at `start` into `head`; the offset after its line feed, 0 if not whole, or a negative error code.
    @inline(__always)
    static func parse(_ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ head: inout RequestHead) -> Int {
        let methodEnd = ByteScan.tokenEnd(base, start, end)
        if methodEnd == end { return 0 }
        guard methodEnd > start, ByteScan.byte(base, methodEnd) == 0x20 else {
            return FieldParser.error(.malformedMethod)
        }
        head.methodText = HeadRange(start: start, count: methodEnd &- start)
        head.method = Method.find(base + start, methodEnd &- start)

        let targetStart = methodEnd &+ 1
        var targetEnd = ByteScan.targetEnd(base, targetStart, end)
        var queryStart = -1
        if targetEnd < end, ByteScan.byte(base, targetEnd) == UInt8(ascii: "?") {
            queryStart = targetEnd &+ 1
            repeat {
                targetEnd = ByteScan.targetEnd(base, targetEnd &+ 1, end)
            } while targetEnd < end
                && ByteScan.byte(base, targetEnd) == UInt8(ascii: "?")
        }
        if targetEnd == end { return 0 }
        guard targetEnd > targetStart, ByteScan.byte(base, targetEnd) == 0x20 else {
            let stop = ByteScan.byte(base, targetEnd)
            return FieldParser.error(stop == 0x0A ? .bareLineFeed : stop == 0x0D ? .malformedVersion : .malformedTarget)
        }
        head.target = HeadRange(start: targetStart, count: targetEnd &- targetStart)
        let pathEnd = queryStart >= 0 ? queryStart &- 1 : targetEnd
        head.query = queryStart >= 0 ? HeadRange(start: queryStart, count: targetEnd &- queryStart) : .empty

        let next = version(base, targetEnd &+ 1, end, &head)
        if next <= 0 { return next }

        if ByteScan.byte(base, targetStart) == UInt8(ascii: "/"), head.method != .connect {
            head.targetForm = .origin
            head.path = HeadRange(start: targetStart, count: pathEnd &- targetStart)
            return next
        }
        return otherForm(base, targetStart, pathEnd, targetEnd, &head) ? next : FieldParser.error(.malformedTarget)
    }

    /// `HTTP/1.1` or `HTTP/1.0` and CR LF at `start`.
    @inline(__always)
    private static func version(_ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ head: inout RequestHead) -> Int {
        if start &+ 10 <= end {
            let word = ByteScan.load(base, start)
            let line = UInt16(
                littleEndian: base.loadUnaligned(fromByteOffset: start &+ 8, as: UInt16.self)
            )
            if word & 0x00FF_FFFF_FFFF_FFFF == 0x002E_312F_5054_5448, line == 0x0A0D {
                let digit = UInt8(truncatingIfNeeded: word &>> 56) &- 0x30
                if digit <= 1 {
                    head.minorVersion = digit
                    return start &+ 10
                }
            }
        }
        return VersionError.find(base, start, end)
    }

    /// Absolute, authority and asterisk form; false if the target is none of them.
    @inline(never)
    private static func otherForm(
        _ base: UnsafeRawPointer,
        _ start: Int,
        _ pathEnd: Int,
        _ end: Int,
        _ head: inout RequestHead
    ) -> Bool {
        head.path = .empty
        if head.method == .connect {
            head.targetForm = .authority
            head.authority = head.target
            return Authority.isValid(base, start, end, needsPort: true)
        }
        if end &- start == 1, ByteScan.byte(base, start) == UInt8(ascii: "*") {
            head.targetForm = .asterisk
            return head.method == .options
        }
        head.targetForm = .absolute
        var host = start
        if end &- start > 7, ASCII.equalIgnoringCase(FieldRules.slice(base, start, start &+ 7), "http://") {
            host = start &+ 7
        } else if end &- start > 8, ASCII.equalIgnoringCase(FieldRules.slice(base, start, start &+ 8), "https://") {
            host = start &+ 8
        } else {
            return false
        }
        let hostEnd = min(ByteScan.find(UInt8(ascii: "/"), base, host, pathEnd), pathEnd)
        guard Authority.isValid(base, host, hostEnd, needsPort: false) else { return false }
        head.authority = HeadRange(start: host, count: hostEnd &- host)
        head.path = HeadRange(start: hostEnd, count: pathEnd &- hostEnd)
        return true
    }
}

/// Tells an unsupported version from a malformed one.
enum VersionError {
    /// What is wrong with the version at `start`, up to CR LF; 0 if the line is not whole.
    @inline(never)
    static func find(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        let lineFeed = ByteScan.find(0x0A, base, start, end)
        if lineFeed == end { return 0 }
        let carriageReturn = ByteScan.find(0x0D, base, start, lineFeed)
        if carriageReturn == lineFeed { return FieldParser.error(.bareLineFeed) }
        if carriageReturn &+ 1 < lineFeed { return FieldParser.error(.bareCarriageReturn) }
        return FieldParser.error(
            isWellFormed(base, start, carriageReturn) ? .unsupportedVersion : .malformedVersion
        )
    }

    /// Whether the bytes are `HTTP/` digit `.` digit.
    static func isWellFormed(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Bool {
        end &- start == 8
            && ByteScan.load(base, start) & 0x0000_00FF_FFFF_FFFF == 0x0000_002F_5054_5448
            && ASCII.isDigit(ByteScan.byte(base, start &+ 5)) && ByteScan.byte(base, start &+ 6) == UInt8(ascii: ".")
            && ASCII.isDigit(ByteScan.byte(base, start &+ 7))
    }
}
