import Apus

/// What the greeter offers to the web part, over processes.
@Resolvable
protocol Greeter: ServiceActor {
    distributed func greet(_ name: String) async throws -> String
}

let greeter = ServiceContract<any Greeter>("greeter", stub: $Greeter.resolve(id:using:)) {
    Target("greet", .idempotent) { try await $0.greet($1) }
}

distributed actor GreeterService: Greeter {
    init(on actors: ApusActorSystem) { actorSystem = actors }
    distributed func greet(_ name: String) -> String { "Hello, \(name)!\n" }
}

/// What is observed: an edge, two web replicas, and two of a service that every request calls.
struct ObservedSystem: System {
    static let name = "observed"

    var body: some SystemContent {
        Edge(to: "web")
        Web("web", replicas: 2) { host in
            let desk = try host.service(greeter)
            var routes = RouterBuilder()
            routes.on(Route(.get, "/hello/{name}", String.self)) { exchange, name in
                exchange.answer(type: "text/plain; charset=utf-8", text: try await desk.greet(name))
            }
            return try routes.build()
        }
        Service(greeter, replicas: 2) { host in GreeterService(on: host.actors) }
    }
}
