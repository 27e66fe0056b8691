import ApusCore

/// One step of a store's schema.
///
/// Once applied it never changes; a later step changes what it made.
public struct Migration: Sendable, Hashable {
    /// Steps are applied in the order of their numbers; each number once.
    public let number: Int
    /// What the step does, such as `create products`.
    public let name: String
    let text: String

    /// A step of one or more statements, all in one transaction with the record that it was done.
    public init(_ number: Int, _ name: String, _ text: StaticString) {
        self.number = number
        self.name = name
        self.text = text.description
    }

    /// What tells an edited step from the applied one.
    var checksum: String { Hex.encode(withUnsafeBytes(of: XXHash64.hash(text).bigEndian) { Array($0) }) }

    static func check(_ migrations: [Migration]) throws(ConfigurationError) {
        for (earlier, later) in zip(migrations, migrations.dropFirst()) where earlier.number >= later.number {
            throw ConfigurationError(
                field: "migrations",
                value: "\(later.number) after \(earlier.number)",
                accepted: "ascending numbers"
            )
        }
    }
}

/// A connection on which a shard is made ready, by one thread.
protocol MigrationSession: SQLSession {
    /// Refuses a database in which texts would compare otherwise than by their UTF-8 bytes.
    func checkText(of place: String) throws
    /// Runs text of ours: any number of statements, no parameters.
    func run(_ text: String) throws
    /// Runs a migration's text: any number of statements, none of which ends the transaction.
    func runMigration(_ text: String) throws
    func begin() throws
    func commit() throws
    /// Undoes the open transaction, if there is one.
    func rollback()
}

/// Applies migrations to one shard, whoever else tries to.
///
/// The caller holds the shard's lock. Each step is one transaction with its record, so a crash leaves a whole number of
/// steps, and the next run goes on there.
struct MigrationRunner {
    let session: any MigrationSession
    /// The file or database, for errors.
    let file: String
    let clock: any Clock
    /// Whether a shard that a restore has marked is taken as it is.
    var isRestoring = false
    /// What belongs to each step behind its text, in the same transaction, and to what is there before them.
    var complete: (() throws -> Void)?

    // The mark of a restore stands among the migrations, before all of them: also a program that does not know it refuses it.
    private static let mark = Int(Int32.min)
    /// Finds the mark of a restore that has not come to its end.
    static let findMark: SQL = "SELECT 1 FROM apus_migrations WHERE number = \(mark)"
    /// Marks a shard.
    static let addMark: SQL =
        "INSERT INTO apus_migrations (number, name, checksum, applied_at) VALUES (\(mark), 'restore', '', 0)"
    /// Takes the mark away.
    static let removeMark: SQL = "DELETE FROM apus_migrations WHERE number = \(mark)"

    /// Makes the tables in which the library keeps its own records.
    ///
    /// - Throws: ``StoreError``; `wrongShard` for a database whose text is not in UTF-8 or not sorted by its bytes.
    func makeTables() throws {
        try session.checkText(of: file)
        try session.run(
            """
            CREATE TABLE IF NOT EXISTS apus_shard (identity TEXT NOT NULL, number INTEGER NOT NULL);
            CREATE TABLE IF NOT EXISTS apus_migrations (
              number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)
            """
        )
    }

    /// Ties a file to its place: a file of another store, or of another shard, is refused.
    func claim(identity: String, index: Int) throws {
        let transaction = Transaction(session)
        guard let found: String = try transaction.first("SELECT identity FROM apus_shard") else {
            _ = try session.execute("INSERT INTO apus_shard (identity, number) VALUES (\(identity), \(index))")
            return
        }
        let number: Int = try transaction.one("SELECT number FROM apus_shard")
        guard found == identity, number == index else {
            let owner = found == identity ? "shard \(number) of this store" : "another store"
            throw StoreError(.wrongShard, "\(file) belongs to \(owner), not in the place of shard \(index)")
        }
    }

    private struct Applied: Row {
        let number: Int
        let name: String
        let checksum: String
        init(from row: inout RowReader) throws {
            number = try row.next()
            name = try row.next()
            checksum = try row.next()
        }
    }

    func run(_ migrations: [Migration]) throws {
        var applied: [Applied] = try Transaction(session).all(
            "SELECT number, name, checksum FROM apus_migrations ORDER BY number"
        )
        if applied.first?.number == Self.mark {
            guard isRestoring else {
                throw StoreError(
                    .restoreUnfinished,
                    "\(file) is being restored from a backup, or that was cut off; wait, or restore again"
                )
            }
            applied.removeFirst()
        }
        for (index, step) in applied.enumerated() {
            guard index < migrations.count else {
                throw StoreError(
                    .newerSchema,
                    "\(file) has migration \(step.number), which this program does not know; start a newer program"
                )
            }
            let declared = migrations[index]
            guard declared.number == step.number, declared.checksum == step.checksum else {
                let what =
                    declared.number == step.number ? "was edited after it was applied" : "was taken away or added"
                throw StoreError(
                    .migrationEdited,
                    "migration \(min(declared.number, step.number)) \(what) (\(file)); put it back and add a new one"
                )
            }
        }
        try completeBefore()
        for migration in migrations.dropFirst(applied.count) { try apply(migration) }
    }

    private func completeBefore() throws {
        guard let complete else { return }
        try session.begin()
        do {
            try complete()
            try session.commit()
        } catch {
            session.rollback()
            throw error
        }
    }

    private func apply(_ migration: Migration) throws {
        try session.begin()
        do {
            try session.runMigration(migration.text)
            try complete?()
            _ = try session.execute(
                """
                INSERT INTO apus_migrations (number, name, checksum, applied_at)
                VALUES (\(migration.number), \(migration.name), \(migration.checksum), \(clock.wallNanoseconds() / 1_000_000))
                """
            )
            try session.commit()
        } catch {
            session.rollback()
            let cause = StoreError(wrapping: error, "migration")
            switch cause.code {
            case .diskFull, .readOnly, .corrupt, .inputOutput, .busy, .unreachable, .outcomeUnknown: throw cause
            default:
                throw StoreError(
                    .migrationFailed,
                    "migration \(migration.number) \"\(migration.name)\" on \(file): \(cause.detail)",
                    cause: cause
                )
            }
        }
    }
}
