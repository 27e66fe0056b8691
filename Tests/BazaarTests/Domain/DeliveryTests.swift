import Testing

@testable import Bazaar

@Suite struct DeliveryTests {
    private static func day(_ year: Int, _ month: Int, _ day: Int) -> CivilDay {
        CivilDay(year: year, month: month, day: day)
    }

    // Dates of Easter from the tables of the Book of Common Prayer.
    private static let easters: [(Int, Int, Int)] = [
        (2000, 4, 23), (2008, 3, 23), (2011, 4, 24), (2019, 4, 21), (2024, 3, 31), (2038, 4, 25), (2285, 3, 22),
    ]

    @Test(arguments: easters)
    func `Easter is where the tables have it`(year: Int, month: Int, day: Int) {
        #expect(WorkingDays.easterSunday(year) == Self.day(year, month, day))
    }

    // Bank holidays in England as GOV.UK lists them.
    private static let lists: [(Int, [(month: Int, day: Int)])] = [
        (2024, [(1, 1), (3, 29), (4, 1), (5, 6), (5, 27), (8, 26), (12, 25), (12, 26)]),
        (2026, [(1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 25), (12, 28)]),
        (2027, [(1, 1), (3, 26), (3, 29), (5, 3), (5, 31), (8, 30), (12, 27), (12, 28)]),
    ]

    @Test(arguments: lists)
    func `nobody packs on a bank holiday`(year: Int, holidays: [(month: Int, day: Int)]) {
        var found: [CivilDay] = []
        var day = Self.day(year, 1, 1)
        while day.parts.year == year {
            if day.weekday < 5, !WorkingDays.contains(day) { found.append(day) }
            day = day.next
        }
        #expect(found == holidays.map { Self.day(year, $0.month, $0.day) })
    }

    @Test func `what is ordered by two o'clock is packed the same day`() {
        let tuesday = Self.day(2026, 11, 24)
        let noon = tuesday.number * 86_400 + 14 * 3_600 - 1
        #expect(Delivery(orderedAt: noon, to: .britain).packed == tuesday)
        #expect(Delivery(orderedAt: noon + 1, to: .britain).packed == tuesday.next)
        #expect(Delivery(orderedAt: noon, to: .britain).formatted == "Thursday 26 November to Friday 27 November")
        #expect(Delivery(orderedAt: noon, to: .world).latest == Self.day(2026, 12, 10))
    }

    @Test func `over Christmas it takes longer`() {
        let eve = Self.day(2026, 12, 24).number * 86_400 + 15 * 3_600
        let delivery = Delivery(orderedAt: eve, to: .britain)
        #expect(delivery.packed == Self.day(2026, 12, 29))
        #expect(delivery.earliest == Self.day(2026, 12, 31))
        #expect(delivery.latest == Self.day(2027, 1, 4))
    }
}
