import Apus

/// The real year of orders as somebody could place them again: what, where, and when in trading time.
struct RecordedOrders: Sendable {
    /// An order to place.
    struct Order: Sendable, Hashable {
        /// Its number in the history.
        let number: String
        /// The country it goes to, one that the checkout takes.
        let country: String
        let lines: [Line]
    }

    struct Line: Sendable, Hashable {
        let product: ProductID
        let quantity: Int
    }

    /// Longest pause kept: nights, Sundays and holidays are cut to it.
    static let pauseMax: Int64 = 1_800

    private(set) var orders: [Order] = []
    /// When each comes, in seconds of trading time.
    private(set) var times: [Double] = []
    /// Orders that had more lines than a basket takes, and became several.
    private(set) var split = 0
    /// Lines with more pieces than a basket takes, which were cut.
    private(set) var cut = 0
    /// Sales without an article that the shop sells.
    private(set) var without = 0

    /// Pieces of each product that all orders want.
    var pieces: [ProductID: Int] {
        var pieces: [ProductID: Int] = [:]
        for line in orders.lazy.flatMap(\.lines) { pieces[line.product, default: 0] += line.quantity }
        return pieces
    }

    /// Reads the history twice: an order needs the products, and the products need every line.
    ///
    /// - Throws: ``ShopError`` where the file is not what it should be.
    init(_ sales: SalesFile) throws {
        var catalogue = CatalogueBuilder()
        try sales.forEachLine { catalogue.add($0) }
        var history = HistoryBuilder(products: catalogue.products())
        var all: [Bazaar.Order] = []
        try sales.forEachLine { line in
            if let order = history.add(line) { all.append(order) }
        }
        while let order = history.finish() { all.append(order) }
        add(all.filter { $0.kind == .sale })
    }

    /// The orders of a history, in time order.
    init(_ history: [Bazaar.Order]) { add(history) }

    private mutating func add(_ history: [Bazaar.Order]) {
        var now = 0.0
        var last: Int64?
        var index = 0
        while index < history.count {
            // The history knows minutes: those of one minute are spread evenly over it.
            let minute = history[index].placedAt
            let next = history[index...].firstIndex { $0.placedAt != minute } ?? history.count
            if let last { now += Double(min(max(0, minute - last), Self.pauseMax)) }
            last = minute
            for (place, order) in history[index..<next].enumerated() {
                add(order, at: now + 60 * Double(place) / Double(next - index))
            }
            index = next
        }
    }

    private mutating func add(_ order: Bazaar.Order, at time: Double) {
        var lines: [Line] = []
        for line in order.lines {
            guard let product = line.product, line.quantity > 0 else { continue }
            if let known = lines.firstIndex(where: { $0.product == product }) {
                lines[known] = Line(product: product, quantity: lines[known].quantity + line.quantity)
            } else {
                lines.append(Line(product: product, quantity: line.quantity))
            }
        }
        guard !lines.isEmpty else {
            without += 1
            return
        }
        let most = Basket.quantityRange.upperBound
        cut += lines.count { $0.quantity > most }
        lines = lines.map { Line(product: $0.product, quantity: min($0.quantity, most)) }
        if lines.count > Basket.linesMax { split += 1 }
        let country = order.country == Country.elsewhere ? Country.unitedKingdom.name : order.country
        for start in stride(from: 0, to: lines.count, by: Basket.linesMax) {
            let part = Array(lines[start..<min(start + Basket.linesMax, lines.count)])
            orders.append(Order(number: order.number, country: country, lines: part))
            times.append(time)
        }
    }
}
