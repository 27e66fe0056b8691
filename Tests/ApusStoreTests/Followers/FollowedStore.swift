import ApusCore
import ApusRuntime
import Testing

@testable import ApusStore

/// A store on files whose shards have followers, with what its tables hold on either side.
struct FollowedStore: Sendable {
    static let migrations: [Migration] = [
        Migration(
            1,
            "create products",
            """
            CREATE TABLE products (
              id INTEGER PRIMARY KEY, name TEXT NOT NULL, stock INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0),
              price REAL, picture BLOB) STRICT;
            CREATE UNIQUE INDEX products_name ON products (name);
            CREATE TABLE parts (product INTEGER NOT NULL REFERENCES products ON DELETE CASCADE, place INTEGER NOT NULL,
              what TEXT, PRIMARY KEY (product, place)) WITHOUT ROWID;
            CREATE TABLE counts (what TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL);
            CREATE TRIGGER products_count AFTER INSERT ON products BEGIN
              INSERT INTO counts VALUES ('products', 1) ON CONFLICT (what) DO UPDATE SET count = count + 1;
            END;
            """
        )
    ]

    let store: Store
    let folder: String
    let follower: String
    let url: String

    /// Declares a store and its place: nothing is opened yet.
    init(_ folder: String, _ options: String = "follow=sync", migrations: [Migration] = Self.migrations) {
        self.folder = folder + "/data"
        follower = folder + "/follower"
        url = "sqlite:\(folder)/data?follower=\(folder)/follower" + (options.isEmpty ? "" : "&\(options)")
        store = Store("followed", sharding: .hash(slots: 64), migrations: migrations)
    }

    static func open(
        _ folder: String,
        _ options: String = "follow=sync",
        migrations: [Migration] = Self.migrations,
        clock: any Clock = SystemClock()
    ) async throws -> FollowedStore {
        let followed = FollowedStore(folder, options, migrations: migrations)
        try await followed.store.open(followed.site(clock))
        return followed
    }

    func site(_ clock: any Clock = SystemClock()) -> BlockSite {
        BlockSite(url: url, dataFolder: "/nowhere", clock: clock)
    }
    var shard: Shard<Int> { get throws { try store.shard(for: 1) } }
    var status: FollowerStatus { get throws { try #require(store.followers.first) } }

    /// The shard's file, and the follower's.
    var file: String { "\(folder)/shard-0000.sqlite" }
    var followerFile: String { "\(follower)/shard-0000.sqlite" }

    func insert(_ ids: Range<Int>) async throws {
        for id in ids {
            try await shard.transaction { transaction in
                try transaction.execute(
                    "INSERT INTO products (id, name, price, picture) VALUES (\(id), \("n\(id)"), \(Double(id) / 3), \([UInt8(id & 255)]))"
                )
                try transaction.execute("INSERT INTO parts VALUES (\(id), 1, 'wheel'), (\(id), 2, NULL)")
            }
        }
    }

    /// Which copy the follower is: another one where it was made anew.
    func copy() throws -> UInt64 {
        let lock = try LockFile(path: file + ".lock")
        return CommitCounter(lock)[.copy]
    }

    /// What a file's tables hold, table by table, with the position.
    static func contents(_ path: String) throws -> [String: RowSum] {
        let file = try SQLiteConnection(path: path, configuration: StoreConfiguration(), isReader: true)
        defer { file.close() }
        let transaction = Transaction(file)
        var sums: [String: RowSum] = [:]
        let names: [String] = try transaction.all(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('apus_follow', 'apus_changes') AND name NOT LIKE 'sqlite%'"
        )
        try file.beginRead()
        for name in names {
            var sum = RowSum()
            try file.query("SELECT * FROM \(identifier: name)") { row in
                sum.add(try row.values())
                return true
            }
            sums[name] = sum
        }
        var position = RowSum()
        position.add([.integer(try FollowerHand.position(file))])
        sums["position"] = position
        return sums
    }

    /// Whether the follower has what the shard has, all of it and nothing else, and is sound by SQLite's own checks.
    func isSame() throws -> Bool {
        let file = try SQLiteConnection(path: followerFile, configuration: StoreConfiguration(), isReader: true)
        defer { file.close() }
        return try Self.contents(self.file) == Self.contents(followerFile) && file.integrityProblems().isEmpty
    }
}
