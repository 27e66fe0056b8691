public import ApusCore

/// A key that is unique over all shards and leads to what has it: an address of mail to its customer, a number to its order.
///
/// ```swift
/// let byMail = UniqueIndex<String, CustomerKey>("customers_by_mail")
/// let store = Store("shop", shards: 4, migrations: [customers, byMail.migration(2)], tables: tables + byMail.tables)
///
/// try await byMail.claim("ada@example.org", for: ada, in: store) { transaction in
///     try transaction.execute("INSERT INTO customers (id, mail) VALUES (\(ada.id), 'ada@example.org')")
/// }
/// let who = try await byMail.owner(of: "ada@example.org", in: store)
/// ```
/// An entry lies on a shard of its own, and a transaction reaches one shard: so an entry is reserved first, then claimed in the
/// owner's own transaction, then confirmed. What the owner's shard says is the truth. Whoever dies on the way leaves an entry
/// that the next one who wants it, or ``repair(in:)``, settles: it asks the owner's shard, and where nothing is known of the claim
/// there, writes down that it is void, so that it cannot be made any more.
///
/// Entries and owners are kept as JSON: what is the same to the program but other bytes, as capitals or a composed letter, is
/// another entry, and the form of the two types is part of the schema.
public struct UniqueIndex<Entry: ShardKey & Codable, Owner: ShardKey & Codable>: Sendable {
    /// Its table's name; the claims are in the table of that name with `_claims`.
    public let name: String
    let patience: Duration
    let clock: any Clock

    /// Declares an index: its migration and its tables are the store's.
    ///
    /// - Precondition: The name is one of a table, of up to 40 small letters, digits and `_`.
    /// - Parameters:
    ///   - name: Its table's name; it is part of the schema.
    ///   - patience: How long a claim may be under way before others take it for dead; longer than a transaction takes.
    ///   - clock: Says how long a claim has been under way.
    public init(_ name: String, patience: Duration = .seconds(30), clock: any Clock = SystemClock()) {
        precondition(
            Identifiers.isIdentifier(name) && name.utf8.count <= 40 && name == name.lowercased(),
            "\(name) is no name of an index: up to 40 small letters, digits and _"
        )
        self.name = name
        self.patience = patience
        self.clock = clock
    }

    /// The step that makes the index's two tables.
    public func migration(_ number: Int) -> Migration {
        let columns = """
            entry VARCHAR(\(ClaimText.entryMax)) NOT NULL, owner VARCHAR(\(ClaimText.ownerMax)) NOT NULL,
              token VARCHAR(32) NOT NULL, state INTEGER NOT NULL, since BIGINT NOT NULL
            """
        return Migration(
            number: number,
            name: "unique index \(name)",
            text: """
                CREATE TABLE \(name) (\(columns), PRIMARY KEY (entry));
                CREATE TABLE \(claims) (\(columns), PRIMARY KEY (token));
                CREATE INDEX \(name)_open ON \(name) (state, since);
                CREATE INDEX \(claims)_open ON \(claims) (state, since);
                """
        )
    }

    /// What the rows of its tables belong to.
    public var tables: [StoreTable] {
        [
            StoreTable(name, primaryKey: ["entry"], key: ["entry"]) { row in
                try ClaimText.decode(try row.text(), as: Entry.self)
            }.apart,
            // Every statement names a claim by its token.
            StoreTable(claims, primaryKey: ["token"], key: ["owner"], distributedBy: "token") { row in
                try ClaimText.decode(try row.text(), as: Owner.self)
            }.apart,
        ]
    }

    var claims: String { "\(name)_claims" }

    // MARK: Looking

    /// What has an entry; `nil` where nothing does.
    ///
    /// Whoever was told that a claim was made, or given back, sees it here.
    ///
    /// - Throws: ``StoreError``.
    public func owner(of entry: Entry, in store: Store) async throws -> Owner? {
        let text = try ClaimText.encode(entry, most: ClaimText.entryMax)
        guard let standing = try await standing(entry, text, store) else { return nil }
        let owner = try ClaimText.decode(standing.owner, as: Owner.self)
        if standing.state == .held { return owner }
        // On its way in or out: the owner's shard knows.
        return try await claim(standing.token, of: owner, store)?.state == .held ? owner : nil
    }

    // MARK: Changing

