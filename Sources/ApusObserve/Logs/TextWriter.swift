import ApusCore
import CLinux

/// Writes text into raw memory: each function gets the place and returns the end.
///
/// The caller has made room; how much each function needs at most is said there.
enum TextWriter {
    typealias Place = UnsafeMutablePointer<UInt8>

    @inline(__always)
    static func byte(_ character: Unicode.Scalar, _ place: Place) -> Place {
        place[0] = UInt8(truncatingIfNeeded: character.value)
        return place + 1
    }

    /// Copies a constant.
    @inline(__always)
    static func text(_ text: StaticString, _ place: Place) -> Place {
        place.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        return place + text.utf8CodeUnitCount
    }

    /// Copies bytes as they are.
    @inline(__always)
    static func bytes(_ bytes: UnsafeRawBufferPointer, _ place: Place) -> Place {
        guard let start = bytes.baseAddress else { return place }
        UnsafeMutableRawPointer(place).copyMemory(from: start, byteCount: bytes.count)
        return place + bytes.count
    }

    @inline(__always)
    static func digits2(_ value: Int64, _ place: Place) -> Place {
        place[0] = UInt8(truncatingIfNeeded: 48 + value / 10)
        place[1] = UInt8(truncatingIfNeeded: 48 + value % 10)
        return place + 2
    }

    @inline(__always)
    static func digits3(_ value: Int64, _ place: Place) -> Place {
        let value = UInt32(truncatingIfNeeded: value)
        place[0] = UInt8(truncatingIfNeeded: 48 + value / 100)
        place[1] = UInt8(truncatingIfNeeded: 48 + value / 10 % 10)
        place[2] = UInt8(truncatingIfNeeded: 48 + value % 10)
        return place + 3
    }

    /// A decimal number; at most 20 bytes.
    @inline(__always)
    static func number(_ value: UInt64, _ place: Place) -> Place {
        place + Decimal.write(value, to: UnsafeMutableRawPointer(place))
    }

    /// A decimal number with its sign; at most 20 bytes.
    @inline(__always)
    static func number(_ value: Int64, _ place: Place) -> Place {
        if value >= 0 { return number(UInt64(value), place) }
        place[0] = UInt8(ascii: "-")
        return number(value.magnitude, place + 1)
    }

    /// Nanoseconds as milliseconds with three decimals: `12.345`; at most 24 bytes.
    @inline(__always)
    static func milliseconds(_ nanoseconds: Int64, _ place: Place) -> Place {
        let micros = UInt64(max(0, nanoseconds)) / 1000
        let end = number(micros / 1000, place)
        end[0] = UInt8(ascii: ".")
        return digits3(Int64(micros % 1000), end + 1)
    }

    /// Sixteen hexadecimal digits.
    @inline(__always)
    static func hex16(_ value: UInt64, _ place: Place) -> Place {
        // Spreads the nibbles over bytes, then makes digits of all eight at once.
        @inline(__always) func eight(_ half: UInt32) -> UInt64 {
            var spread = UInt64(half)
            spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
            spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
            spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
            let letters = ((spread &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
            return spread &+ 0x3030_3030_3030_3030 &+ letters &* 39
        }
        let raw = UnsafeMutableRawPointer(place)
        raw.storeBytes(of: eight(UInt32(truncatingIfNeeded: value >> 32)).bigEndian, as: UInt64.self)
        raw.storeBytes(of: eight(UInt32(truncatingIfNeeded: value)).bigEndian, toByteOffset: 8, as: UInt64.self)
        return place + 16
    }

    /// An IPv4 address in host order; at most 15 bytes.
    static func address(_ address: UInt32, _ place: Place) -> Place {
        var end = number(UInt64(address >> 24), place)
        for shift: UInt32 in [16, 8, 0] {
            end[0] = UInt8(ascii: ".")
            end = number(UInt64((address >> shift) & 255), end + 1)
        }
        return end
    }

    /// The inside of a JSON string; at most 6 bytes each.
    ///
    /// Bytes that are not UTF-8 become U+FFFD, as Unicode 15 section 3.9 advises, so that the line is always JSON.
    @inline(__always)
    static func json(_ bytes: UnsafeRawBufferPointer, _ place: Place) -> Place {
        guard let base = bytes.baseAddress else { return place }
        var end = place
        var offset = 0
        while true {
            let stop = VectorScan.first(base, offset, bytes.count, apus_log16) {
                $0 < 0x20 || $0 > 0x7F || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
            }
            end = self.bytes(UnsafeRawBufferPointer(start: base + offset, count: stop &- offset), end)
            if stop == bytes.count { return end }
            offset = stop
            end = escape(bytes, &offset, end)
        }
    }

    @inline(never)
    private static func escape(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ place: Place) -> Place {
        let byte = bytes[offset]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            place[0] = UInt8(ascii: "\\")
            place[1] = byte
            offset += 1
            return place + 2
        case UInt8(ascii: "\n"):
            offset += 1
            return text("\\n", place)
        case UInt8(ascii: "\r"):
            offset += 1
            return text("\\r", place)
        case UInt8(ascii: "\t"):
            offset += 1
            return text("\\t", place)
        case 0..<0x20:
            let end = text("\\u00", place)
            offset += 1
            return hexByte(byte, end)
        default:
            let count = UTF8Text.length(bytes, at: offset)
            guard count > 0 else {
                offset += 1
                return text("\u{FFFD}", place)
            }
            let end = self.bytes(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]), place)
            offset += count
            return end
        }
    }

    /// Two hexadecimal digits.
    static func hexByte(_ byte: UInt8, _ place: Place) -> Place {
        @inline(__always) func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
        place[0] = digit(byte >> 4)
        place[1] = digit(byte & 15)
        return place + 2
    }
}

/// Which bytes are well-formed UTF-8.
enum UTF8Text {
    /// The length of the character of two or more bytes at `offset`, 0 where there is none.
    ///
    /// - SeeAlso: Unicode 15, table 3-7.
    static func length(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        func follows(_ index: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            offset + index < bytes.count && range.contains(bytes[offset + index])
        }
        switch bytes[offset] {
        case 0xC2...0xDF: return follows(1) ? 2 : 0
        case 0xE0: return follows(1, 0xA0...0xBF) && follows(2) ? 3 : 0
        case 0xED: return follows(1, 0x80...0x9F) && follows(2) ? 3 : 0
        case 0xE1...0xEF: return follows(1) && follows(2) ? 3 : 0
        case 0xF0: return follows(1, 0x90...0xBF) && follows(2) && follows(3) ? 4 : 0
        case 0xF4: return follows(1, 0x80...0x8F) && follows(2) && follows(3) ? 4 : 0
        case 0xF1...0xF3: return follows(1) && follows(2) && follows(3) ? 4 : 0
        default: return 0
        }
    }
}
