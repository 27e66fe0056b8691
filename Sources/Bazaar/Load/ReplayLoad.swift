import Apus

/// The real year of orders once more, through the JSON API, with the books balanced at its end.
///
/// The shop has a month's stock, so before the first order the warehouse is filled with what the year will want. Then each
/// order comes when it came, in trading time: a cart, all its lines at once, a checkout under a key of its own. What was not
/// told clearly is asked again under the same key, as a program does that must know. In the end the store must have exactly
/// the orders that were acknowledged, each country what the file says it bought, and for every product as many pieces as
/// before.
enum ReplayLoad {
    static func scenario(store: Store, sales: String) -> Scenario {
        Scenario(
            "replay",
            "the real year of orders through the JSON API, in trading time, with the books balanced at its end",
            rate: 70,
            duration: .seconds(300),
            needsBlocks: true
        ) { site in
            guard let file = sales.isEmpty ? SalesFile.beside() : SalesFile(path: sales) else {
                throw ShopError.notFound("\(SalesFile.name) in Data/ of the sources")
            }
            site.say("reading the year of orders")
            let recorded = try await site.blocking.run { try RecordedOrders(file) }
            let books = ReplayBooks(store: store)
            try await books.begin(recorded)
            let lines = recorded.orders.reduce(0) { $0 + $1.lines.count }
            site.say(
                "\(recorded.orders.count) orders of \(lines) lines; \(recorded.split) had more lines than a basket takes "
                    + "and became several, \(recorded.cut) lines were cut to \(Basket.quantityRange.upperBound) pieces, "
                    + "\(recorded.without) sales had no article and were left out; the warehouse is filled"
            )
            let feed = Feed(recorded.orders, .inTurn)
            return Mix(
                [
                    Journey("order") { visitor in
                        guard let order = feed.take() else { return }
                        try await place(order, visitor, books)
                    }
                ],
                recorded: recorded.times.map { .milliseconds(Int64($0 * 1000)) },
                audit: { site in try await books.audit(site) }
            )
        }
    }

    /// How often a program asks again that must know whether its order was placed.
    private static let triesMax = 20

    private static func place(_ order: RecordedOrders.Order, _ visitor: Visitor, _ books: ReplayBooks) async throws {
        let cart = try await OrderLoad.newCart(visitor)
        let lines = order.lines.map { APIBody.CartContents.Line(product: $0.product, quantity: $0.quantity) }
        try await visitor.send(json: APIBody.CartContents(lines: lines), to: Storefront.apiFillCart, cart)
        var address = LoadAddress.britain
        address.country = order.country
        let key = LoadAddress.key(visitor)
        books.asked(key, cart, address)
        for attempt in 1...triesMax {
            do {
                let answer = try await OrderLoad.checkOut(cart, key: key, address, visitor)
                if answer.status == .created {
                    return books.acknowledged(key, try answer.json(APIBody.Order.self))
                }
                guard answer.text.contains("shop.keyInFlight") || answer.text.contains("shop.conflict") else {
                    return books.refused(key)
                }
            } catch is RequestFailed where attempt < triesMax {
                // Whether it was placed is not known: the same key tells.
            }
            try await visitor.think(.milliseconds(200))
        }
    }
}
