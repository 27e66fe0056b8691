import ApusCore

@testable import ApusStore

#if PostgreSQL
/// Functions with the names, arguments and refusals of Citus's, in a store's own schema: they note what was asked, and spread
/// nothing.
///
/// - SeeAlso: github.com/citusdata/citus, src/backend/distributed/sql/udfs and commands/create_distributed_table.c.
struct FakeCitus {
    private let schema: String
    private var kept: String { Self.records(schema) }

    init(_ schema: String) { self.schema = schema }

    /// The schema with what was noted.
    static func records(_ schema: String) -> String { "\(schema)_citus" }

    /// Statements that make the store's schema with all of it.
    func installation(version: String = "11.3.0", isCoordinator: Bool = true) -> [String] {
        [
            "CREATE SCHEMA \(schema)", "CREATE SCHEMA \(kept)",
            "CREATE TYPE \(kept).distribution_type AS ENUM ('hash', 'range', 'append')",
            """
            CREATE TABLE \(kept).partition (place BIGINT GENERATED ALWAYS AS IDENTITY, logicalrelid regclass PRIMARY KEY,
              partmethod "char" NOT NULL, partkey TEXT, colocationid INT NOT NULL, repmodel "char" NOT NULL,
              autoconverted BOOLEAN NOT NULL DEFAULT false, type oid, asked TEXT NOT NULL)
            """,
            "CREATE TABLE \(kept).down (name TEXT)",
            """
            CREATE VIEW \(schema).pg_dist_partition AS
            SELECT logicalrelid, partmethod, partkey, colocationid, repmodel, autoconverted FROM \(kept).partition
            """,
            function(
                "citus_version()",
                "text",
                "RETURN 'Citus \(version) on x86_64-pc-linux-gnu, compiled by gcc, 64-bit';"
            ),
            function("citus_is_coordinator()", "bool", "RETURN \(isCoordinator);"),
            function(
                "column_to_column_name(table_name regclass, column_var_text text)",
                "text",
                "RETURN column_var_text;"
            ),
            function("create_reference_table(table_name regclass)", "void", referenceTable),
            function(
                """
                create_distributed_table(table_name regclass, distribution_column text,
                  distribution_type \(kept).distribution_type DEFAULT 'hash', colocate_with text DEFAULT 'default',
                  shard_count int DEFAULT NULL)
                """,
                "void",
                distributedTable
            ),
        ]
    }

    /// What was asked for, in order.
    static func asked(_ schema: String, _ url: String) throws -> [String] {
        let session = try TestDatabase(url).session(schema: records(schema))
        defer { session.close() }
        return try Transaction(session).all("SELECT asked FROM partition ORDER BY place")
    }

    private func function(_ head: String, _ result: String, _ body: String) -> String {
        let rest = body.hasPrefix("DECLARE") ? body : "BEGIN \(body) END"
        return "CREATE FUNCTION \(schema).\(head) RETURNS \(result) LANGUAGE plpgsql AS $fake$ \(rest) $fake$"
    }

    private var refusals: String {
        """
        IF EXISTS (SELECT 1 FROM \(kept).down WHERE name = table_name::text) THEN
          RAISE EXCEPTION 'no worker nodes are available' USING ERRCODE = '55000';
        END IF;
        IF EXISTS (SELECT 1 FROM \(kept).partition WHERE logicalrelid = table_name) THEN
          RAISE EXCEPTION 'table is already distributed' USING ERRCODE = '42P16';
        END IF;
        IF EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = table_name AND NOT tgisinternal) THEN
          RAISE EXCEPTION 'cannot distribute relation because it has triggers';
        END IF;
        """
    }

    private var referenceTable: String {
        """
        \(refusals)
        IF EXISTS (SELECT 1 FROM pg_constraint k LEFT JOIN \(kept).partition p ON p.logicalrelid = k.confrelid
          WHERE k.conrelid = table_name AND k.contype = 'f' AND k.confrelid <> k.conrelid
          AND p.repmodel IS DISTINCT FROM 't') THEN
          RAISE EXCEPTION 'cannot create foreign key constraint' USING ERRCODE = '0A000';
        END IF;
        INSERT INTO \(kept).partition (logicalrelid, partmethod, colocationid, repmodel, asked)
        VALUES (table_name, 'n', 1, 't', format('reference %s', table_name));
        """
    }

    private var distributedTable: String {
        """
        DECLARE
          attribute pg_attribute%ROWTYPE;
          other \(kept).partition%ROWTYPE;
          colocation INT;
        BEGIN
          \(refusals)
          IF distribution_type <> 'hash' OR shard_count IS NOT NULL OR colocate_with = 'default' THEN
            RAISE EXCEPTION 'not asked of Citus by the store';
          END IF;
          SELECT * INTO attribute FROM pg_attribute WHERE attrelid = table_name AND attname = distribution_column;
          IF NOT FOUND THEN RAISE EXCEPTION 'column does not exist' USING ERRCODE = '42703'; END IF;
          IF EXISTS (SELECT 1 FROM pg_index WHERE indrelid = table_name AND indisunique
            AND NOT attribute.attnum = ANY (indkey::int2[])) THEN
            RAISE EXCEPTION 'cannot create constraint' USING ERRCODE = '0A000';
          END IF;
          SELECT coalesce(max(colocationid), 1) + 1 INTO colocation FROM \(kept).partition;
          IF colocate_with <> 'none' THEN
            SELECT * INTO STRICT other FROM \(kept).partition WHERE logicalrelid = colocate_with::regclass;
            IF other.type IS DISTINCT FROM attribute.atttypid THEN
              RAISE EXCEPTION 'cannot colocate tables' USING DETAIL = 'Distribution column types don''t match';
            END IF;
            colocation := other.colocationid;
          END IF;
          IF EXISTS (SELECT 1 FROM pg_constraint k LEFT JOIN \(kept).partition p ON p.logicalrelid = k.confrelid
            WHERE k.conrelid = table_name AND k.contype = 'f' AND k.confrelid <> k.conrelid
            AND p.repmodel IS DISTINCT FROM 't' AND p.colocationid IS DISTINCT FROM colocation) THEN
            RAISE EXCEPTION 'relations are not colocated' USING ERRCODE = '0A000';
          END IF;
          INSERT INTO \(kept).partition (logicalrelid, partmethod, partkey, colocationid, repmodel, type, asked)
          VALUES (table_name, 'h', distribution_column, colocation, 's', attribute.atttypid,
            format('%s by %s with %s', table_name, distribution_column, colocate_with));
        END
        """
    }
}
#endif

extension TestPlace {
    /// What the migrations make, declared where the engine has to be told: each table is the same everywhere.
    func tables(_ migrations: [Migration]) -> [StoreTable] {
        guard engine == .citus else { return [] }
        let made = migrations.flatMap { $0.text.matches(of: #/CREATE TABLE (\w+)/#).map { String($0.1) } }
        return Set(made).sorted().map { .reference($0) }
    }
}
