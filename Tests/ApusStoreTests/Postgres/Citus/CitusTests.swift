#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusStore

/// A store that Citus spreads, against functions of Citus's names.
@Suite(.needs(.postgres), .timeLimit(.minutes(5)))
struct CitusTests {
    private let place: TestPlace
    private let url: String

    init() throws {
        place = try TestPlace(.citus)
        url = try #require(place.url)
    }

    /// The URL without `citus`.
    private var plain: String { url.replacing("?citus", with: "").replacing("&citus", with: "") }

    private func open(
        shards: Int = 4,
        _ migrations: [Migration] = [CitusShop.customers],
        _ tables: [StoreTable] = CitusShop.tables
    ) async throws -> Store {
        try await CitusShop.open(place.name, url, shards: shards, migrations: migrations, tables: tables)
    }

    private func asked() throws -> [String] { try FakeCitus.asked(place.schema(0), url) }
    private func run(_ texts: String...) throws {
        try TestDatabase(url).run(["SET search_path = \(place.schema(0))"] + texts)
    }

    // MARK: Tables

    @Test
    func `tables are spread once, in order, by their keys; what comes later lies beside what is there`() async throws {
        let first = try await open()
        #expect(try first.map.shards == 1)
        #expect(try asked() == CitusShop.asked)
        await first.close()
        await (try await open()).close()
        #expect(try asked() == CitusShop.asked)
        let later = try await open([CitusShop.customers, CitusShop.carts], CitusShop.tables + CitusShop.cartTables)
        #expect(try asked() == CitusShop.asked + CitusShop.askedForCarts)
        #expect(try await later.shard(for: 1).all("SELECT name FROM countries") == ["New Zealand"])
        await later.close()
    }

    @Test(arguments: ["countries", "orders", "lines"])
    func `a step whose tables cannot all be spread is undone, and done whole the next time`(broken: String) async throws
    {
        try run("INSERT INTO \(FakeCitus.records(place.schema(0))).down VALUES ('\(broken)')")
        #expect(await code { _ = try await open() } == .migrationFailed)
        #expect(try asked() == [])
        let session = try TestDatabase(url).session(schema: place.schema(0))
        defer { session.close() }
        let left: [String] = try Transaction(session).all(Dialect.postgres.tables)
        #expect(left.allSatisfy { $0.hasPrefix("apus_") })
        try run("DELETE FROM \(FakeCitus.records(place.schema(0))).down")
        await (try await open()).close()
        #expect(try asked() == CitusShop.asked)
    }

    @Test
    func `what a program without citus has made is spread when one with it opens the store`() async throws {
        let without = try await CitusShop.open(place.name, plain, shards: 1)
        try await without.shard(for: 1).execute("INSERT INTO customers (id, name) VALUES (1, 'Ada')")
        await without.close()
        #expect(try asked() == [])
        let store = try await open()
        #expect(try asked() == CitusShop.asked)
        #expect(try await store.shard(for: 1).one("SELECT name FROM customers WHERE id = 1") == "Ada")
        await store.close()
    }

    @Test
    func `a store of several shards does not become one by its URL`() async throws {
        await (try await CitusShop.open(place.name, plain, shards: 2)).close()
        let error = await failure { _ = try await open(shards: 2) }
        #expect(error?.code == .mapMismatch)
        #expect(error?.detail.contains("restore it into an empty database") == true, "\(error?.detail ?? "")")
    }

    @Test(
        arguments: [
            ("CREATE TABLE more (id INTEGER PRIMARY KEY)", "table more is not declared"),
            ("CREATE UNIQUE INDEX mail ON customers (name)", "mail of table customers is unique over (name)"),
            ("CREATE UNIQUE INDEX small ON customers (lower(name))", "small of table customers is unique over ()"),
            ("ALTER TABLE customers ADD CONSTRAINT pair UNIQUE (name, id), ADD UNIQUE (country)", "over (country)"),
            ("ALTER TABLE countries ADD buyer BIGINT REFERENCES customers (id)", "refers to reference tables alone"),
            (
                "ALTER TABLE orders ADD buyer BIGINT REFERENCES customers (id)",
                "it has to have customer for id among its columns"
            ),
            (
                """
                CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
                CREATE TRIGGER late AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION nothing()
                """,
                "DROP TRIGGER late ON orders"
            ),
            ("ALTER TABLE orders ALTER customer TYPE TEXT", "give the columns one type"),
            ("ALTER TABLE customers RENAME id TO number", "table customers has no column id"),
        ] as [(StaticString, String)]
    )
    func `what Citus would refuse is refused before it is asked, with the fix`(text: StaticString, words: String)
        async throws
    {
        // Without the keys between tables, which would be in the way of some of it.
        let error = await failure { _ = try await open([CitusShop.loose, Migration(2, "second", text)]) }
        #expect(error?.code == .migrationFailed)
        #expect(error?.detail.contains(words) == true, "\(error?.detail ?? "")")
        #expect(try asked().count == 4)
        await (try await open([CitusShop.loose])).close()
    }