    /// Gives an entry to an owner, in one transaction with what `body` does on the owner's shard.
    ///
    /// - Parameters:
    ///   - entry: What is to be unique.
    ///   - owner: What gets it.
    ///   - store: A store with the index's migration.
    ///   - deadline: How long the owner's transaction may take; the configuration's `writeDeadline` unless said.
    ///   - body: The rest of the owner's transaction; see ``Transaction``.
    /// - Returns: What `body` returns.
    /// - Throws: ``StoreError``: `uniqueViolation` where something has the entry; `busy` where somebody claims it at this moment,
    ///   and where this claim took longer than the index's patience; `valueInvalid` for an entry that is too long; as
    ///   ``Shard/transaction(deadline:_:)``. Nothing was changed then, unless the code is `outcomeUnknown`.
    @discardableResult
    public func claim<Value: Sendable>(
        _ entry: Entry,
        for owner: Owner,
        in store: Store,
        deadline: Duration? = nil,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
    ) async throws -> Value {
        try await change(claiming: entry, releasing: nil, owner, store, deadline, body)
    }

    /// Takes an entry from its owner, in one transaction with what `body` does on the owner's shard.
    ///
    /// - Parameters:
    ///   - entry: What others may claim from then on.
    ///   - owner: What has it.
    ///   - store: A store with the index's migration.
    ///   - deadline: How long the owner's transaction may take; the configuration's `writeDeadline` unless said.
    ///   - body: The rest of the owner's transaction.
    /// - Returns: What `body` returns.
    /// - Throws: ``StoreError``: `rowMissing` where the owner has it not; as ``claim(_:for:in:deadline:_:)``.
    @discardableResult
    public func release<Value: Sendable>(
        _ entry: Entry,
        by owner: Owner,
        in store: Store,
        deadline: Duration? = nil,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
    ) async throws -> Value {
        try await change(claiming: nil, releasing: entry, owner, store, deadline, body)
    }

    /// Gives an owner another entry for one that it has, in one transaction with what `body` does on the owner's shard.
    ///
    /// - Parameters:
    ///   - old: What it has.
    ///   - new: What it gets.
    ///   - owner: Who it is.
    ///   - store: A store with the index's migration.
    ///   - deadline: How long the owner's transaction may take; the configuration's `writeDeadline` unless said.
    ///   - body: The rest of the owner's transaction.
    /// - Returns: What `body` returns.
    /// - Throws: As ``claim(_:for:in:deadline:_:)`` and ``release(_:by:in:deadline:_:)``.
    @discardableResult
    public func replace<Value: Sendable>(
        _ old: Entry,
        with new: Entry,
        of owner: Owner,
        in store: Store,
        deadline: Duration? = nil,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
    ) async throws -> Value {
        try await change(claiming: new, releasing: old, owner, store, deadline, body)
    }

    /// Settles what was left under way for longer than the index's patience; to be called now and then, by anyone.
    ///
    /// - Returns: How many entries it settled.
    /// - Throws: ``StoreError``; the next call goes on.
    @discardableResult
    public func repair(in store: Store) async throws -> Int {
        let before = now - patience.nanoseconds / 1_000_000
        var count = 0
        for shard in try store.everyShard.handles {
            let open: [Standing] = try await shard.scan(
                """
                SELECT entry, owner, token, state, since FROM \(identifier: name)
                WHERE state IN (\(Standing.State.claiming), \(Standing.State.leaving)) AND since <= \(before)
                ORDER BY since LIMIT \(Self.repairsMax)
                """
            )
            for standing in open { count += try await settle(standing, store) == .busy ? 0 : 1 }
            let gone: [Standing] = try await shard.scan(
                """
                SELECT entry, owner, token, state, since FROM \(identifier: claims)
                WHERE state = \(Standing.State.released) AND since <= \(before) ORDER BY since LIMIT \(Self.repairsMax)
                """
            )
            for standing in gone { try await finish(standing, store) }
            count += gone.count
            // Whoever was late for so long does not come any more.
            let old = now - Self.voidMilliseconds
            _ = try await shard.execute(
                "DELETE FROM \(identifier: claims) WHERE state = \(Standing.State.void) AND since < \(old)"
            )
        }
        return count
    }

    /// Entries that one call settles on each shard.
    private static var repairsMax: Int { 1000 }
    /// How long it is remembered that a claim is void.
    static var voidMilliseconds: Int64 { 86_400_000 }
}

extension Migration {
    /// A step whose text the library makes.
    init(number: Int, name: String, text: String) {
        self.number = number
        self.name = name
        self.text = text
    }
}
