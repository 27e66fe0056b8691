#if PostgreSQL
/// Making a shard ready.
extension PostgresSession: MigrationSession {
    /// Orders in which texts are sorted by their bytes, which in UTF-8 is the order of their characters' numbers.
    private static let orders: Set<String> = ["C", "POSIX", "C.UTF-8", "C.utf8", "ucs_basic"]

    func checkText(of place: String) throws {
        struct Database: Row {
            let encoding: String
            let order: String
            init(from row: inout RowReader) throws {
                encoding = try row.next()
                order = try row.next()
            }
        }
        let database: Database = try Transaction(self).one(
            "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
        )
        guard database.encoding == "UTF8", Self.orders.contains(database.order) else {
            throw StoreError(
                .wrongShard,
                "\(place) keeps text in \(database.encoding) and sorts it by \(database.order); make the database with "
                    + "ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0, so that every engine sorts alike"
            )
        }
    }

    func run(_ text: String) throws { try runScript(PostgresSchema.translated(text)) }
    func runMigration(_ text: String) throws { try runScript(PostgresSchema.translated(text)) }
    func begin() throws { begin(.schema) }

    /// Runs any number of statements by one that executes them.
    ///
    /// The server itself refuses those among them that would end the transaction.
    private func runScript(_ text: String) throws {
        var tag = "$apus$"
        while text.contains(tag) { tag = "$a" + tag.dropFirst() }
        let outer = "$outer" + tag.dropFirst()
        try control("DO \(outer) BEGIN EXECUTE \(tag)\(text)\(tag); END \(outer)")
    }
}
#endif
