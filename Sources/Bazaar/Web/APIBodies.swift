import Apus

/// What the JSON API sends and takes.
enum APIBody {
    /// An amount: `{"amount": "12.75", "currency": "GBP"}`.
    struct Price: Codable, Sendable {
        var amount: String
        var currency = "GBP"
        init(_ money: Money) { amount = money.decimal }
    }

    struct Department: Codable, Sendable {
        var id: String
        var title: String
    }

    struct Departments: Codable, Sendable {
        var departments: [Department]
    }

    struct Product: Codable, Sendable {
        var id: String
        var code: String
        var department: String
        var title: String
        var price: Price
        var available: Int

        init(_ product: Bazaar.Product) {
            id = product.id.description
            code = product.id.code.text
            department = product.id.category.rawValue
            title = product.title
            price = Price(product.price)
            available = product.available
        }
    }

    struct Products: Codable, Sendable {
        var products: [Product]
        /// How many there are on all pages together.
        var total: Int
        /// What to send as `after` for the next page; absent on the last.
        var next: String?
    }

    struct Search: Codable, Sendable {
        struct Facet: Codable, Sendable {
            var department: String
            var count: Int
        }

        var products: [Product]
        /// How many were found on all pages together.
        var total: Int
        /// What to send as `after` for the next page; absent on the last.
        var next: String?
        /// What was looked for instead, where a typing error was forgiven.
        var corrected: String?
        /// The departments with something that was found, most first.
        var departments: [Facet]

        init(_ page: SearchPage) {
            products = page.products.map(Product.init)
            total = page.total
            next = page.next?.description
            corrected = page.corrected
            departments = page.facets.map { Facet(department: $0.category.rawValue, count: $0.count) }
        }
    }

    struct Suggestions: Codable, Sendable {
        struct Item: Codable, Sendable {
            var product: String
            var title: String
        }

        var suggestions: [Item]
    }

    struct Companions: Codable, Sendable {
        /// The nearest first.
        var products: [Product]
    }

    /// When something ordered now will be there, days as `2011-12-09`.
    struct Delivery: Codable, Sendable {
        var country: String
        var packed: String
        var earliest: String
        var latest: String
    }

    struct Orders: Codable, Sendable {
        /// The latest first.
        var orders: [Order]
    }

    struct CartLine: Codable, Sendable {
        var product: String
        var title: String
        var quantity: Int
        var price: Price
        var amount: Price
        var available: Int
    }

    struct Cart: Codable, Sendable {
        var id: String
        var version: Int64
        var lines: [CartLine]
        var goods: Price

        init(id: String, version: Int64, basket: Basket) {
            self.id = id
            self.version = version
            lines = basket.lines.map { line in
                CartLine(
                    product: line.product.id.description,
                    title: line.product.title,
                    quantity: line.quantity,
                    price: Price(line.product.price),
                    amount: Price(line.amount),
                    available: line.product.available
                )
            }
            goods = Price(basket.goods)
        }
    }

    struct Quantity: Codable, Sendable, SchemaProviding {
        var quantity: Int

        static var jsonSchema: JSONSchema {
            .object([.init("quantity", .integer(0...Basket.quantityRange.upperBound))])
        }
        static var schemaSample: Quantity { Quantity(quantity: 1) }
    }

    /// All that a cart shall hold, each product once.
    struct CartContents: Codable, Sendable, SchemaProviding {
        struct Line: Codable, Sendable {
            var product: ProductID
            var quantity: Int
        }

        /// In the order to show them.
        var lines: [Line]

        static var jsonSchema: JSONSchema {
            let quantities = Basket.quantityRange
            let line = JSONSchema.object([
                .init("product", ProductID.pathSchema), .init("quantity", .integer(quantities)),
            ])
            return .object([.init("lines", .array(of: line, countMax: Basket.linesMax))])
        }
        static var schemaSample: CartContents { CartContents(lines: []) }
    }

    struct Checkout: Codable, Sendable {
        /// The version of the cart that the buyer saw; left out, whatever is in it now is bought.
        var cartVersion: Int64?
        var address: Address
    }

    struct Address: Codable, Sendable, SchemaProviding {
        var name: String
        var email: String
        var street: String
        var town: String
        var postcode: String
        var country: String

        static var jsonSchema: JSONSchema {
            let texts = ["name", "email", "street", "town", "postcode"].map { field in
                JSONSchema.Property(field, .string(1...CheckoutForm.lengthMax(field)))
            }
            return .object(texts + [.init("country", .choice(Country.all.map(\.name)))])
        }
        static var schemaSample: Address {
            Address(name: "", email: "", street: "", town: "", postcode: "", country: Country.unitedKingdom.name)
        }
    }

    struct OrderLine: Codable, Sendable {
        var product: String?
        var code: String
        var title: String
        var quantity: Int
        var price: Price
        var amount: Price
    }

    struct Order: Codable, Sendable {
        var number: String
        /// Seconds since 1970.
        var placedAt: Int64
        var lines: [OrderLine]
        var goods: Price
        var postage: Price
        var total: Price
        var address: Address?
        /// Lets its bearer see the order.
        var secret: String

        init(_ placed: PlacedOrder) {
            let order = placed.order
            number = order.number
            placedAt = order.placedAt
            lines = order.lines.map { line in
                OrderLine(
                    product: line.product?.description,
                    code: line.code,
                    title: line.title,
                    quantity: line.quantity,
                    price: Price(line.unitPrice),
                    amount: Price(line.amount)
                )
            }
            goods = Price(order.goods)
            postage = Price(order.postage)
            total = Price(order.total)
            address = order.address.map { address in
                Address(
                    name: address.name,
                    email: address.email,
                    street: address.street,
                    town: address.town,
                    postcode: address.postcode,
                    country: address.country
                )
            }
            secret = placed.secret
        }
    }
}
