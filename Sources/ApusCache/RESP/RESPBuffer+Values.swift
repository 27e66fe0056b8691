import ApusCore

/// Values as a server and a client write them.
extension RESPBuffer {
    /// `+OK` and the like; the text has no line breaks.
    @inline(__always)
    mutating func simple(_ text: StaticString) {
        append(UInt8(ascii: "+"))
        append(text)
        appendLineEnd()
    }

    /// A refusal; line breaks in it become spaces.
    mutating func error(_ text: String) {
        append(UInt8(ascii: "-"))
        for byte in text.utf8 { append(byte == 0x0D || byte == 0x0A ? 0x20 : byte) }
        appendLineEnd()
    }

    @inline(__always)
    mutating func integer(_ number: Int) { header(UInt8(ascii: ":"), number) }

    @inline(__always)
    mutating func bulk(_ start: UnsafeRawPointer, _ length: Int) {
        // A dollar, up to twenty digits and two line ends.
        guard reserve(length &+ 32) else { return }
        header(UInt8(ascii: "$"), length)
        append(start, length)
        appendLineEnd()
    }

    mutating func bulk(_ bytes: UnsafeRawBufferPointer) {
        if let start = bytes.baseAddress { bulk(start, bytes.count) } else { append("$0\r\n\r\n" as StaticString) }
    }

    mutating func bulk(_ bytes: [UInt8]) { bytes.withUnsafeBytes { bulk($0) } }

    mutating func bulk(_ text: String) {
        var text = text
        text.withUTF8 { bulk(UnsafeRawBufferPointer($0)) }
    }

    /// A number as a bulk string.
    mutating func bulk(_ number: Int) {
        withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { place in
            guard let start = place.baseAddress else { return }
            let count = Self.decimal(number, to: start)
            bulk(start, count)
        }
    }

    /// Writes a number's decimal form, at most 20 bytes.
    @inline(__always)
    static func decimal(_ number: Int, to place: UnsafeMutableRawPointer) -> Int {
        if number >= 0 { return Decimal.write(UInt64(number), to: place) }
        place.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
        return 1 &+ Decimal.write(UInt64(number.magnitude), to: place + 1)
    }

    /// The count of what follows: `*` for an array, `$` for a bulk's bytes.
    @inline(__always)
    mutating func header(_ type: UInt8, _ number: Int) {
        append(most: 24) { place in
            place.storeBytes(of: type, as: UInt8.self)
            let digits = Self.decimal(number, to: place + 1)
            (place + 1 + digits).storeBytes(of: UInt16(0x0A0D).littleEndian, as: UInt16.self)
            return digits &+ 3
        }
    }

    @inline(__always)
    mutating func array(_ elements: Int) { header(UInt8(ascii: "*"), elements) }

    // MARK: What RESP3 writes otherwise

    @inline(__always)
    mutating func null(_ protocolVersion: RESPVersion) {
        append(protocolVersion == .three ? "_\r\n" as StaticString : "$-1\r\n")
    }

    mutating func nullArray(_ protocolVersion: RESPVersion) {
        append(protocolVersion == .three ? "_\r\n" as StaticString : "*-1\r\n")
    }

    /// Pairs follow; in RESP2 an array of twice as many.
    mutating func map(_ pairs: Int, _ protocolVersion: RESPVersion) {
        if protocolVersion == .three { header(UInt8(ascii: "%"), pairs) } else { array(pairs * 2) }
    }

    mutating func set(_ elements: Int, _ protocolVersion: RESPVersion) {
        header(protocolVersion == .three ? UInt8(ascii: "~") : UInt8(ascii: "*"), elements)
    }

    mutating func push(_ elements: Int, _ protocolVersion: RESPVersion) {
        header(protocolVersion == .three ? UInt8(ascii: ">") : UInt8(ascii: "*"), elements)
    }

    mutating func boolean(_ value: Bool, _ protocolVersion: RESPVersion) {
        if protocolVersion == .three {
            append(value ? "#t\r\n" as StaticString : "#f\r\n")
        } else {
            integer(value ? 1 : 0)
        }
    }

    /// A double; in RESP2 a bulk string with its shortest decimal form.
    mutating func double(_ number: Double, _ protocolVersion: RESPVersion) {
        if protocolVersion == .three {
            append(UInt8(ascii: ","))
            RESPNumber.write(number, to: &self)
            appendLineEnd()
        } else {
            bulk(RESPNumber.text(number))
        }
    }

    /// Text that says what it is; in RESP2 a bulk string.
    mutating func verbatim(_ text: String, _ protocolVersion: RESPVersion) {
        guard protocolVersion == .three else { return bulk(text) }
        header(UInt8(ascii: "="), text.utf8.count + 4)
        append("txt:" as StaticString)
        append(text)
        appendLineEnd()
    }
}

/// Which version of the protocol a connection speaks.
enum RESPVersion: UInt8, Sendable { case two = 2, three = 3 }

extension RESPNumber {
    /// A double as Redis writes it: whole numbers without a point, else the shortest form that gives it back.
    static func text(_ number: Double) -> String {
        if number.isNaN { return "nan" }
        if number.isInfinite { return number < 0 ? "-inf" : "inf" }
        if let whole = Int(exactly: number), whole.magnitude < 1 << 53 {
            return whole == 0 && number.sign == .minus ? "-0" : "\(whole)"
        }
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    static func write(_ number: Double, to buffer: inout RESPBuffer) {
        // Scores are whole numbers mostly, which need no text.
        if let whole = Int(exactly: number), whole.magnitude < 1 << 53, whole != 0 || number.sign == .plus {
            buffer.append(whole)
        } else {
            buffer.append(text(number))
        }
    }
}
