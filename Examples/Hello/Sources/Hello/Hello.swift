import Apus

@Resolvable
protocol Greeter: ServiceActor {
    distributed func greet(_ name: String) async throws -> String
}

let greeter = ServiceContract<any Greeter>("greeter", stub: $Greeter.resolve(id:using:)) {
    Target("greet", .idempotent) { try await $0.greet($1) }
}

distributed actor GreeterService: Greeter {
    let greetings: Cache<String, String>
    init(actors: ApusActorSystem, greetings: Cache<String, String>) {
        actorSystem = actors
        self.greetings = greetings
    }
    distributed func greet(_ name: String) async throws -> String {
        try await greetings.value(for: name) { "Hello, \(name)!\n" } ?? ""
    }
}

struct Page: RequestHandler {
    let greeter: any Greeter
    var routeNames: [String] { [] }
    nonisolated(nonsending) func handle(_ exchange: Exchange) async throws {
        exchange.answer(type: "text/plain", text: try await greeter.greet(String(decoding: exchange.path, as: UTF8.self)))
    }
}

@main
struct Hello: System {
    let greetings = Cache<String, String>("greetings", capacity: 1000)
    let store = Store("hello")

    var body: some SystemContent {
        Edge(to: "web")
        Web("web", replicas: 2) { host in Page(greeter: try host.service(greeter)) }
        Service(greeter, replicas: 2) { host in GreeterService(actors: host.actors, greetings: greetings) }
    }
}
