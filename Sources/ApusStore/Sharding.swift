import ApusCore

/// How keys come to slots.
///
/// Slots are what moves between shards; a key's slot never changes.
///
/// The declaration is stored with the data. Opening a store with another one is refused: a key would be looked for
/// where it is not. Growth comes from moving slots, so take many more slots than shards.
public struct Sharding: Sendable, Hashable, Codable {
    enum Kind: String, Codable { case hash, range, directory }

    /// A name in a directory and how many slots it has.
    struct Share: Sendable, Hashable, Codable {
        let name: String
        let slots: Int
    }

    /// The most slots a store can have.
    public static let slotsMax = 65_536

    let kind: Kind
    /// How many slots there are.
    public let slots: Int
    let bounds: [ShardValue]
    let names: [Share]
    let others: Int

    private init(kind: Kind, slots: Int, bounds: [ShardValue] = [], names: [Share] = [], others: Int = 0) {
        self.kind = kind
        self.slots = slots
        self.bounds = bounds
        self.names = names
        self.others = others
    }

    /// Spreads keys evenly over `slots`, 4,096 unless said, by XXH64 of the key.
    public static func hash(slots: Int = 4096) -> Sharding { Sharding(kind: .hash, slots: slots) }

    /// Keeps neighbours together: slot 0 has the keys below the first bound, slot 1 those from it to the next.
    ///
    /// - Parameter bounds: Ascending.
    /// - Returns: The declaration; it is checked when the store opens.
    public static func range(bounds: [ShardValue]) -> Sharding {
        Sharding(kind: .range, slots: bounds.count + 1, bounds: bounds)
    }

    /// Gives each name a set of slots; the rest of the key hashes within it.
    ///
    /// Give a name slots in proportion to its load: a region with nine tenths of all orders gets nine tenths.
    ///
    /// - Parameters:
    ///   - names: Names with their numbers of slots, in a fixed order.
    ///   - others: Slots for every other name; 0 refuses other names with code `notInMap`.
    /// - Returns: The declaration; it is checked when the store opens.
    public static func directory(_ names: KeyValuePairs<String, Int>, others: Int) -> Sharding {
        let shares = names.map { Share(name: $0.key, slots: $0.value) }
        return Sharding(
            kind: .directory,
            slots: shares.reduce(others) { $0 + $1.slots },
            names: shares,
            others: others
        )
    }

    func checked(shards: Int) throws(ConfigurationError) -> Self {
        guard (1...Self.slotsMax).contains(slots) else {
            throw ConfigurationError(field: "slots", value: "\(slots)", accepted: "1 to \(Self.slotsMax)")
        }
        guard (1...1024).contains(shards), shards <= slots else {
            throw ConfigurationError(
                field: "shards",
                value: "\(shards)",
                accepted: "1 to 1024, and no more than there are slots (\(slots))"
            )
        }
        guard zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw ConfigurationError(field: "bounds", value: "\(bounds.count) bounds", accepted: "ascending bounds")
        }
        guard others >= 0, names.allSatisfy({ $0.slots > 0 }), Set(names.map(\.name)).count == names.count else {
            throw ConfigurationError(
                field: "directory",
                value: "\(names.count) names",
                accepted: "each name once, with 1 slot or more"
            )
        }
        return self
    }
}
