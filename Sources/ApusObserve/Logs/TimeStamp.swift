/// A wall-clock time as text; the part down to the second is kept, since the next line mostly has the same.
struct TimeStamp {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    var nanoseconds: Int64 = 0
    private var second = Int64.min
    // "2026-11-24T17:40:12" and "24/Nov/2026:17:40:12", as 24 bytes ready to copy.
    private var text: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var combinedText: (UInt64, UInt64, UInt64) = (0, 0, 0)

    init(nanoseconds: Int64 = 0) { self.nanoseconds = nanoseconds }

    /// Writes RFC 3339 in UTC with microseconds, 27 bytes: `2026-11-24T17:40:12.345678Z`.
    @inline(__always)
    mutating func write(to place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        let part = prepare()
        Self.copy(text, to: place)
        place[19] = UInt8(ascii: ".")
        let micros = part / 1000
        var end = TextWriter.digits3(micros / 1000, place + 20)
        end = TextWriter.digits3(micros % 1000, end)
        end[0] = UInt8(ascii: "Z")
        return end + 1
    }

    /// Writes the time as web servers' combined log has it, 26 bytes: `24/Nov/2026:17:40:12 +0000`.
    mutating func writeCombined(to place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        _ = prepare()
        Self.copy(combinedText, to: place)
        return TextWriter.text(" +0000", place + 20)
    }

    @inline(__always)
    private static func copy(_ text: (UInt64, UInt64, UInt64), to place: UnsafeMutablePointer<UInt8>) {
        let raw = UnsafeMutableRawPointer(place)
        raw.storeBytes(of: text.0, as: UInt64.self)
        raw.storeBytes(of: text.1, toByteOffset: 8, as: UInt64.self)
        raw.storeBytes(of: text.2, toByteOffset: 16, as: UInt64.self)
    }

    /// Makes the texts fit the second; returns the nanoseconds within it.
    @inline(__always)
    private mutating func prepare() -> Int64 {
        let start = second &* 1_000_000_000
        let within = nanoseconds &- start
        if second != .min, within >= 0, within < 1_000_000_000 { return within }
        return renew()
    }

    @inline(never)
    private mutating func renew() -> Int64 {
        let split = nanoseconds.floored(by: 1_000_000_000)
        second = split.quotient
        let day = second.floored(by: 86400)
        let date = CivilDate(daysSince1970: day.quotient)
        let clock = day.remainder
        withUnsafeMutableBytes(of: &text) { raw in
            guard var end = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            end = TextWriter.digits2(date.year / 100, end)
            end = TextWriter.digits2(date.year % 100, end)
            end = TextWriter.byte("-", end)
            end = TextWriter.digits2(date.month, end)
            end = TextWriter.byte("-", end)
            end = TextWriter.digits2(date.day, end)
            end = TextWriter.byte("T", end)
            _ = Self.time(clock, end)
        }
        withUnsafeMutableBytes(of: &combinedText) { raw in
            guard var end = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            end = TextWriter.digits2(date.day, end)
            end = TextWriter.byte("/", end)
            end = TextWriter.text(date.monthName, end)
            end = TextWriter.byte("/", end)
            end = TextWriter.digits2(date.year / 100, end)
            end = TextWriter.digits2(date.year % 100, end)
            end = TextWriter.byte(":", end)
            _ = Self.time(clock, end)
        }
        return split.remainder
    }

    private static func time(_ clock: Int64, _ place: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        var end = TextWriter.digits2(clock / 3600, place)
        end = TextWriter.byte(":", end)
        end = TextWriter.digits2(clock / 60 % 60, end)
        end = TextWriter.byte(":", end)
        return TextWriter.digits2(clock % 60, end)
    }
}

/// A date of the Gregorian calendar.
///
/// - SeeAlso: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
struct CivilDate: Equatable {
    var year: Int64
    var month: Int64
    var day: Int64

    /// The date that lies `days` after 1970-01-01.
    init(daysSince1970 days: Int64) {
        let era = (days + 719_468).floored(by: 146_097)
        let dayOfEra = era.remainder
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era.quotient * 400 + (month <= 2 ? 1 : 0)
    }

    /// Three letters, English.
    var monthName: StaticString {
        let names: [StaticString] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        return names[Int(month - 1)]
    }
}

extension Int64 {
    /// Quotient rounded down, and the remainder, which is never negative.
    func floored(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
