/// Dates of HTTP: writes the one form to send, reads the three one may receive.
///
/// - SeeAlso: RFC 9110, section 5.6.7.
public enum HTTPDate {
    /// Bytes of a date as sent, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    public static let byteCount = 29

    private static let days: StaticString = "ThuFriSatSunMonTueWed"
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    /// Writes the 29 bytes of the date `seconds` after 1970, years 0 to 9999.
    public static func write(_ seconds: Int64, to bytes: UnsafeMutableRawPointer) {
        let seconds = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let second = Int(seconds - day * 86_400)
        let date = civil(day)
        let weekday = Int(((day % 7) + 7) % 7)
        var offset = 0
        func put(_ byte: UInt8) {
            bytes.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
            offset &+= 1
        }
        func two(_ number: Int) {
            put(UInt8(truncatingIfNeeded: 0x30 + number / 10))
            put(UInt8(truncatingIfNeeded: 0x30 + number % 10))
        }
        for index in 0..<3 { put(days.utf8Start[weekday * 3 + index]) }
        put(UInt8(ascii: ","))
        put(0x20)
        two(date.day)
        put(0x20)
        for index in 0..<3 { put(months.utf8Start[(date.month - 1) * 3 + index]) }
        put(0x20)
        two(date.year / 100)
        two(date.year % 100)
        put(0x20)
        two(second / 3600)
        put(UInt8(ascii: ":"))
        two(second / 60 % 60)
        put(UInt8(ascii: ":"))
        two(second % 60)
        put(0x20)
        put(UInt8(ascii: "G"))
        put(UInt8(ascii: "M"))
        put(UInt8(ascii: "T"))
    }

    /// Seconds after 1970 that `text` names in one of the three forms, or `nil`.
    ///
    /// A year of two digits is one from 1970 to 2069.
    public static func parse(_ text: UnsafeRawBufferPointer) -> Int64? {
        var parts = Parts(text)
        guard let comma = text.firstIndex(of: UInt8(ascii: ",")) else {
            // Sun Nov  6 08:49:37 1994
            guard text.count == 24, parts.name(days, 7) != nil, parts.skip(0x20), let month = parts.name(months, 12),
                parts.skip(0x20), let day = parts.paddedNumber(), parts.skip(0x20), let time = parts.time(),
                parts.skip(0x20), let year = parts.number(4), parts.isAtEnd
            else { return nil }
            return seconds(year, month + 1, day, time)
        }
        if comma == 3 {
            // Sun, 06 Nov 1994 08:49:37 GMT
            guard parts.name(days, 7) != nil, parts.skip(UInt8(ascii: ",")), parts.skip(0x20),
                let day = parts.number(2),
                parts.skip(0x20), let month = parts.name(months, 12), parts.skip(0x20), let year = parts.number(4),
                parts.skip(0x20), let time = parts.time(), parts.zone(), parts.isAtEnd
            else { return nil }
            return seconds(year, month + 1, day, time)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT
        guard comma >= 6, comma <= 9, parts.name(days, 7) != nil else { return nil }
        parts.offset = comma + 1
        guard parts.skip(0x20), let day = parts.number(2), parts.skip(UInt8(ascii: "-")),
            let month = parts.name(months, 12), parts.skip(UInt8(ascii: "-")), let year = parts.number(2),
            parts.skip(0x20), let time = parts.time(), parts.zone(), parts.isAtEnd
        else { return nil }
        return seconds(year < 70 ? 2000 + year : 1900 + year, month + 1, day, time)
    }

    private static func seconds(_ year: Int, _ month: Int, _ day: Int, _ time: Int) -> Int64? {
        guard day >= 1, day <= 31 else { return nil }
        let days = days(year, month, day)
        let back = civil(days)
        guard back.day == day, back.month == month, back.year == year else { return nil }
        return days * 86_400 + Int64(time)
    }

    /// The date that is `days` after 1970-01-01 in the proleptic Gregorian calendar.
    ///
    /// - SeeAlso: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// Days from 1970-01-01 to a date: the inverse of ``civil(_:)``.
    static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return Int64(era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
    }

    /// Reads a date's parts one after the other.
    private struct Parts {
        let text: UnsafeRawBufferPointer
        var offset = 0

        init(_ text: UnsafeRawBufferPointer) { self.text = text }

        var isAtEnd: Bool { offset == text.count }

        mutating func skip(_ byte: UInt8) -> Bool {
            guard offset < text.count, text[offset] == byte else { return false }
            offset += 1
            return true
        }

        mutating func number(_ digits: Int) -> Int? {
            guard offset + digits <= text.count else { return nil }
            var value = 0
            for _ in 0..<digits {
                guard ASCII.isDigit(text[offset]) else { return nil }
                value = value * 10 + Int(text[offset] - 0x30)
                offset += 1
            }
            return value
        }

        mutating func paddedNumber() -> Int? { skip(0x20) ? number(1) : number(2) }

        mutating func name(_ names: StaticString, _ count: Int) -> Int? {
            guard offset + 3 <= text.count else { return nil }
            for index in 0..<count {
                let name = names.utf8Start + index * 3
                if text[offset] == name[0], text[offset + 1] == name[1], text[offset + 2] == name[2] {
                    offset += 3
                    return index
                }
            }
            return nil
        }

        mutating func time() -> Int? {
            guard let hour = number(2), hour < 24, skip(UInt8(ascii: ":")), let minute = number(2), minute < 60,
                skip(UInt8(ascii: ":")), let second = number(2), second <= 60
            else { return nil }
            return hour * 3600 + minute * 60 + min(second, 59)
        }

        mutating func zone() -> Bool {
            skip(0x20) && skip(UInt8(ascii: "G")) && skip(UInt8(ascii: "M")) && skip(UInt8(ascii: "T"))
        }
    }
}

/// The date of the present second, formatted once and copied for every message in that second.
public struct HTTPDateCache {
    private var second = Int64.min
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// A cache that holds no date.
    public init() {}

    /// Appends the date `seconds` after 1970 to `writer`.
    @inline(__always)
    public mutating func append(_ seconds: Int64, to writer: inout ByteWriter) {
        if seconds != second { format(seconds) }
        withUnsafeBytes(of: &words) {
            writer.append(UnsafeRawBufferPointer(rebasing: $0[..<HTTPDate.byteCount]))
        }
    }

    @inline(never)
    private mutating func format(_ seconds: Int64) {
        second = seconds
        withUnsafeMutableBytes(of: &words) { bytes in
            if let base = bytes.baseAddress { HTTPDate.write(seconds, to: base) }
        }
    }
}

extension ByteWriter {
    /// Appends the date `seconds` after 1970 in the form HTTP sends.
    public mutating func append(httpDate seconds: Int64) {
        append(most: HTTPDate.byteCount) { bytes in
            HTTPDate.write(seconds, to: bytes)
            return HTTPDate.byteCount
        }
    }
}
