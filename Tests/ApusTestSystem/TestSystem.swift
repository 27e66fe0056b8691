import Apus
import Glibc

/// What the tests of the supervisor start: a system with one of everything, and ways to break it.
@main
struct TestSystem: System {
    static let name = "testsystem"
    static let summary = "what the tests start"

    let notes = Store(
        "notes",
        shards: 2,
        migrations: [Migration(1, "notes", "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")]
    )
    let seen = Cache<String, String>("seen", Self.lasting)
    private static var lasting: CacheConfiguration {
        var configuration = CacheConfiguration(capacity: 100, lifetime: .seconds(3600))
        configuration.nearLifetime = .seconds(3600)
        return configuration
    }

    @Setting("test.greeting", "What greetings begin with.")
    var greeting: String = "Hello"
    @Setting("test.secret", "Something nobody should see.")
    var secret: Secret<String>? = nil
    @Setting("test.fails", "The part, or setup, that does not start.")
    var fails: String = ""

    var body: some SystemContent {
        Edge(to: "web")
        Web("web", replicas: 2) { host in
            if fails == "web" { throw Broken() }
            return try routes(try host.service(echo), host)
        }
        Service(echo, replicas: 2) { host in
            if fails == "echo" { throw Broken() }
            return EchoService(actors: host.actors, greeting: greeting)
        } jobs: {
            Every("tick", .milliseconds(100)) { host in host.log.debug("tick") }
        }
        Setup("first note") { site in
            if fails == "setup" { throw Broken() }
            site.progress(1, of: 1, "note")
            _ = try await notes.shard(for: 1).transaction { transaction in
                try transaction.execute("INSERT OR IGNORE INTO notes (id, text) VALUES (1, \("first"))")
            }
        }
    }

    private static let hello = Route(.get, "/hello/{name}", String.self)

    var loads: [Scenario] {
        [
            Scenario("greetings", "everybody is greeted", rate: 20, duration: .seconds(1)) { _ in
                Mix([Journey("greeting") { try await $0.ask(Self.hello, "Ada") }])
            },
            Scenario("notes", "the first note is read, and looked for", rate: 20, needsBlocks: true) { _ in
                Mix(
                    [Journey("note") { try await $0.send(ClientRequest(.get, "/notes/1")) }],
                    audit: { _ in
                        let text: String? = try await notes.shard(for: 1).first("SELECT text FROM notes WHERE id = 1")
                        return [Mix.Finding("the first note is there", holds: text == "first", text ?? "none")]
                    }
                )
            },
        ]
    }

    private func routes(_ echo: any Echo, _ host: Host) throws -> Router {
        var routes = RouterBuilder()
        routes.on(Self.hello) { exchange, name in
            exchange.answer(type: "text/plain", text: try await echo.greet(name))
        }
        routes.on(Route(.get, "/pids")) { exchange in
            exchange.answer(type: "text/plain", text: "\(getpid()) \(try await echo.pid())")
        }
        // A note with the wait's own number says that the request has arrived.
        routes.on(Route(.get, "/slow/{milliseconds}", Int.self)) { exchange, milliseconds in
            _ = try await notes.shard(for: milliseconds).transaction { transaction in
                try transaction.execute("INSERT OR REPLACE INTO notes (id, text) VALUES (\(milliseconds), 'waiting')")
            }
            try await echo.wait(milliseconds: milliseconds)
            exchange.answer(type: "text/plain", text: "done")
        }
        routes.on(Route(.get, "/notes/{id}", Int.self)) { exchange, id in
            let text: String? = try await notes.shard(for: id).first("SELECT text FROM notes WHERE id = \(id)")
            exchange.answer(type: "text/plain", text: text ?? "none")
        }
        routes.on(Route(.put, "/notes/{id}", Int.self)) { exchange, id in
            let text = String(decoding: try await exchange.body(), as: UTF8.self)
            _ = try await notes.shard(for: id).transaction { transaction in
                try transaction.execute("INSERT OR REPLACE INTO notes (id, text) VALUES (\(id), \(text))")
            }
            exchange.answer(.noContent)
        }
        // What this process's cache has; and what it is told to have.
        routes.on(Route(.get, "/seen/{key}", String.self)) { exchange, key in
            let text = try await seen.value(for: key) { "none" }
            exchange.answer(type: "text/plain", text: "\(getpid()) \(text)")
        }
        routes.on(Route(.get, "/seen/{key}/{text}", String.self, String.self)) { exchange, key, text in
            try await seen.set(text, for: key)
            exchange.answer(.noContent)
        }
        return try routes.build()
    }
}

/// Why something does not start, because a test wants it so.
struct Broken: Error, CustomStringConvertible {
    let description = "broken on purpose"
}

@Resolvable
protocol Echo: ServiceActor {
    distributed func greet(_ name: String) async throws -> String
    distributed func pid() async throws -> Int
    distributed func wait(milliseconds: Int) async throws
}

let echo = ServiceContract<any Echo>("echo", stub: $Echo.resolve(id:using:)) {
    Target("greet", .idempotent) { try await $0.greet($1) }
    Target("pid", .idempotent) { try await $0.pid() }
    Target("wait", .idempotent) { try await $0.wait(milliseconds: $1) }
}

distributed actor EchoService: Echo {
    let greeting: String

    init(actors: ApusActorSystem, greeting: String) {
        actorSystem = actors
        self.greeting = greeting
    }

    distributed func greet(_ name: String) -> String { "\(greeting), \(name)!" }
    distributed func pid() -> Int { Int(getpid()) }
    distributed func wait(milliseconds: Int) async throws {
        try await actorSystem.loop.sleep(for: .milliseconds(milliseconds))
    }
}
