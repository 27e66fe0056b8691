import Glibc
import Testing

@testable import Bazaar

/// The pages of a real shop, for the other tests and for looking at.
struct Gallery {
    let pages: [String: HTML]

    init() throws {
        let products = try History.shared.get().products.sorted { $0.popularity > $1.popularity }
        let kitchen = products.filter { $0.id.category == .kitchen }
        let frame = Frame(pieces: 7, formToken: "0123456789abcdef")
        let basket = Basket(lines: [
            Basket.Line(product: products[0], quantity: 6), Basket.Line(product: products[1], quantity: 1),
            Basket.Line(product: products[30], quantity: 999),
        ])
        var form = CheckoutForm(key: "k")
        form.name = "Ada Lovelace"
        form.email = "ada at example"
        let address = Address(
            name: "Ada Lovelace",
            email: "ada@example.com",
            street: "12 St James's Square",
            town: "London",
            postcode: "SW1Y 4JH",
            country: "United Kingdom"
        )
        let now: Int64 = 1_323_435_000
        let order = Order(
            number: "W4F7K2M9Q1XT",
            kind: .sale,
            buyer: "guest-W4F7K2M9Q1XT",
            country: "United Kingdom",
            placedAt: now,
            lines: basket.lines.prefix(2).map { line in
                OrderLine(
                    product: line.product.id,
                    code: line.product.id.code.text,
                    title: line.product.title,
                    quantity: line.quantity,
                    unitPrice: line.product.price
                )
            },
            postage: Postage.britain,
            adjustment: .zero,
            address: address
        )
        let pictures = Motif.allCases.enumerated().map { index, motif in
            let palette = Palette.of(words: [], category: Category.allCases[index % 14], hash: UInt64(index))
            return """
                <li><span class="pic"><svg viewBox="0 0 240 240"><rect width="240" height="240" fill="\(palette.paper)"/>\
                \(motif.drawing(palette))</svg></span>\(motif.rawValue)</li>
                """ as HTML
        }
        var full = ProductPage(kitchen[0], orderedAt: now)
        full.companions = Array(kitchen[1..<7])
        full.neighbours = Array(kitchen[7..<13])
        full.seen = Array(products[30..<36])
        let found = SearchPage(
            products: Array(products.prefix(24)),
            total: 300,
            next: PageCursor(after: products[23]),
            corrected: "heart",
            facets: Category.allCases.map { SearchPage.Facet(category: $0, count: 20) }
        )
        let nothing = SearchPage(products: [], total: 0, next: nil, corrected: nil, facets: [])
        pages = [
            "home": frame.home(bestSellers: Array(products.prefix(15)), seen: Array(products[20..<26])),
            "department": Frame(department: .kitchen).department(
                Listing(
                    products: Array(kitchen.prefix(24)),
                    total: kitchen.count,
                    next: PageCursor(after: kitchen[23])
                ),
                ListingQuery(.kitchen, count: 24)
            ),
            "product": frame.product(full),
            "soldout": frame.product(
                ProductPage(try #require(products.first { $0.available == 0 }), orderedAt: now)
            ),
            "search": frame.search(found, SearchQuery("hart", count: 24), others: []),
            "nothing": frame.search(nothing, SearchQuery("zzz", count: 24), others: Array(products.prefix(6))),
            "basket": frame.basket(basket, orderedAt: now), "empty": Frame().basket(Basket(lines: []), orderedAt: now),
            "checkout": frame.checkout(
                basket,
                form: form,
                now: now,
                errors: ["email": "This does not look like an email address."]
            ),
            "order": frame.order(order, now: now, secretLink: "/orders/W4F7K2M9Q1XT?secret=abc"),
            "orders": frame.orders([PlacedOrder(order: order, cart: "", secret: "")], now: now),
            "closed": frame.closed(),
            "404": frame.problem(status: 404, title: "There is nothing here", sentence: "Perhaps it was sold."),
            "motifs": frame.page("Motifs", "<h1>Motifs</h1><ul class=\"tiles\">\(pictures)</ul>"),
        ]
    }

    static let shared = Result { try Gallery() }
}

@Suite struct PageGalleryTests {
    /// `BAZAAR_PAGES=/some/folder swift test --filter PageGalleryTests` leaves the pages there.
    @Test func `every page can be written down and is under 100 KB`() throws {
        let pages = try Gallery.shared.get().pages
        // With what comes along on a first visit.
        let along = Stylesheet.text.utf8.count + Script.text.utf8.count + Frame.icon.bytes.count
        for (name, page) in pages where name != "motifs" {
            #expect(page.bytes.count + along < 100_000, "\(name): \(page.bytes.count) and \(along)")
        }
        guard let folder = getenv("BAZAAR_PAGES").map({ String(cString: $0) }) else { return }
        for (name, page) in pages {
            let text = page.text.replacing(Stylesheet.path, with: "style.css")
            try write(text, to: folder + "/" + name + ".html")
        }
        try write(Stylesheet.text, to: folder + "/style.css")
    }

    private func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }
}
