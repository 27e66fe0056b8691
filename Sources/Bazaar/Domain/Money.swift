/// An amount of pounds sterling, exact to a tenth of a penny.
///
/// The shop's history has unit prices with three decimals, so the unit is the mill: a thousandth of a pound.
/// The shop itself asks whole pennies.
struct Money: Sendable, Hashable, Comparable, Codable {
    /// The amount in thousandths of a pound; negative amounts are owed.
    var mills: Int64

    static let zero = Money(mills: 0)

    /// An amount in thousandths of a pound.
    init(mills: Int64) { self.mills = mills }

    /// An amount in pennies.
    init(pence: Int64) { self.mills = pence * 10 }

    /// Whole pennies; half a penny is rounded away from zero.
    var pence: Int64 { (mills + (mills < 0 ? -5 : 5)) / 10 }

    static func < (left: Money, right: Money) -> Bool { left.mills < right.mills }
    static func + (left: Money, right: Money) -> Money { Money(mills: left.mills + right.mills) }
    static func - (left: Money, right: Money) -> Money { Money(mills: left.mills - right.mills) }
    static func * (price: Money, count: Int) -> Money { Money(mills: price.mills * Int64(count)) }
    static func += (left: inout Money, right: Money) { left.mills += right.mills }

    /// Pounds and pennies as people in Britain write them: `£1,234.50`, `-£0.85`.
    var formatted: String { (pence < 0 ? "-£" : "£") + grouped(pence.magnitude / 100) + "." + cents }

    /// Pounds and pennies for machines: `1234.50`.
    var decimal: String { (pence < 0 ? "-" : "") + String(pence.magnitude / 100) + "." + cents }

    private var cents: String {
        let rest = pence.magnitude % 100
        return rest < 10 ? "0\(rest)" : "\(rest)"
    }

    private func grouped(_ number: UInt64) -> String {
        let digits = String(number)
        guard digits.count > 3 else { return digits }
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    // One number on the wire and in JSON columns: the mills.
    init(from decoder: any Decoder) throws {
        mills = try decoder.singleValueContainer().decode(Int64.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(mills)
    }
}
