/// Finds out which products are bought together, from orders.
///
/// The rule: two products belong together by the cosine of the orders they are in, that is orders with both over the
/// square root of orders with the one times orders with the other. So what is in every order goes with nothing in
/// particular. At least ``ordersMin`` orders have both; orders with one product or more than ``productsMax`` say nothing.
struct CompanionBuilder {
    /// A product that goes with another.
    struct Companion: Sendable, Hashable {
        let product: ProductID
        /// Orders with both.
        let orders: Int
    }

    /// Most companions of one product.
    static let companionsMax = 6
    static let ordersMin = 4
    /// Products in an order from which it is a shop's restocking and no choice.
    static let productsMax = 60

    private let products: [ProductID]
    private let places: [ProductID: Int]
    private var orders: [UInt32]
    /// Orders with both, by place and place: 29 MB for the real catalogue.
    private var both: [UInt16]

    init(products: [ProductID]) {
        self.products = products
        places = Dictionary(products.enumerated().map { ($1, $0) }) { first, _ in first }
        orders = Array(repeating: 0, count: products.count)
        both = Array(repeating: 0, count: products.count * products.count)
    }

    /// Counts an order in; products that are not in the catalogue are left out.
    mutating func add(_ order: some Sequence<ProductID>) {
        let found = Set(order.compactMap { places[$0] })
        guard (2...Self.productsMax).contains(found.count) else { return }
        let count = products.count
        both.withUnsafeMutableBufferPointer { both in
            for one in found {
                orders[one] += 1
                for other in found where other != one {
                    let cell = one * count + other
                    both[cell] = both[cell] == .max ? .max : both[cell] + 1
                }
            }
        }
    }

    /// What goes with each product, the nearest first; products without companions are left out.
    func companions() -> [(product: ProductID, companions: [Companion])] {
        let count = products.count
        return products.indices.compactMap { one in
            var near: [(place: Int, nearness: Double)] = []
            for other in 0..<count where both[one * count + other] >= Self.ordersMin {
                let shared = Double(both[one * count + other])
                near.append((other, shared / (Double(orders[one]) * Double(orders[other])).squareRoot()))
            }
            if near.isEmpty { return nil }
            near.sort { ($0.nearness, $1.place) > ($1.nearness, $0.place) }
            let companions = near.prefix(Self.companionsMax).map { near in
                Companion(product: products[near.place], orders: Int(both[one * count + near.place]))
            }
            return (products[one], companions)
        }
    }
}
