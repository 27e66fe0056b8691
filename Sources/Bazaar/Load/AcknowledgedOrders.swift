import Apus

/// Orders that buyers were told they have placed, asked for again when the load is over.
///
/// It needs nothing but the shop's API, so it also tells the truth about a shop on another machine.
final class AcknowledgedOrders: Sendable {
    /// Most orders remembered; of more, the first are looked for.
    static let countMax = 100_000

    private struct Told {
        var secrets: [(number: OrderNumber, secret: String)] = []
        var beyond = 0
    }
    private let told = Lock(Told())

    /// Remembers what a buyer was told.
    func add(_ order: APIBody.Order) {
        guard let number = OrderNumber(order.number) else { return }
        told.withLock { told in
            if told.secrets.count < Self.countMax {
                told.secrets.append((number, order.secret))
            } else {
                told.beyond += 1
            }
        }
    }

    /// Asks the shop for each of them.
    func finding(_ site: LoadSite) async throws -> Mix.Finding {
        let (orders, beyond) = told.withLock { ($0.secrets, $0.beyond) }
        var lost: [OrderNumber] = []
        for (number, secret) in orders {
            let isThere = try await isThere(number, secret, site)
            if !isThere { lost.append(number) }
        }
        var words = lost.isEmpty ? "no order was lost: " : "\(lost.count) orders were lost: "
        words += "\(orders.count) were acknowledged, \(orders.count - lost.count) are there"
        if !lost.isEmpty { words += "; missing " + lost.prefix(5).map(\.text).joined(separator: ", ") }
        if beyond > 0 { words += "; \(beyond) more were not looked for" }
        return Mix.Finding("every order acknowledged is in the shop", holds: lost.isEmpty, words)
    }

    private func isThere(_ number: OrderNumber, _ secret: String, _ site: LoadSite) async throws -> Bool {
        let request = ClientRequest(.get, "\(Storefront.apiOrder.path(number))?secret=\(secret)")
        for _ in 1...3 {
            if let answer = try? await site.client.send(request), !answer.status.isServerError {
                return answer.status == .ok
            }
            // A part may still be on its way back up.
            try await site.loop.sleep(for: .seconds(1))
        }
        return false
    }
}
