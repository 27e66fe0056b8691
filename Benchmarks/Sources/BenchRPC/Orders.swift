import Apus
import Distributed

/// The service that is called: an order of ten lines goes, its total comes back.
@Resolvable
protocol Orders: ServiceActor {
    distributed func add(_ left: Int, _ right: Int) async throws -> Int
    distributed func place(_ order: Order) async throws -> Receipt
    distributed func placeByHand(_ order: HandOrder) async throws -> HandReceipt
}

let orders = ServiceContract<any Orders>("orders", stub: $Orders.resolve(id:using:)) {
    Target("add", .idempotent) { try await $0.add($1, $2) }
    Target("place") { try await $0.place($1) }
    Target("placeByHand") { try await $0.placeByHand($1) }
}

distributed actor OrdersService: Orders {
    typealias ActorSystem = ApusActorSystem

    // Touched by every call, so that the optimiser cannot leave the actor's turn out.
    private var calls = 0

    distributed func add(_ left: Int, _ right: Int) -> Int {
        calls &+= 1
        return left + right
    }

    distributed func place(_ order: Order) -> Receipt {
        Receipt(number: order.number, pence: order.lines.reduce(0) { $0 + $1.quantity * $1.pence }, isAccepted: true)
    }

    distributed func placeByHand(_ order: HandOrder) -> HandReceipt {
        HandReceipt(number: order.number, pence: order.lines.reduce(0) { $0 + $1.quantity * $1.pence })
    }
}

/// What the service is compared with where both share a process.
actor PlainOrders {
    private var calls = 0

    @inline(never)
    func add(_ left: Int, _ right: Int) async throws -> Int {
        calls &+= 1
        return left + right
    }
}

/// An order, coded by the default: `Codable` through the binary coder, or Foundation's JSON.
struct Order: Wire {
    struct Line: Codable, Sendable {
        var sku: String
        var quantity: Int
        var pence: Int
    }
    var number: Int
    var customer: String
    var country: String
    var isPaid: Bool
    var lines: [Line]

    static let sample = Order(
        number: 536_365,
        customer: "customer-17850",
        country: "United Kingdom",
        isPaid: true,
        lines: (0..<10).map { Line(sku: "SKU-85123\($0)", quantity: 6 + $0, pence: 255 + $0) }
    )
}

/// What comes back.
struct Receipt: Wire {
    var number: Int
    var pence: Int
    var isAccepted: Bool
}
