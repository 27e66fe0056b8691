import Apus

/// The number of an order made in this shop: `WB` and ten digits or letters, such as `WB4F7K2M9QXT`.
///
/// The second letter is the region, so that the number alone says where the order is kept. The rest are 50 random
/// bits without the letters people mistake (I, L, O, U), after Crockford's base 32.
struct OrderNumber: Sendable, Hashable, CustomStringConvertible {
    let text: String
    let region: Region

    private static let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

    /// A new number for an order that goes to `region`.
    init(region: Region, random: UInt64 = SecureRandom.number()) {
        var random = random
        var bytes: [UInt8] = [UInt8(ascii: "W"), Self.letter(region)]
        for _ in 0..<10 {
            bytes.append(Self.digits[Int(random & 31)])
            random >>= 5
        }
        text = String(decoding: bytes, as: UTF8.self)
        self.region = region
    }

    /// The number that `text` spells; `nil` for anything else, the history's invoices too.
    init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 12, bytes[0] == UInt8(ascii: "W"),
            let region = Region.allCases.first(where: { Self.letter($0) == bytes[1] }),
            bytes.dropFirst(2).allSatisfy(Self.digits.contains)
        else { return nil }
        self.text = String(text)
        self.region = region
    }

    private static func letter(_ region: Region) -> UInt8 {
        switch region {
        case .britain: UInt8(ascii: "B")
        case .europe: UInt8(ascii: "E")
        case .world: UInt8(ascii: "R")
        }
    }

    /// The guest that an order of this shop belongs to.
    var buyer: Buyer { .guest(order: text) }
    var description: String { text }
}
