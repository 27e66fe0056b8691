import BenchKit
import Foundation

/// What each page costs the shop's one process, in CPU time, while it does nothing else.
struct PageCosts {
    /// Visitors at the same time.
    private static let clients = 8

    let rows: [Row]

    /// Page after page, in each round; the system has a core for itself, the generator another.
    init(_ home: ShopHome, options: Options) throws {
        let pages = Page.allCases.filter { options.wants("cpu-\($0.rawValue)") }
        guard !pages.isEmpty else {
            rows = []
            return
        }
        let shop = try home.start(.oneProcess, on: .server)
        defer { shop.child.stop() }
        var figures: [Page: [Double]] = [:]
        // The first round warms up, and counts for nothing.
        for round in 0...options.rounds {
            for page in pages {
                let before = shop.child.cpuNanoseconds()
                let seconds = round == 0 ? 1 : options.seconds
                let visits = try PageVisitors.start(page, url: shop.url, clients: Self.clients, seconds: seconds)
                guard round > 0 else { continue }
                let cost = (shop.child.cpuNanoseconds() - before) / visits / 1000
                figures[page, default: []].append(cost)
                say("  round \(round) \(page.rawValue): \(Int(cost)) us, \(Int(visits)) visits")
            }
        }
        rows = pages.map { page in
            Row("cpu-\(page.rawValue)", metric: "cpu", unit: page.unit, better: .lower, apus: figures[page] ?? [])
        }
    }
}

/// What a visitor asks for.
enum Page: String, CaseIterable, Sendable {
    case home, department, product, search
    /// A search with a slip of the fingers.
    case slip
    /// The basket, with one product in it.
    case basket
    /// The form of the checkout.
    case form
    /// An order, by its buyer.
    case order
    /// A first product goes into a basket: a session begins.
    case add
    /// The same, and the order.
    case buy

    /// What is divided by.
    var unit: String { self == .buy ? "us/purchase" : "us/page" }
}
