/// When something ordered now will be there: a rule of the calendar, the same everywhere.
///
/// What is ordered on a working day before 14:00 (UTC) is packed that day, all else on the next one. Then it takes two or
/// three working days within Britain, four to seven to Europe, seven to twelve to the rest of the world.
struct Delivery: Sendable, Hashable {
    /// The day it is packed.
    let packed: CivilDay
    let earliest: CivilDay
    let latest: CivilDay

    /// The hour of the day, UTC, until which orders are packed the same day.
    static let lastHour: Int64 = 14

    /// The estimate for an order made `seconds` after 1970 and sent to `region`.
    init(orderedAt seconds: Int64, to region: Region) {
        let day = CivilDay(seconds: seconds)
        let isLate = seconds - day.number * 86_400 >= Self.lastHour * 3_600
        packed = WorkingDays.day(0, after: isLate ? day.next : day)
        let days = Self.workingDays(region)
        earliest = WorkingDays.day(days.lowerBound, after: packed)
        latest = WorkingDays.day(days.upperBound, after: packed)
    }

    /// Working days on the way.
    static func workingDays(_ region: Region) -> ClosedRange<Int> {
        switch region {
        case .britain: 2...3
        case .europe: 4...7
        case .world: 7...12
        }
    }

    /// `Friday 9 December to Monday 12 December`.
    var formatted: String { "\(earliest.spoken) to \(latest.spoken)" }
}

extension Region {
    /// What visitors call it.
    var title: String {
        switch self {
        case .britain: "United Kingdom"
        case .europe: "Europe"
        case .world: "The rest of the world"
        }
    }
}
