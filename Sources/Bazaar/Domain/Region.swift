/// Where customers live; orders are kept on the slots their region has.
///
/// The United Kingdom makes 91% of all orders, so the directory gives it most of the slots.
enum Region: String, Sendable, Hashable, Codable, CaseIterable {
    case britain, europe, world

    /// The region's share of the slots, in sixteenths.
    var sixteenths: Int {
        switch self {
        case .britain: 12
        case .europe: 3
        case .world: 1
        }
    }
}

/// A country the shop delivers to, by the name its customers know.
///
/// The history's own spellings (EIRE, RSA, Unspecified, …) are understood by ``init(history:)``.
struct Country: Sendable, Hashable, Comparable {
    /// The English name, such as `United Kingdom`.
    let name: String
    let region: Region

    /// The country with this English name, or `nil` where the shop does not deliver.
    init?(name: String) {
        guard let region = Self.regions[name] else { return nil }
        self.name = name
        self.region = region
    }

    /// The country the history means.
    ///
    /// What it leaves unspecified counts as the rest of the world.
    init?(history: String) {
        self.init(name: Self.renamed[history] ?? history)
    }

    private init(_ name: String, _ region: Region) {
        self.name = name
        self.region = region
    }

    static let unitedKingdom = Country("United Kingdom", .britain)
    static func < (left: Country, right: Country) -> Bool { left.name < right.name }

    /// Every country on the checkout's list: the United Kingdom first, then by name.
    static let all: [Country] = {
        let others = regions.filter { $0.key != "United Kingdom" && $0.key != elsewhere }
        return [unitedKingdom] + others.map { Country($0.key, $0.value) }.sorted()
    }()

    /// What the history leaves open.
    static let elsewhere = "Elsewhere"

    private static let renamed = [
        "EIRE": "Ireland", "RSA": "South Africa", "USA": "United States", "European Community": "European Union",
        "Unspecified": elsewhere, "Czech Republic": "Czechia",
    ]

    private static let regions: [String: Region] = [
        "United Kingdom": .britain, "Channel Islands": .britain,
        "Austria": .europe, "Belgium": .europe, "Cyprus": .europe, "Czechia": .europe, "Denmark": .europe,
        "European Union": .europe, "Finland": .europe, "France": .europe, "Germany": .europe, "Greece": .europe,
        "Iceland": .europe, "Ireland": .europe, "Italy": .europe, "Lithuania": .europe, "Malta": .europe,
        "Netherlands": .europe, "Norway": .europe, "Poland": .europe, "Portugal": .europe, "Spain": .europe,
        "Sweden": .europe, "Switzerland": .europe,
        "Australia": .world, "Bahrain": .world, "Brazil": .world, "Canada": .world, "Hong Kong": .world,
        "Israel": .world, "Japan": .world, "Lebanon": .world, "Saudi Arabia": .world, "Singapore": .world,
        "South Africa": .world, "United Arab Emirates": .world, "United States": .world, elsewhere: .world,
    ]
}
