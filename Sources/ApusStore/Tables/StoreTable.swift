import ApusCore

/// A table as resharding sees it: which rows belong to a key, and move with it.
///
/// ```swift
/// let tables = [
///     StoreTable("customers", primaryKey: ["number"], key: ["region", "number"]) { row in
///         CustomerKey(region: try row.next(), number: try row.next())
///     },
///     StoreTable("orders", primaryKey: ["id"], follows: "customers", by: ["customer"]),
///     StoreTable.reference("countries"),
/// ]
/// ```
/// A row's key never changes by UPDATE: a row that belongs to another key is deleted and inserted.
public struct StoreTable: Sendable {
    /// How a row comes to its key.
    enum Rule: Sendable {
        /// By columns of its own.
        case key(columns: [String], @Sendable (inout RowReader) throws -> KeyPlace.Source)
        /// As the row of another table that these columns name by its primary key.
        case follows(String, by: [String])
        /// It is on every shard and never moves.
        case reference
    }

    /// The table's name.
    public let name: String
    /// The columns that tell its rows apart, in order.
    public let primaryKey: [String]
    let rule: Rule
    /// The column by which a database that spreads rows itself is to spread them, where one is named.
    let distributedBy: String?
    /// The type of the key; `nil` for a table whose rows lie by themselves there.
    private(set) var keyType: ObjectIdentifier?

    private init(
        name: String,
        primaryKey: [String],
        rule: Rule,
        distributedBy: String? = nil,
        keyType: ObjectIdentifier? = nil
    ) {
        self.name = name
        self.primaryKey = primaryKey
        self.rule = rule
        self.distributedBy = distributedBy
        self.keyType = keyType
    }

    /// A table whose rows have their key in columns of their own.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - primaryKey: The columns of its primary key, in order.
    ///   - columns: The columns that make the key.
    ///   - distributedBy: The column of the primary key by which Citus spreads the rows (`?citus` in `STORE_URL`); the
    ///     key's own unless said, where it has one alone. Other engines do not look at it.
    ///   - key: Reads the key from these columns.
    public init<Key: ShardKey>(
        _ name: String,
        primaryKey: [String],
        key columns: [String],
        distributedBy: String? = nil,
        _ key: @escaping @Sendable (inout RowReader) throws -> Key
    ) {
        self.init(
            name: name,
            primaryKey: primaryKey,
            rule: .key(columns: columns) { row in
                let key = try key(&row)
                return KeyPlace.Source(value: key.shardValue, name: key.directoryName)
            },
            distributedBy: distributedBy,
            keyType: ObjectIdentifier(Key.self)
        )
    }

    /// The same table, with rows that never need to lie beside another table's where a database spreads them itself.
    var apart: StoreTable {
        var table = self
        table.keyType = nil
        return table
    }

    /// A table whose rows lie with a row of another one, such as an order's lines with the order.
    ///
    /// - Parameters:
    ///   - name: The table's name.
    ///   - primaryKey: The columns of its primary key, in order.
    ///   - table: The table that it follows, which has a key in columns of its own.
    ///   - columns: Its columns that name the other's primary key, in that one's order.
    public init(_ name: String, primaryKey: [String], follows table: String, by columns: [String]) {
        self.init(name: name, primaryKey: primaryKey, rule: .follows(table, by: columns))
    }

    /// A table that is the same on every shard.
    public static func reference(_ name: String) -> StoreTable {
        StoreTable(name: name, primaryKey: [], rule: .reference)
    }

    /// Checks the declaration as a whole.
    static func check(_ tables: [StoreTable]) throws(ConfigurationError) {
        func refuse(_ value: String, _ accepted: String) -> ConfigurationError {
            ConfigurationError(field: "tables", value: value, accepted: accepted)
        }
        var known: [String: StoreTable] = [:]
        for table in tables {
            guard known.updateValue(table, forKey: table.name) == nil else {
                throw refuse("\(table.name) twice", "each table once")
            }
            let names = [table.name] + table.primaryKey + table.columns + (table.distributedBy.map { [$0] } ?? [])
            guard names.allSatisfy(Identifiers.isIdentifier), !table.name.hasPrefix("apus_") else {
                throw refuse(table.name, "names of letters, digits and _, none of which begins with apus_")
            }
            if case .reference = table.rule { continue }
            guard (1...8).contains(table.primaryKey.count), (1...8).contains(table.columns.count) else {
                throw refuse(table.name, "1 to 8 columns of a primary key, and 1 to 8 that make its key")
            }
        }
        for table in tables {
            guard case .follows(let other, let columns) = table.rule else { continue }
            guard let parent = known[other], case .key = parent.rule, parent.primaryKey.count == columns.count else {
                throw refuse(
                    "\(table.name) follows \(other)",
                    "a declared table with a key in columns of its own, named by its whole primary key"
                )
            }
        }
    }

    /// The columns by which it comes to its key.
    var columns: [String] {
        switch rule {
        case .key(let columns, _), .follows(_, let columns): columns
        case .reference: []
        }
    }

    /// The table that it follows.
    var follows: String? { if case .follows(let other, _) = rule { other } else { nil } }

    var isReference: Bool { if case .reference = rule { true } else { false } }
}
