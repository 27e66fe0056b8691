import Apus
import Testing

@testable import Bazaar

/// The committed file, found from the sources: tests run from any folder.
let salesFile = SalesFile(
    path: #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 } + "/Data/" + SalesFile.name
)

/// The whole history read once for all tests.
struct History: Sendable {
    var lines = 0
    var quantity = 0
    var amount = Money.zero
    var codes: Set<String> = []
    var customers: Set<Int> = []
    var countries: Set<String> = []
    var days: Set<Int64> = []
    var inOrder = true
    var products: [Product] = []

    static let shared = Result { try History() }

    private init() throws {
        var catalogue = CatalogueBuilder()
        var last: Int64 = 0
        try salesFile.forEachLine { line in
            lines += 1
            quantity += line.quantity
            amount += line.amount
            codes.insert(line.stockCode)
            if let customer = line.customer { customers.insert(customer) }
            countries.insert(line.country)
            days.insert(CivilDay(seconds: line.time).number)
            inOrder = inOrder && line.time >= last
            last = line.time
            catalogue.add(line)
        }
        products = catalogue.products()
    }
}

@Suite struct SalesFileTests {
    @Test func `the file's check figures hold to the thousandth of a pound`() throws {
        let history = try History.shared.get()
        #expect(history.lines == 541_909)
        #expect(history.codes.count == 4_070)
        #expect(history.customers.count == 4_372)
        #expect(history.countries.count == 38)
        #expect(history.days.count == 305)
        #expect(history.quantity == 5_176_450)
        #expect(history.amount == Money(mills: 9_747_747_934))
        #expect(history.inOrder)
    }

    @Test func `every country of the history is one the shop knows`() throws {
        for country in try History.shared.get().countries { #expect(Country(history: country) != nil, "\(country)") }
    }

    @Test(arguments: [
        ("0", 0, Int64(0)), ("-12", 0, -12), ("2.55", 3, 2_550), ("0.001", 3, 1), ("-11062.06", 3, -11_062_060),
        ("7", 3, 7_000),
    ])
    func `a decimal number is read exactly`(text: String, places: Int, value: Int64) {
        #expect(Array(text.utf8).withUnsafeBytes { SalesFile.decimal($0, places: places) } == value)
    }

    @Test(arguments: [
        ("", 3), ("-", 3), (".5", 3), ("5.", 3), ("1.0001", 3), ("1.5", 0), ("1e3", 3), ("+1", 3), (" 1", 3),
        ("1.2.3", 3),
        ("9999999999999999", 0),
    ])
    func `what is no plain decimal number is refused`(text: String, places: Int) {
        #expect(Array(text.utf8).withUnsafeBytes { SalesFile.decimal($0, places: places) } == nil)
    }

    @Test(arguments: [
        ("2010-12-01 08:26:00", Int64?.some(1_291_191_960)), ("2011-02-30 00:00:00", 1_298_937_600 + 86_400),
        ("2010-13-01 08:26:00", nil), ("2010-12-01T08:26:00", nil), ("2010-12-01 24:00:00", nil), ("10-12-01", nil),
        ("2010--2-01 08:26:00", nil),
    ])
    func `a time is read to the second`(text: String, seconds: Int64?) {
        #expect(Array(text.utf8).withUnsafeBytes { SalesFile.seconds($0) } == seconds)
    }

    @Test func `a missing or damaged file is refused by name`() throws {
        #expect(throws: ShopError.self) { try SalesFile(path: "/nowhere/sales.zst").forEachLine { _ in } }
        let error = #expect(throws: ShopError.self) { try SalesFile(path: #filePath).forEachLine { _ in } }
        #expect(error?.code == .malformedSales)
    }

    @Test func `days since 1970 come back as the same day`() {
        for number in stride(from: Int64(-800_000), through: 800_000, by: 97) {
            let parts = CivilDay(number: number).parts
            #expect(CivilDay(year: parts.year, month: parts.month, day: parts.day).number == number)
        }
        #expect(CivilDay(seconds: 1_323_435_000).formatted == "9 December 2011")
        #expect(CivilDay(seconds: -1).number == -1)
    }
}
