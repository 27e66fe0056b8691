#if PostgreSQL
import ApusCore
import Testing

@testable import ApusStore

@Suite struct PostgresLocationTests {
    @Test
    func `a URL names the database of all shards, with every part decoded`() throws {
        let location = try PostgresLocation(
            url: "postgres://sh%40p:p%3Ass%2Fword@db.example:6432/shop%20db?sslmode=require"
        )
        let place = try location.place(ofShard: 3, of: 4)
        #expect(place.user == "sh@p")
        #expect(place.password?.reveal() == "p:ss/word")
        #expect(place.host == "db.example")
        #expect(place.port == 6432)
        #expect(place.database == "shop db")
        #expect(place.parameters == ["sslmode": "require"])
    }

    @Test
    func `replicas follow the URL's server, each with the database of every shard`() throws {
        let location = try PostgresLocation(
            url: "postgres://u:p@a:6000/x?shards=x_0,x_1&replica=b:7000,c&sslmode=require"
        )
        let places = try (0..<2).map { try location.place(ofShard: $0, of: 2) }
        #expect(places[0].replicas.map(\.name) == ["b:7000/x_0", "c:5432/x_0"])
        #expect(places[1].replicas.map(\.name) == ["b:7000/x_1", "c:5432/x_1"])
        #expect(places[1].replicas.map(\.user) == ["u", "u"])
        #expect(places[1].replicas[0].parameters == ["sslmode": "require"])
        for wrong in ["shards=x,b:1/y&replica=c", "replica=", "replica=b,", "replica=b/x", "replica=b:0"] {
            #expect(throws: ConfigurationError.self) { try PostgresLocation(url: "postgres://u:p@a/x?\(wrong)") }
        }
    }

    @Test
    func `a list names a database a shard, each on its own server if it says so`() throws {
        let location = try PostgresLocation(
            url: "postgresql://u:p@a/x?shards=x_0,b:6000/y,v:q@[::1]:7000/z,/w&host=c"
        )
        let places = try (0..<4).map { try location.place(ofShard: $0, of: 4) }
        #expect(places.map(\.name) == ["c:5432/x_0", "b:6000/y", "::1:7000/z", "c:5432/w"])
        #expect(places.map(\.user) == ["u", "u", "v", "u"])
        #expect(places.map { $0.password?.reveal() } == ["p", "p", "q", "p"])
    }

    @Test
    func `citus stands alone`() throws {
        #expect(try PostgresLocation(url: "postgres://u@h/d?citus&sslmode=require").isCitus)
        #expect(try !PostgresLocation(url: "postgres://u@h/d").isCitus)
        for wrong in ["citus=", "citus=1", "citus&shards=a,b", "replica=b&citus"] {
            #expect(throws: ConfigurationError.self) { try PostgresLocation(url: "postgres://u:p@h/d?\(wrong)") }
        }
    }

    @Test
    func `a list must be as long as there are shards`() throws {
        let location = try PostgresLocation(url: "postgres://u@h/d?shards=a,b")
        #expect(throws: ConfigurationError.self) { try location.place(ofShard: 0, of: 3) }
        #expect(try location.place(ofShard: 1, of: 2).database == "b")
    }

    @Test(arguments: [
        "postgres:u:secret@h/d", "postgres://u:secret@h", "postgres://:secret@h/d", "postgres://u:secret@h:0/d",
        "postgres://u:secret@h:port/d", "postgres://u:secret@h/d?password=secret", "postgres://u:secret@h/d#x",
        "postgres://u:secret@/d", "postgres://u:secret@h/%zz", "postgres://u:secret@h/%00", "postgres://u:secret@h/%ff",
        "postgres://u:secret@h/d?shards=a,,b", "postgres://u:secret@h/d?options=-cfsync%3Doff",
    ])
    func `what cannot be used is refused without telling the password`(url: String) {
        do {
            _ = try PostgresLocation(url: url)
            Issue.record("accepted")
        } catch {
            #expect(error.field == "STORE_URL")
            #expect(!error.description.contains("secret"))
        }
    }

    @Test(
        arguments: [
            ("127.0.0.1", nil, "prefer"), ("localhost", nil, "prefer"), ("/run/postgresql", nil, "prefer"),
            ("db.example", nil, "verify-full"), ("10.0.0.7", nil, "verify-full"), ("db.example", "disable", "disable"),
            ("127.0.0.1", "verify-ca", "verify-ca"),
        ] as [(String, String?, String)]
    )
    func `who is not on this machine must prove who it is, unless the URL says otherwise`(
        host: String,
        mode: String?,
        expected: String
    ) {
        var place = PostgresPlace()
        place.host = host
        place.parameters["sslmode"] = mode
        let words = Dictionary(uniqueKeysWithValues: place.keywords)
        #expect(words["sslmode"] == expected)
        #expect(words["client_encoding"] == "UTF8")
    }
}
#endif
