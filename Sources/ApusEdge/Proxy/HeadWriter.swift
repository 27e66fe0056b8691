import ApusCore
import ApusHTTP
import ApusObserve

/// Writes heads into raw memory whose size the caller has made sure of.
struct HeadWriter {
    var place: UnsafeMutableRawPointer

    @inline(__always)
    mutating func append(_ text: StaticString) {
        place.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        place += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        place.copyMemory(from: source, byteCount: bytes.count)
        place += bytes.count
    }

    @inline(__always)
    mutating func append(byte: UInt8) {
        place.storeBytes(of: byte, as: UInt8.self)
        place += 1
    }

    mutating func append(octet: UInt32) {
        if octet >= 100 { append(byte: UInt8(48 + octet / 100)) }
        if octet >= 10 { append(byte: UInt8(48 + octet / 10 % 10)) }
        append(byte: UInt8(48 + octet % 10))
    }

    mutating func append(address: UInt32) {
        append(octet: address >> 24)
        append(byte: UInt8(ascii: "."))
        append(octet: address >> 16 & 255)
        append(byte: UInt8(ascii: "."))
        append(octet: address >> 8 & 255)
        append(byte: UInt8(ascii: "."))
        append(octet: address & 255)
    }

    mutating func append(hex value: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 15)
            append(byte: digit < 10 ? 48 + digit : 87 + digit)
        }
    }

    /// Copies the fields that are for the next hop too, whole runs of lines at a time, all but those `drop` names.
    @inline(__always)
    mutating func appendFields(
        _ table: HeaderTable,
        of head: UnsafeRawBufferPointer,
        dropping drop: (HeaderField) -> Bool
    ) {
        var runStart = -1
        var runEnd = -1
        let count = table.count
        var index = 0
        while index < count {
            let field = table[index]
            index += 1
            if field.isHopByHop || drop(field) {
                flush(&runStart, runEnd, head)
                continue
            }
            if runStart < 0 { runStart = Int(field.name.start) }
            runEnd = lineEnd(field, head)
        }
        flush(&runStart, runEnd, head)
    }

    /// Behind the CR LF of a field's line.
    @inline(__always)
    private func lineEnd(_ field: HeaderField, _ head: UnsafeRawBufferPointer) -> Int {
        var end = field.value.isEmpty ? field.name.end : field.value.end
        while head[end] != UInt8(ascii: "\n") { end += 1 }
        return end + 1
    }

    @inline(__always)
    private mutating func flush(_ start: inout Int, _ end: Int, _ head: UnsafeRawBufferPointer) {
        if start >= 0 { append(UnsafeRawBufferPointer(rebasing: head[start..<end])) }
        start = -1
    }
}
