/// In which order products are listed.
///
/// The raw value is in addresses.
enum Sorting: String, Sendable, Hashable, Codable, CaseIterable {
    case popular, cheap, dear, name

    /// What visitors choose it by.
    var title: String {
        switch self {
        case .popular: "Most popular"
        case .cheap: "Lowest price"
        case .dear: "Highest price"
        case .name: "Name, A to Z"
        }
    }
}

/// A band of prices to choose from.
///
/// The raw value is in addresses.
enum PriceBand: String, Sendable, Hashable, Codable, CaseIterable {
    case under1 = "0-1"
    case from1 = "1-3"
    case from3 = "3-6"
    case from6 = "6-"

    /// The prices in it, in thousandths of a pound: the lower bound belongs to it, the upper one does not.
    var mills: Range<Int64> {
        switch self {
        case .under1: 0..<1_000
        case .from1: 1_000..<3_000
        case .from3: 3_000..<6_000
        case .from6: 6_000..<1_000_000_000
        }
    }

    var title: String {
        switch self {
        case .under1: "Under £1"
        case .from1: "£1 to £3"
        case .from3: "£3 to £6"
        case .from6: "£6 and more"
        }
    }
}

/// Which products of a department are wanted, in which order, from where on.
struct ListingQuery: Sendable, Hashable, Codable {
    var category: Category
    var sorting = Sorting.popular
    /// Only prices in this band.
    var band: PriceBand?
    /// Only what can be bought now.
    var isAvailable = false
    /// Where the page before ended.
    var after: PageCursor?
    /// Most products on the page.
    var count: Int

    init(_ category: Category, after: PageCursor? = nil, count: Int) {
        self.category = category
        self.after = after
        self.count = count
    }

    /// Whether it asks for everything in the usual order.
    var isPlain: Bool { sorting == .popular && band == nil && !isAvailable }
}

/// A page of a department.
struct Listing: Sendable, Hashable, Codable {
    var products: [Product]
    /// How many there are on all pages together.
    var total: Int
    /// Where the next page begins; `nil` on the last.
    var next: PageCursor?
}

/// What is searched for, and from where on.
struct SearchQuery: Sendable, Hashable, Codable {
    var text: String
    /// Only this department.
    var category: Category?
    var after: PageCursor?
    var count: Int

    /// Longest text searched for, in characters; longer ones are refused.
    static let lengthMax = 80

    init(_ text: String, category: Category? = nil, after: PageCursor? = nil, count: Int) {
        self.text = text
        self.category = category
        self.after = after
        self.count = count
    }
}

/// A page of what was found.
struct SearchPage: Sendable, Hashable, Codable {
    /// So many were found in one department.
    struct Facet: Sendable, Hashable, Codable {
        var category: Category
        var count: Int
    }

    var products: [Product]
    /// How many were found on all pages together.
    var total: Int
    var next: PageCursor?
    /// What was looked for instead, where a typing error was forgiven.
    var corrected: String?
    /// The departments with something that was found, most first; as if none had been chosen.
    var facets: [Facet]
}

/// A product to go to while the visitor still types.
struct Suggestion: Sendable, Hashable, Codable {
    var product: ProductID
    var title: String
}
