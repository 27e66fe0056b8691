/// Host with an optional port, as in `Host` and in request targets.
enum Authority {
    /// Whether `base[first ..< last]` is a host that is not empty and, after a colon, a port of 1 to 65,535.
    ///
    /// - SeeAlso: RFC 3986, section 3.2.2; user information is refused.
    static func isValid(_ base: UnsafeRawPointer, _ first: Int, _ last: Int, needsPort: Bool) -> Bool {
        guard first < last else { return false }
        var offset = first
        if ByteScan.byte(base, first) == UInt8(ascii: "[") {
            offset &+= 1
            while offset < last, isAddressByte(ByteScan.byte(base, offset)) { offset &+= 1 }
            guard offset > first &+ 2, offset < last, ByteScan.byte(base, offset) == UInt8(ascii: "]") else {
                return false
            }
            offset &+= 1
        } else {
            while offset < last {
                let byte = ByteScan.byte(base, offset)
                if isNameByte(byte) {
                    offset &+= 1
                } else if byte == UInt8(ascii: "%") {
                    guard offset &+ 2 < last, ASCII.hexValue(ByteScan.byte(base, offset &+ 1)) < 16,
                        ASCII.hexValue(ByteScan.byte(base, offset &+ 2)) < 16
                    else { return false }
                    offset &+= 3
                } else {
                    break
                }
            }
            if offset == first { return false }
        }
        if offset == last { return !needsPort }
        guard ByteScan.byte(base, offset) == UInt8(ascii: ":") else { return false }
        return isPort(base, offset &+ 1, last)
    }

    private static func isPort(_ base: UnsafeRawPointer, _ first: Int, _ last: Int) -> Bool {
        guard first < last, last &- first <= 5 else { return false }
        var port = 0
        for offset in first..<last {
            let byte = ByteScan.byte(base, offset)
            guard ASCII.isDigit(byte) else { return false }
            port = port &* 10 &+ Int(byte &- 0x30)
        }
        return port > 0 && port <= 65_535
    }

    /// A byte of an IPv6 address in brackets.
    @inline(__always)
    private static func isAddressByte(_ byte: UInt8) -> Bool {
        ASCII.hexValue(byte) < 16 || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    /// Unreserved characters and sub-delimiters: letters, digits, ``-._~!$&'()*+,;=``.
    @inline(__always)
    private static func isNameByte(_ byte: UInt8) -> Bool {
        let low: UInt64 = 0x2BFF_7FD2_0000_0000
        let high: UInt64 = 0x47FF_FFFE_87FF_FFFE
        if byte >= 128 { return false }
        return (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 != 0
    }
}
