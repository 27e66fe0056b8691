import ApusDashboard
import ApusTesting
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    @Suite struct ContractCallTests {
        /// Every method of every service, such as `orders.checkOut`, as the contracts list them.
        ///
        /// A service does not start whose contract forgets a method, so this is all there is.
        private static let methods: Set<String> = {
            func names<Handle>(_ contract: ServiceContract<Handle>) -> [String] {
                contract.targets.map { "\(contract.name).\($0.name)" }
            }
            return Set(names(Contracts.catalogue) + names(Contracts.carts) + names(Contracts.orders))
        }()

        @Test(.needs(.bazaar))
        func `every distributed method is called between two release processes`() async throws {
            let release = try #require(RealPart.bazaar.location, "APUS_TEST_ALL=1, but APUS_TEST_BAZAAR is not set")
            let services = Shop().body.parts.list.filter { $0.kind == .service }.map(\.name)
            #expect(Set(Self.methods.map { String($0.prefix { $0 != "." }) }) == Set(services), "a contract is missing")
            try await withRunningShop { shop in
                let visitor = TracedVisitor(try shop.address, on: shop.loop)
                defer { visitor.client.close() }
                try await visitor.shop()
                let parts = try await shop.parts()
                let pids = Dictionary(uniqueKeysWithValues: parts.map { ("\($0.name)/\($0.replica)", $0.pid ?? 0) })
                for part in parts where part.kind == "service" || part.kind == "web" {
                    let program = try #require(Files.resolve("/proc/\(part.pid ?? 0)/exe"))
                    #expect(program == Files.resolve(release), "\(part.name) runs another program")
                }
                var called: Set<String> = []
                let isWhole = try await shop.loop.eventually(within: .seconds(20)) {
                    for trace in visitor.traces { called.formUnion(try await Self.calls(in: trace, of: shop, pids)) }
                    return called.isSuperset(of: Self.methods)
                }
                #expect(isWhole, "never called: \(Self.methods.subtracting(called).sorted())")
            }
        }

        /// The methods that were called from one process in another: a caller's span in one, a callee's below it in another.
        private static func calls(
            in trace: String,
            of shop: RunningShop,
            _ pids: [String: Int32]
        ) async throws -> Set<String> {
            let response = try await shop.administer(.get, "/api/traces/\(trace)")
            // A process tells of a request's spans once it has finished them.
            guard response.status == .ok else { return [] }
            let spans = try JSONDocument.decode([String: [SpanFact]].self, from: response.body)["spans"] ?? []
            let callers = spans.filter { $0.kind == "client" }
            var called: Set<String> = []
            for callee in spans where callee.kind == "server" && !callee.failed {
                guard let caller = callers.first(where: { $0.span == callee.parent && $0.name == callee.name }),
                    let one = pids[caller.part], let other = pids[callee.part], one != other
                else { continue }
                called.insert(callee.name)
            }
            return called
        }
    }

    /// A visitor who does everything there is to do, each request with a trace of its own.
    //
    // `@unchecked Sendable` is sound because it is used on its loop alone.
    final class TracedVisitor: @unchecked Sendable {
        let client: Client
        private let origin: String
        private(set) var traces: [String] = []

        init(_ address: SocketAddress, on loop: EventLoop) {
            client = Client(address, on: loop)
            origin = "http://\(address)"
        }

        private func ask(
            _ method: Method,
            _ path: String,
            type: String? = nil,
            body: String = "",
            cookie: String? = nil,
            key: String? = nil,
            expecting status: Int
        ) async throws -> ClientResponse {
            let trace = SecureRandom.token()
            traces.append(trace)
            var fields = [(name: "traceparent", value: "00-\(trace)-\(SecureRandom.token(bits: 64))-01")]
            if let type { fields.append(("Content-Type", type)) }
            if let cookie { fields.append(("Cookie", cookie)) }
            if let key { fields.append(("Idempotency-Key", key)) }
            if method == .post { fields.append(("Origin", origin)) }
            let request = ClientRequest(method, path, fields: fields, body: Array(body.utf8))
            let response = try await client.send(request, within: .seconds(10))
            #expect(Int(response.status.code) == status, "\(method) \(path): \(response.text.prefix(300))")
            return response
        }

        /// Looks at everything, fills a basket by the page and a cart by the document, buys, and looks at the order.
        func shop() async throws {
            let json = "application/json"
            let best = try await ask(.get, "/api/products?limit=4", expecting: 200)
            let products = try JSONDocument.decode(APIBody.Products.self, from: best.body).products
            let product = try #require(products.first { $0.available > 10 })
            _ = try await ask(.get, "/api/products?department=\(product.department)", expecting: 200)
            _ = try await ask(.get, "/api/products/\(product.id)", expecting: 200)
            _ = try await ask(.get, "/api/products/\(product.id)/companions", expecting: 200)
            _ = try await ask(.get, "/api/search?q=lantern", expecting: 200)
            _ = try await ask(.get, "/api/suggestions?q=lant", expecting: 200)
            let added = try await ask(
                .post,
                "/basket/lines",
                type: "application/x-www-form-urlencoded",
                body: "product=\(product.id)&quantity=2",
                expecting: 303
            )
            let cookie = try #require(added.field("Set-Cookie"))
            _ = try await ask(.get, "/basket", cookie: String(cookie.prefix { $0 != ";" }), expecting: 200)
            let made = try await ask(.post, "/api/carts", type: json, expecting: 201)
            let cart = try JSONDocument.decode(APIBody.Cart.self, from: made.body).id
            let line = "/api/carts/\(cart)/lines/\(product.id)"
            _ = try await ask(.put, line, type: json, body: #"{"quantity":2}"#, expecting: 200)
            let all = #"{"lines":[{"product":"\#(product.id)","quantity":1}]}"#
            _ = try await ask(.put, "/api/carts/\(cart)", type: json, body: all, expecting: 200)
            _ = try await ask(.get, "/api/carts/\(cart)", expecting: 200)
            let bought = try await ask(
                .post,
                "/api/carts/\(cart)/checkout",
                type: json,
                body: """
                    {"address":{"name":"Ada Lovelace","email":"ada@example.com","street":"12 St James's Square",\
                    "town":"London","postcode":"SW1Y 4JH","country":"United Kingdom"}}
                    """,
                key: SecureRandom.token(),
                expecting: 201
            )
            let order = try JSONDocument.decode(APIBody.Order.self, from: bought.body)
            _ = try await ask(.get, "/api/orders/\(order.number)?secret=\(order.secret)", expecting: 200)
            _ = try await ask(.get, "/api/carts/\(cart)/orders", expecting: 200)
        }
    }
}
