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
        let order = Order(
            number: "W4F7K2M9Q1XT",
            kind: .sale,
            buyer: "guest-W4F7K2M9Q1XT",
            country: "United Kingdom",
            placedAt: 1_323_435_000,
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
        pages = [
            "home": frame.home(bestSellers: Array(products.prefix(16))),
            "department": Frame(department: .kitchen).department(
                .kitchen,
                products: Array(kitchen.prefix(24)),
                next: "/departments/kitchen?after=3",
                isFirst: true
            ),
            "product": frame.product(kitchen[0], more: Array(kitchen.dropFirst().prefix(4))),
            "soldout": frame.product(try #require(products.first { $0.available == 0 }), more: []),
            "basket": frame.basket(basket), "empty": Frame().basket(Basket(lines: [])),
            "checkout": frame.checkout(
                basket,
                form: form,
                errors: ["email": "This does not look like an email address."]
            ),
            "order": frame.order(order, secretLink: "/orders/W4F7K2M9Q1XT?secret=abc"),
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
        for (name, page) in pages { #expect(page.bytes.count < 100_000, "\(name): \(page.bytes.count)") }
        #expect(Stylesheet.text.utf8.count < 15_000)
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
