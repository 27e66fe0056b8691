import ApusCore
import ApusRuntime

@testable import ApusStore

/// Customers whose address of mail is unique over all shards.
struct MailShop: Sendable {
    static let customers = Migration(
        1,
        "create customers",
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, mail VARCHAR(60))"
    )

    let store: Store
    let index: UniqueIndex<String, Int>
    /// Kept as long as the shop is looked at.
    private let place: TestPlace?

    /// Declares the store: nothing is opened yet.
    init(
        _ name: String,
        shards: Int = 3,
        patience: Duration = .seconds(30),
        clock: any Clock = SystemClock(),
        place: TestPlace? = nil
    ) {
        self.place = place
        index = UniqueIndex("customers_by_mail", patience: patience, clock: clock)
        store = Store(
            name,
            shards: shards,
            sharding: .hash(slots: 64),
            migrations: [Self.customers, index.migration(2)],
            tables: [StoreTable("customers", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) }] + index.tables
        )
    }

    static func open(
        _ place: TestPlace,
        patience: Duration = .seconds(30),
        clock: any Clock = SystemClock()
    ) async throws -> MailShop {
        let shop = MailShop(place.name, patience: patience, clock: clock, place: place)
        try await shop.store.open(place.site())
        return shop
    }

    func join(_ id: Int, _ mail: String) async throws {
        try await index.claim(mail, for: id, in: store) { transaction in
            try transaction.execute("INSERT INTO customers (id, mail) VALUES (\(id), \(mail))")
        }
    }

    func move(_ id: Int, from old: String, to new: String) async throws {
        try await index.replace(old, with: new, of: id, in: store) { transaction in
            try transaction.execute("UPDATE customers SET mail = \(new) WHERE id = \(id)")
        }
    }

    func leave(_ id: Int, _ mail: String) async throws {
        try await index.release(mail, by: id, in: store) { transaction in
            try transaction.execute("DELETE FROM customers WHERE id = \(id)")
        }
    }

    func owner(_ mail: String) async throws -> Int? { try await index.owner(of: mail, in: store) }

    private struct Customer: Row, Sendable {
        let id: Int
        let mail: String
        init(from row: inout RowReader) throws {
            id = try row.next()
            mail = try row.next()
        }
    }

    /// The customers' addresses, by customer.
    func customers() async throws -> [Int: String] {
        let all = try await store.everyShard.all("SELECT id, mail FROM customers", as: Customer.self).rows
        return Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.mail) })
    }

    /// Where the index and the customers differ.
    func differences() async throws -> [String] {
        let customers = try await customers()
        var wrong: [String] = []
        if Set(customers.values).count != customers.count { wrong.append("an address twice") }
        for (id, mail) in customers where try await owner(mail) != id { wrong.append("\(mail) does not lead to \(id)") }
        let entries = try await store.everyShard.all("SELECT entry FROM customers_by_mail", as: String.self).rows
        for entry in entries {
            let mail = try ClaimText.decode(entry, as: String.self)
            if let owner = try await owner(mail), customers[owner] != mail { wrong.append("\(mail) leads to \(owner)") }
        }
        return wrong
    }
}
