import Apus

/// People in the shop: most look around, some search, a few fill a basket, fewer still buy.
///
/// The proportions are those of TPC-W's shopping mix (specification 1.8, clause 5.2.1), of 100 interactions:
/// home 16, new products and best sellers 10 (our departments), product 17, search 37 (request and results), basket 11.6,
/// customer registration and buy request 5.6 (our checkout form), buy confirm 1.2, order inquiry and display 1.41 (our
/// order page), administration 0.19 (left out).
///
/// The journeys are short, so that the mixture holds at each moment: 62 visitors make 100 interactions. People pause for half a second on average where TPC-W has seven: visitors come and go as one likes here,
/// so the pause only says how many are there at once.
enum ShoppingLoad {
    static let pause: Duration = .milliseconds(500)

    static let scenario = Scenario(
        "shopping",
        "TPC-W's shopping mix over the pages: browse 43, search 37, cart 12, checkout 8 of 100 interactions",
        rate: 50
    ) { site in
        let products = try await catalogue(site)
        let popular = Feed(products)
        let words = Feed(searchWords)
        return Mix([
            Journey("home", weight: 16) { try await $0.ask(Storefront.home) },
            Journey("department", weight: 10) { visitor in
                let category = popular.next(for: visitor).category
                try await visitor.ask(Storefront.department, category)
            },
            // Of the 17 product pages, those that lead to a basket are part of the journeys below.
            Journey("product", weight: 5.4) { visitor in
                try await visitor.ask(Storefront.product, popular.next(for: visitor))
            },
            // TPC-W's search is a form and its results; here each page has the form, so half of them are a second search.
            Journey("search", weight: 18.5) { visitor in
                try await search(visitor, words)
                try await visitor.think(mean: pause)
                try await search(visitor, words)
            },
            Journey("cart", weight: 6) { try await fillBasket($0, popular) },
            Journey("checkout begun", weight: 4.4) { visitor in
                try await fillBasket(visitor, popular)
                try await visitor.ask(Route(.get, Storefront.checkoutPath))
            },
            Journey("checkout", weight: 1.2) { try await buy($0, popular) },
        ])
    }

    /// The products by department, the most popular more often, as they are looked at more often.
    static func catalogue(_ site: LoadSite) async throws -> [ProductID] {
        var ids: [ProductID] = []
        for category in Category.allCases {
            let path = "\(Storefront.apiProducts.path())?department=\(category.rawValue)&limit=99"
            let answer = try await site.client.send(ClientRequest(.get, path))
            guard answer.status == .ok else { throw ShopError.notFound("catalogue of \(category.rawValue)") }
            let page = try answer.body.withUnsafeBytes { try JSONBody().decode(APIBody.Products.self, from: $0) }
            for (rank, product) in page.products.enumerated() {
                guard let id = ProductID(product.id), product.available > 20 else { continue }
                // Zipf's law in steps: the first ten have ten tickets each, the next ninety one.
                for _ in 0..<(rank < 10 ? 10 : 1) { ids.append(id) }
            }
        }
        guard !ids.isEmpty else { throw ShopError.notFound("product in stock") }
        return ids
    }

    /// What people search for: words that many titles have, and some with a slip of the fingers.
    private static let searchWords = [
        "lantern", "heart", "christmas", "bag", "lunch box", "cake stand", "retrospot", "vintage", "candle",
        "t-light holder", "mug", "clock", "bunting", "doormat", "tea", "jam", "star", "glass", "wooden", "ribbons",
        "lantren", "hart", "chrismas", "candel", "umbrela",
    ]

    private static func search(_ visitor: Visitor, _ words: Feed<String>) async throws {
        var query = ByteWriter(capacity: 64)
        query.append("q=")
        query.append(percentEncoding: words.next(for: visitor))
        try await visitor.ask(Route(.get, Storefront.searchPath), query: query.string)
    }

    /// Looks at a product and puts it into the basket.
    static func fillBasket(_ visitor: Visitor, _ products: Feed<ProductID>) async throws {
        let product = products.next(for: visitor)
        try await visitor.ask(Storefront.product, product)
        try await visitor.think(mean: pause)
        try await visitor.submit(
            Storefront.addLine,
            form: [("product", product.description), ("quantity", "1")]
        )
        let basket = try await visitor.ask(Route(.get, Storefront.basketPath))
        visitor.check("the basket shows what was put in", basket.text.contains(product.description))
        try await visitor.think(mean: pause)
    }

    private static func buy(_ visitor: Visitor, _ products: Feed<ProductID>) async throws {
        try await fillBasket(visitor, products)
        try await visitor.ask(Route(.get, Storefront.checkoutPath))
        try await visitor.think(mean: pause)
        let address = LoadAddress.britain
        let done = try await visitor.submit(
            Route(.post, Storefront.checkoutPath),
            form: [
                ("key", LoadAddress.key(visitor)), ("name", address.name), ("email", address.email),
                ("street", address.street), ("town", address.town), ("postcode", address.postcode),
                ("country", address.country),
            ],
            expecting: .oneOf([303, 409])
        )
        // 409: somebody else was quicker, and the shelf is empty. That is no failure of the shop.
        guard done.status == .seeOther, let path = done.location, path.hasPrefix("/orders/"),
            let number = OrderNumber(path.dropFirst(8))
        else { return }
        try await visitor.ask(Storefront.order, number)
    }
}

/// What buyers write on the checkout's form.
enum LoadAddress {
    static let britain = APIBody.Address(
        name: "Ada Lovelace",
        email: "ada@example.com",
        street: "12 St James's Square",
        town: "London",
        postcode: "SW1Y 4JH",
        country: Country.unitedKingdom.name
    )

    /// An Idempotency-Key that no other run has.
    static func key(_ visitor: Visitor) -> String { "load-\(visitor.number)-\(SecureRandom.token(bits: 64))" }
}
