/// What delivery costs.
enum Postage {
    static let britain = Money(pence: 395)
    static let europe = Money(pence: 895)
    static let world = Money(pence: 1_495)
    /// Goods worth this much go free within Britain.
    static let freeFrom = Money(pence: 5_000)

    /// Postage for `goods` sent to a region.
    static func cost(of goods: Money, to region: Region) -> Money {
        switch region {
        case .britain: goods >= freeFrom ? .zero : britain
        case .europe: europe
        case .world: world
        }
    }
}
