import Testing

@testable import Apus
@testable import Bazaar

/// What became of a request.
enum Outcome: Sendable, CustomStringConvertible {
    case answered(ClientResponse)
    case failed(ClientError)

    var status: Int? { if case .answered(let response) = self { Int(response.status.code) } else { nil } }
    var description: String {
        switch self {
        case .answered(let response): "\(response.status.code) \(response.text.prefix(300))"
        case .failed(let error): "\(error)"
        }
    }
}

/// A customer with a cart, who asks over the JSON API and remembers what was promised.
//
// `@unchecked Sendable` is sound because it is used on its loop alone.
final class Buyer: @unchecked Sendable {
    let cart: String
    let key: String
    private let country: String
    private(set) var wanted: [String: Int] = [:]
    /// The order that was acknowledged.
    private(set) var placed: APIBody.Order?
    /// Answers to the checkout that say that nothing was bought.
    private(set) var refusal: String?

    static let countries = ["United Kingdom", "France", "Australia"]

    init(_ number: Int) {
        cart = SecureRandom.token()
        key = "fault-\(number)-\(SecureRandom.token(bits: 64))"
        country = Self.countries[number % Self.countries.count]
    }

    /// Puts products into the cart; what fails is not there, and is not looked at either.
    func fill(_ lines: [(product: String, quantity: Int)], _ client: Client) async {
        for line in lines {
            let outcome = await client.ask(
                .put,
                "/api/carts/\(cart)/lines/\(line.product)",
                json: #"{"quantity":\#(line.quantity)}"#
            )
            if outcome.status == 200 { wanted[line.product] = line.quantity }
        }
    }

    /// Buys what is in the cart, under this buyer's key.
    ///
    /// - Returns: What came back. A second acknowledgement must be the same as the first.
    @discardableResult
    func checkOut(_ client: Client, within limit: Duration = .seconds(10)) async -> Outcome {
        let outcome = await client.ask(
            .post,
            "/api/carts/\(cart)/checkout",
            json: """
                {"address":{"name":"Ada Lovelace","email":"ada@example.com","street":"12 St James's Square",\
                "town":"London","postcode":"SW1Y 4JH","country":"\(country)"}}
                """,
            fields: [("Idempotency-Key", key)],
            within: limit
        )
        guard case .answered(let response) = outcome else { return outcome }
        if response.status == .created {
            guard let order = try? JSONDocument.decode(APIBody.Order.self, from: response.body) else {
                Issue.record("an acknowledgement that is none: \(outcome)")
                return outcome
            }
            if let placed {
                #expect(placed.number == order.number && placed.secret == order.secret, "a key bought twice")
            }
            placed = order
            refusal = nil
        } else if outcome.isRefusal {
            #expect(placed == nil, "an acknowledged order is refused: \(outcome)")
            refusal = response.text
        }
        return outcome
    }

    /// Looks at the acknowledged order by its link.
    func look(_ client: Client) async -> Outcome? {
        guard let placed else { return nil }
        return await client.ask(.get, "/api/orders/\(placed.number)?secret=\(placed.secret)")
    }
}

extension Outcome {
    /// Whether it says that the cart cannot be bought as it is: sold out, or empty.
    fileprivate var isRefusal: Bool {
        guard case .answered(let response) = self, (400..<500).contains(response.status.code) else { return false }
        return ["outOfStock", "emptyCart"].contains { response.text.contains("shop.\($0)") }
    }
}

extension Client {
    /// Sends a request and says what became of it.
    func ask(
        _ method: Method,
        _ path: String,
        json: String? = nil,
        fields: [(name: String, value: String)] = [],
        within limit: Duration = .seconds(10)
    ) async -> Outcome {
        let type = json == nil ? [] : [(name: "Content-Type", value: "application/json")]
        let request = ClientRequest(method, path, fields: type + fields, body: Array((json ?? "").utf8))
        do throws(ClientError) {
            return .answered(try await send(request, within: limit))
        } catch {
            return .failed(error)
        }
    }
}
