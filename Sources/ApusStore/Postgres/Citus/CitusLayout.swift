#if PostgreSQL
import ApusCore

/// How Citus is to spread the tables that a store declares.
///
/// Tables of one type of key lie together: a key's rows in all of them are on one node. A table that follows another one has
/// the other's column among those by which it follows.
struct CitusLayout: Sendable {
    /// What becomes of a table.
    enum Kind: Sendable, Equatable {
        /// It is the same on every node.
        case reference
        /// Its rows are spread by a column; tables with the same group lie together.
        case distributed(by: String, group: String)
    }

    struct Table: Sendable, Equatable {
        let name: String
        let kind: Kind

        /// The column by which it is spread, if it is.
        var column: String? { if case .distributed(let column, _) = kind { column } else { nil } }
        /// What it lies with; the name of the first table declared of these.
        var group: String? { if case .distributed(_, let group) = kind { group } else { nil } }
    }

    /// In an order in which they can be spread: what others refer to first.
    let tables: [Table]
    private let byName: [String: Table]

    /// - Throws: `ConfigurationError` for a declaration that Citus cannot follow.
    init(_ declared: [StoreTable]) throws(ConfigurationError) {
        var groups: [ObjectIdentifier: String] = [:]
        var byName: [String: Table] = [:]
        var tables: [Table] = []
        for table in TableStatements.ordered(declared).map(\.table) {
            let kind: Kind
            switch table.rule {
            case .reference: kind = .reference
            case .key(let columns, _):
                let column = try Self.column(of: table, among: columns)
                var group = table.name
                // By a column that is not the key's, rows lie where no other table's with that key do.
                if let type = table.keyType, columns.contains(column) {
                    group = groups[type] ?? table.name
                    groups[type] = group
                }
                kind = .distributed(by: column, group: group)
            case .follows(let other, let columns):
                kind = try Self.following(table, declared.first { $0.name == other }, byName[other], by: columns)
            }
            let made = Table(name: table.name, kind: kind)
            if let column = made.column, !table.primaryKey.contains(column) {
                throw Self.refused(
                    "\(table.name), spread by \(column)",
                    "a primary key with that column, such as (\(([column] + table.primaryKey).joined(separator: ", ")))"
                )
            }
            byName[table.name] = made
            tables.append(made)
        }
        self.tables = tables
        self.byName = byName
    }

    /// The declared table with this name.
    subscript(_ name: String) -> Table? { byName[name] }

    private static func column(of table: StoreTable, among columns: [String]) throws(ConfigurationError) -> String {
        if let column = table.distributedBy { return column }
        guard columns.count == 1 else {
            throw refused(
                "\(table.name), whose key is \(columns.joined(separator: ", "))",
                "the one column by which Citus spreads it: distributedBy:"
            )
        }
        return columns[0]
    }

    private static func following(
        _ table: StoreTable,
        _ declared: StoreTable?,
        _ parent: Table?,
        by columns: [String]
    ) throws(ConfigurationError) -> Kind {
        guard let declared, case .distributed(let column, let group)? = parent?.kind,
            let index = declared.primaryKey.firstIndex(of: column), index < columns.count
        else {
            throw refused(
                "\(table.name), which follows by \(columns.joined(separator: ", "))",
                "a table that follows by the other's whole primary key, which has the column that one is spread by"
            )
        }
        return .distributed(by: columns[index], group: group)
    }

    private static func refused(_ value: String, _ accepted: String) -> ConfigurationError {
        ConfigurationError(field: "tables", value: value, accepted: "under ?citus \(accepted)")
    }
}
#endif