    @Test
    func `what is spread otherwise than declared is refused with the command that mends it`() async throws {
        await (try await open()).close()
        let records = FakeCitus.records(place.schema(0))
        for (change, words) in [
            ("partkey = 'number' WHERE logicalrelid = 'orders'::regclass", "alter_distributed_table('orders'"),
            ("colocationid = 9 WHERE logicalrelid = 'lines'::regclass", "update_distributed_table_colocation("),
            ("repmodel = 't', partkey = NULL WHERE logicalrelid = 'lines'::regclass", "undistribute_table('lines')"),
            ("repmodel = 's', partkey = 'code' WHERE logicalrelid = 'countries'::regclass", "declared as reference"),
        ] {
            try run(
                "CREATE TABLE \(records).before AS TABLE \(records).partition",
                "UPDATE \(records).partition SET \(change)"
            )
            let error = await failure { _ = try await open() }
            #expect(error?.code == .statementInvalid)
            #expect(error?.detail.contains(words) == true, "\(error?.detail ?? "")")
            try run(
                "UPDATE \(records).partition p SET partkey = b.partkey, colocationid = b.colocationid, repmodel = b.repmodel "
                    + "FROM \(records).before b WHERE b.logicalrelid = p.logicalrelid",
                "DROP TABLE \(records).before"
            )
        }
        await (try await open()).close()
    }

    @Test(arguments: [
        ("11.1.0", true, "Citus 11.2 or newer is needed"), ("9.5.12", true, "11.2 or newer"),
        ("13.0.1", false, "is not the coordinator"), ("", true, "CREATE EXTENSION citus"),
    ])
    func `a server that will not do is refused before anything is made on it`(
        version: String,
        isCoordinator: Bool,
        words: String
    ) async throws {
        let schema = place.schema(0)
        try run("DROP SCHEMA \(schema) CASCADE", "DROP SCHEMA \(FakeCitus.records(schema)) CASCADE")
        if version.isEmpty {
            try run("CREATE SCHEMA \(schema)")
        } else {
            let fake = FakeCitus(schema)
            try TestDatabase(url).run(fake.installation(version: version, isCoordinator: isCoordinator))
        }
        let error = await failure { _ = try await open() }
        #expect(error?.code == .accessRefused)
        #expect(error?.detail.contains(words) == true, "\(error?.detail ?? "")")
        let session = try TestDatabase(url).session(schema: schema)
        defer { session.close() }
        #expect(try Transaction(session).all(Dialect.postgres.tables, as: String.self) == [])
    }

    // MARK: Statements

