#if PostgreSQL
import ApusCore
import Testing

@testable import ApusStore

/// Which statements of one key say whose rows they mean, by their text alone.
@Suite struct CitusStatementTests {
    private let guardian: CitusGuard

    init() throws {
        guardian = CitusGuard(
            try CitusLayout([
                StoreTable("customers", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) },
                StoreTable("orders", primaryKey: ["customer", "number"], key: ["customer"]) { try $0.next(Int.self) },
                StoreTable(
                    "lines",
                    primaryKey: ["customer", "number", "line"],
                    follows: "orders",
                    by: ["customer", "number"]
                ),
                StoreTable.reference("countries"),
            ])
        )
    }

    @Test(arguments: [
        "SELECT 1", "SELECT name FROM countries WHERE code = $1", "INSERT INTO countries VALUES ($1, $2)",
        "SELECT total FROM orders WHERE customer = $1", "select total from Orders where Customer = $1 and number > $2",
        "SELECT total FROM \"orders\" WHERE \"customer\" = $1", "SELECT o.total FROM orders AS o WHERE o.customer = 7",
        "SELECT total FROM shop_0.orders WHERE number = $1 AND $2 = orders.customer",
        "SELECT total FROM orders WHERE customer IN ($1, $2) ORDER BY number LIMIT 3",
        "SELECT total FROM orders WHERE (customer, number) = ($1, $2)",
        "SELECT total FROM orders WHERE (number, customer) IN (($1, $2), ($3, $4))",
        "SELECT total FROM orders WHERE customer = ANY ($1)", "SELECT total FROM orders WHERE customer = abs($1)",
        "SELECT l.what FROM orders o JOIN lines l USING (customer, number) WHERE o.customer = $1",
        "SELECT l.what FROM orders o, lines l WHERE l.customer = o.customer AND o.customer = $1",
        "SELECT c.name, o.total FROM customers c LEFT JOIN orders o ON o.customer = c.id WHERE c.id = $1 GROUP BY c.name",
        "SELECT total FROM orders WHERE customer = $1 AND number > (SELECT min(number) FROM orders WHERE customer = $1)",
        "INSERT INTO orders (customer, number) VALUES ($1, $2) ON CONFLICT (customer, number) DO UPDATE SET total = 1",
        "INSERT INTO orders VALUES ($1, $2, $3)", "UPDATE orders SET total = $1 WHERE number = $2 AND customer = $3",
        "DELETE FROM orders WHERE customer = $1 RETURNING number",
        "DELETE FROM lines USING orders WHERE lines.customer = orders.customer AND orders.customer = $1",
        "SELECT count(*) FROM (SELECT number FROM orders WHERE customer = $1 -- whose\n) x WHERE x.number > 3",
        "WITH mine AS (SELECT number FROM orders WHERE customer = $1) SELECT count(*) FROM mine",
        "SELECT total FROM orders WHERE customer = $1 FOR UPDATE",
        "SELECT 'FROM orders' FROM countries", "ALTER TABLE orders ADD COLUMN note TEXT",
    ])
    func `who names the column that a table is spread by is let through`(text: String) throws {
        try guardian.check(text: text)
    }

    @Test(arguments: [
        "SELECT count(*) FROM orders", "SELECT customer FROM orders WHERE number = $1",
        "SELECT total FROM orders WHERE customer > $1", "SELECT total FROM orders WHERE customer <= $1",
        "SELECT total FROM orders WHERE lower(customer) = $1", "SELECT customer = $1 FROM orders",
        "SELECT total FROM orders WHERE number = $1 ORDER BY customer",
        "SELECT l.what FROM orders o JOIN lines l USING (customer, number)",
        "SELECT l.what FROM orders o JOIN lines l ON l.number = o.number WHERE o.customer = $1",
        "SELECT l.what FROM orders o, lines l WHERE l.customer = o.customer",
        "SELECT total FROM orders WHERE customer = $1 AND number > (SELECT min(number) FROM orders)",
        "INSERT INTO orders (number, total) VALUES ($1, $2)", "UPDATE orders SET customer = $1 WHERE number = $2",
        "UPDATE orders SET total = 0", "DELETE FROM orders", "DELETE FROM orders WHERE number = $1",
        "INSERT INTO lines SELECT customer, number, 1, 'x' FROM orders",
        "WITH all_of_them AS (SELECT number FROM orders) SELECT count(*) FROM all_of_them",
    ])
    func `who does not would be asked of all nodes, and is refused with the column`(text: String) {
        do {
            try guardian.check(text: text)
            Issue.record("accepted: \(text)")
        } catch {
            let error = error as? StoreError
            #expect(error?.code == .statementInvalid)
            #expect(error?.detail.contains("is spread by customer") == true)
            #expect(error?.detail.contains("$1") == false)
        }
    }

    @Test
    func `a text of any kind is looked at to its end`() {
        var random = SeededRandom(seed: 19)
        let pieces = [
            "SELECT", "FROM", "orders", "customer", "(", ")", ",", ".", "=", "$1", "WHERE", "IN", "USING", "INTO", "'x",
            "\"", " ",
            "INSERT", "UPDATE", "--", "$$", "ON",
        ]
        for _ in 0..<5000 {
            let count = Int.random(in: 0...14, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined(separator: " ")
            _ = CitusStatement(text)
        }
    }
}
#endif
