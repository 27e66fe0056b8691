import Apus

/// The orders made from one cart, which is all a visitor without an account has as history.
struct CartOrders: Sendable {
    let store: Store

    /// Most orders shown, the latest.
    static let countMax = 50

    /// The cart's orders, the latest first.
    func orders(of cart: String) async throws -> [PlacedOrder] {
        let texts = try await store.shard(for: CartKey(id: cart)).list(
            """
            SELECT order_text FROM checkouts WHERE cart_id = \(cart) AND state IN ('placed', 'done')
            ORDER BY due_at DESC LIMIT \(Self.countMax)
            """,
            as: String.self
        )
        let placed = try texts.map { try Document.decode($0, as: PlacedOrder.self) }
        return placed.sorted { ($0.order.placedAt, $0.order.number) > ($1.order.placedAt, $1.order.number) }
    }
}