    @Test
    func `a statement of one key that does not name it is refused, however it is sent; to all it is asked`()
        async throws
    {
        let store = try await open()
        try await store.shard(for: 7).transaction { transaction in
            try transaction.execute("INSERT INTO customers (id, name) VALUES (7, 'Ada')")
            try transaction.insert([1, 2, 3], into: "orders", ["customer", "number"]) { [7, $0] }
        }
        let shard = try store.shard(for: 7)
        let wrong: SQL = "SELECT number FROM orders WHERE number = \(2)"
        let right: SQL = "SELECT number FROM orders WHERE number = \(2) AND customer = \(7)"
        for _ in 0..<2 {
            #expect(await code { _ = try await shard.first(wrong, as: Int.self) } == .statementInvalid)
            #expect(await code { _ = try await shard.all(wrong, as: Int.self) } == .statementInvalid)
            #expect(await code { _ = try await shard.scan(wrong, as: Int.self) } == .statementInvalid)
            #expect(await code { _ = try await shard.execute("DELETE FROM orders") } == .statementInvalid)
            #expect(
                await code { try await shard.transaction { _ = try $0.execute("DELETE FROM orders") } }
                    == .statementInvalid
            )
            #expect(try await shard.first(right, as: Int.self) == 2)
            #expect(try await shard.scan(right, as: Int.self) == [2])
            #expect(try await shard.transaction { try $0.all(right, as: Int.self) } == [2])
        }
        #expect(try await store.everyShard.all(wrong, as: Int.self).rows == [2])
        for every in try store.everyShard.handles {
            #expect(try await every.execute("UPDATE orders SET total = 0") == 3)
            #expect(try await every.transaction { try $0.execute("DELETE FROM orders") } == 3)
        }
        await store.close()
    }

    @Test
    func `writes that may share a commit have one each, as nodes commit what comes without BEGIN`() async throws {
        let store = try await open()
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        try await onLoop(group.loops[0]) {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for id in 0..<40 {
                    tasks.addTask(executorPreference: group.loops[0]) {
                        try await store.shard(for: id).execute(
                            "INSERT INTO customers (id, name) VALUES (\(id), 'x')",
                            mayShare: true
                        )
                    }
                }
                try await tasks.waitForAll()
            }
        }
        let commits = try await store.everyShard.all("SELECT count(DISTINCT xmin::text) FROM customers", as: Int.self)
        #expect(commits.rows == [40])
        await store.close()
    }

    // MARK: Commits that a node refuses

    /// Has the n-th row's commit fail as Citus fails where a node does not commit.
    private func failCommit(warning: String?) throws {
        let raise = warning.map { "RAISE WARNING 'of a node' USING ERRCODE = '\($0)';" } ?? ""
        try run(
            "CREATE SEQUENCE commits",
            """
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF nextval('commits') = 1 THEN
                \(raise)
                RAISE EXCEPTION 'could not commit transaction for shard 102008 on at least one active node'
                  USING ERRCODE = 'XX000';
              END IF;
              RETURN NULL;
            END $$
            """,
            """
            CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON customers DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION fail()
            """
        )
    }

    @Test
    func `a transaction that a node refuses at the commit, because it lost against others, runs again`() async throws {
        let store = try await open()
        try failCommit(warning: "40001")
        let runs = Lock(0)
        try await store.shard(for: 1).transaction { transaction in
            runs.withLock { $0 += 1 }
            try transaction.execute("INSERT INTO customers (id, name) VALUES (1, 'Ada')")
        }
        #expect(runs.withLock { $0 } == 2)
        #expect(try await store.shard(for: 1).one("SELECT count(*) FROM customers WHERE id = 1") == 1)
        await store.close()
    }

    @Test(arguments: [nil, "57P01"] as [String?])
    func `one of which a node does not say what became is of unknown outcome`(warning: String?) async throws {
        let store = try await open()
        try failCommit(warning: warning)
        let error = await code {
            try await store.shard(for: 1).transaction { transaction in
                _ = try transaction.execute("INSERT INTO customers (id, name) VALUES (1, 'Ada')")
            }
        }
        #expect(error == .outcomeUnknown)
        try run("ALTER SEQUENCE commits RESTART")
        let alone = await code {
            try await store.shard(for: 2).execute("INSERT INTO customers (id, name) VALUES (2, 'Bo')")
        }
        #expect(alone == .outcomeUnknown)
        await store.close()
    }

    // MARK: What Citus does itself

    @Test
    func `resharding and backup are left to Citus, by name`() async throws {
        let store = try await open()
        for found in [
            await failure { _ = try store.reshardPlan(shards: 2) },
            await failure { _ = try store.reshardPlan(slots: 0..<1, to: 1) },
            await failure { _ = try await store.reshard(nil) },
            await failure { _ = try await store.reshardBack() }, await failure { try await store.finishResharding() },
        ] {
            #expect(found?.code == .statementInvalid)
            #expect(found?.detail.contains("citus_rebalance_start()") == true)
            #expect(found?.detail.contains("citus_move_shard_placement") == true)
        }
        #expect(try await store.resharding() == nil)
        let backup = await failure { try await store.backup(into: "\(place.folder.path)/backup") }
        #expect(backup?.code == .statementInvalid)
        #expect(backup?.detail.contains("citus_create_restore_point") == true)
        await store.close()
    }

    @Test
    func `a backup of another engine comes back spread`() async throws {
        let folder = try TestFolder()
        let first = CitusShop.store(place.name, migrations: [CitusShop.loose])
        try await first.open(BlockSite(dataFolder: folder.path))
        for every in try first.everyShard.handles {
            try await every.execute("INSERT INTO countries VALUES ('nz', 'Aotearoa')")
        }
        for id in 1...60 {
            try await first.shard(for: id).transaction { transaction in
                try transaction.execute("INSERT INTO customers (id, name, country) VALUES (\(id), \("c\(id)"), 'nz')")
                try transaction.execute("INSERT INTO orders (customer, number) VALUES (\(id), 1)")
                try transaction.execute("INSERT INTO lines VALUES (\(id), 1, 1)")
            }
        }
        try await first.backup(into: "\(folder.path)/backup")
        await first.close()
        let second = CitusShop.store(place.name, migrations: [CitusShop.loose])
        try await second.restore(from: "\(folder.path)/backup", at: place.site())
        try await second.open(place.site())
        #expect(try asked() == CitusShop.asked)
        #expect(try await second.shard(for: 33).one("SELECT name FROM customers WHERE id = 33") == "c33")
        #expect(try await second.everyShard.all("SELECT name FROM countries", as: String.self).rows == ["Aotearoa"])
        #expect(try await second.everyShard.all("SELECT count(*) FROM lines", as: Int.self).rows == [60])
        await second.close()
    }
}
#endif
