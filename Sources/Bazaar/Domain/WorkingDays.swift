/// The days on which a warehouse in England packs: not at weekends nor on bank holidays.
enum WorkingDays {
    static func contains(_ day: CivilDay) -> Bool { !isWeekend(day) && !isBankHoliday(day) }

    /// The working day that is `count` working days after `day`; for 0 the day itself or the first one after it.
    static func day(_ count: Int, after day: CivilDay) -> CivilDay {
        var (day, left) = (day, count)
        while !contains(day) { day = day.next }
        while left > 0 {
            day = day.next
            if contains(day) { left -= 1 }
        }
        return day
    }

    private static func isWeekend(_ day: CivilDay) -> Bool { day.weekday >= 5 }

    /// The bank holidays of England: fixed ones that fall on a weekend move to the next working day.
    ///
    /// - SeeAlso: Banking and Financial Dealings Act 1971, schedule 1, and the proclamations under it.
    private static func isBankHoliday(_ day: CivilDay) -> Bool {
        let (year, month, number) = day.parts
        switch month {
        case 1, 12: return movedHolidays(year).contains(day)
        case 3, 4:
            let easter = easterSunday(year)
            return day == easter - 2 || day == easter + 1
        // The first Monday and the last.
        case 5: return day.weekday == 0 && (number <= 7 || number > 24)
        case 8: return day.weekday == 0 && number > 24
        default: return false
        }
    }

    /// New Year, Christmas Day and Boxing Day, on the days they are kept.
    private static func movedHolidays(_ year: Int) -> [CivilDay] {
        var days: [CivilDay] = []
        for (month, number) in [(1, 1), (12, 25), (12, 26)] {
            var day = CivilDay(year: year, month: month, day: number)
            while isWeekend(day) || days.contains(day) { day = day.next }
            days.append(day)
        }
        return days
    }

    /// Easter Sunday of the Gregorian calendar.
    ///
    /// - SeeAlso: J. Meeus, "Astronomical Algorithms" (1991), chapter 8.
    static func easterSunday(_ year: Int) -> CivilDay {
        let (a, b, c) = (year % 19, year / 100, year % 100)
        let (d, e) = (b / 4, b % 4)
        let g = (b - (b + 8) / 25 + 1) / 3
        let h = (19 * a + b - d - g + 15) % 30
        let l = (32 + 2 * e + 2 * (c / 4) - h - c % 4) % 7
        let m = (a + 11 * h + 22 * l) / 451
        let number = h + l - 7 * m + 114
        return CivilDay(year: year, month: number / 31, day: number % 31 + 1)
    }
}

extension CivilDay {
    /// 0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday.
    var weekday: Int { Int(((number + 3) % 7 + 7) % 7) }
    var next: CivilDay { self + 1 }

    static func + (day: CivilDay, count: Int64) -> CivilDay { CivilDay(number: day.number + count) }
    static func - (day: CivilDay, count: Int64) -> CivilDay { CivilDay(number: day.number - count) }

    private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    /// The weekday and the day: `Friday 9 December`.
    var spoken: String {
        let (_, month, day) = parts
        return "\(Self.weekdays[weekday]) \(day) \(Self.months[month - 1])"
    }

    /// For machines: `2011-12-09`.
    var iso: String {
        let (year, month, day) = parts
        return "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
    }
}
