#if MySQL
import ApusCore
import Testing

@testable import ApusStore

/// URLs, schemas and errors, without a server.
@Suite struct MySQLTextTests {
    @Test(
        arguments: [
            (
                "CREATE TABLE a (id INTEGER PRIMARY KEY, n INT NOT NULL, r REAL, t TEXT, b BLOB) STRICT",
                "CREATE TABLE a (id BIGINT AUTO_INCREMENT PRIMARY KEY, n BIGINT NOT NULL, r DOUBLE, t LONGTEXT, b LONGBLOB) "
            ),
            ("CREATE TABLE a (t TEXT PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE a (t VARCHAR(760) PRIMARY KEY) "),
            (
                "CREATE TABLE a (t TEXT, u TEXT, v BLOB, PRIMARY KEY (t, v))",
                "CREATE TABLE a (t VARCHAR(380), u LONGTEXT, v VARBINARY(1520), PRIMARY KEY (t, v))"
            ),
            (
                "CREATE TABLE a (t TEXT REFERENCES b (x) DEFERRABLE INITIALLY DEFERRED)",
                "CREATE TABLE a (t VARCHAR(760) REFERENCES b (x)   )"
            ),
            (
                "CREATE TABLE a (\"text\" TEXT DEFAULT 'INTEGER' CHECK (text > 'TEXT'))",
                "CREATE TABLE a (\"text\" LONGTEXT DEFAULT 'INTEGER' CHECK (text > 'TEXT'))"
            ),
            ("INSERT INTO a VALUES ('TEXT; INTEGER')", "INSERT INTO a VALUES ('TEXT; INTEGER')"),
        ] as [(String, String)]
    )
    func `a schema gets MySQL's types`(text: String, expected: String) {
        #expect(MySQLSchema.statements(text) == [expected])
    }

    @Test
    func `a key of a later statement bounds its columns too`() {
        let text = "CREATE TABLE a (t TEXT, u TEXT); CREATE UNIQUE INDEX a_t ON a (t); -- the end"
        #expect(
            MySQLSchema.statements(text) == [
                "CREATE TABLE a (t VARCHAR(760), u LONGTEXT)", " CREATE UNIQUE INDEX a_t ON a (t)",
            ]
        )
    }

    @Test
    func `databases are named after the store, the URL, or one by one`() throws {
        let store = Store("my-shop", shards: 2)
        func names(_ url: String) throws -> [String] {
            let location = try MySQLLocation(url: url)
            return try (0..<2).map { try location.place(ofShard: $0, of: store).name }
        }
        #expect(try names("mysql://u:p@h") == ["h:3306/my_shop_0", "h:3306/my_shop_1"])
        #expect(try names("mysql://u:p@h:1/x") == ["h:1/x_0", "h:1/x_1"])
        #expect(try names("mysql://u:p@h?shards=a,k:2/b") == ["h:3306/a", "k:2/b"])
        // More of them are for shards that are yet to come.
        #expect(try names("mysql://u:p@h?shards=a,b,c") == ["h:3306/a", "h:3306/b"])
        #expect(throws: ConfigurationError.self) { try names("mysql://u:p@h?shards=a") }
        #expect(try MySQLLocation(url: "mysqls://u@127.0.0.1").server.mode == .verifyFull)
        #expect(try MySQLLocation(url: "mysql://u@127.0.0.1").server.mode == .disable)
        #expect(try MySQLLocation(url: "mysql://u@db.example").server.mode == .verifyFull)
        #expect(try MySQLLocation(url: "mysql://u@db.example?sslmode=disable").server.mode == .disable)
    }

    @Test(arguments: [
        "mysql:u:secret@h", "mysql://:secret@h", "mysql://u:secret@h:0", "mysql://u:secret@h?password=secret",
        "mysql://u:secret@h#x", "mysql://u:secret@", "mysql://u:secret@h/%zz", "mysql://u:secret@h/a-b",
        "mysql://u:secret@h?shards=a,,b", "mysql://u:secret@h?sslmode=maybe", "mysql://u:secret@h?shards=a;b",
    ])
    func `what cannot be used is refused without telling the password`(url: String) {
        do {
            _ = try MySQLLocation(url: url)
            Issue.record("accepted")
        } catch {
            #expect(error.field == "STORE_URL")
            #expect(!error.description.contains("secret"))
        }
    }

    @Test(
        arguments: [
            (1062, "23000", "Duplicate entry 'for key 'x' for key 'a_n'", .uniqueViolation, "key a_n"),
            (1452, "23000", "… CONSTRAINT `e_1` FOREIGN KEY (`product`) …", .foreignKeyViolation, "constraint e_1"),
            (4025, "23000", "CONSTRAINT `products.stock` failed for `t`.`products`", .checkViolation, "products.stock"),
            (1213, "40001", "Deadlock found", .busy, ""), (1205, "HY000", "Lock wait timeout exceeded", .busy, ""),
            (1290, "HY000", "The server is running with the --read-only option", .readOnly, ""),
            (1114, "HY000", "The table 'a' is full", .diskFull, ""),
            (1030, "HY000", "Got error 28 \"No space left on device\" from storage engine", .diskFull, ""),
            (1030, "HY000", "Got error 5 from storage engine", .inputOutput, ""),
            (1040, "08004", "Too many connections", .overloaded, ""), (2013, "HY000", "Lost", .unreachable, ""),
            (1045, "28000", "Access denied for user 'x'", .accessRefused, ""),
            (1366, "22007", "Incorrect integer value: 'secret' for column `t`", .valueInvalid, ""),
            (1064, "42000", "You have an error near 'secret'", .statementInvalid, ""),
        ] as [(UInt32, String, String, StoreError.Code, String)]
    )
    func `errors have codes and names, and never values`(
        number: UInt32,
        state: String,
        message: String,
        code: StoreError.Code,
        names: String
    ) {
        let error = MySQLError(number, state: state, message: message).storeError("h:1/d", isReader: false)
        #expect(error.code == code)
        #expect(error.detail.contains(names))
        #expect(!error.detail.contains("secret"))
    }
}
#endif
