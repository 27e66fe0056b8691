import Apus

/// What the greeter offers to other parts, whichever process they run in.
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

@main
struct Hello: System {
    let greetings = Cache<String, String>("greetings", capacity: 1000)

    var body: some SystemContent {
        Edge(to: "web")
        Web("web", replicas: 2) { host in
            let desk = try host.service(greeter)
            var routes = RouterBuilder()
            routes.on(Route(.get, "/hello/{name}", String.self), "Greets you.") { exchange, name in
                let text = try await greetings.value(for: name) { try await desk.greet(name) }
                exchange.answer(type: "text/plain; charset=utf-8", text: text)
            }
            return try routes.build()
        }
        Service(greeter, replicas: 2) { host in GreeterService(on: host.actors) }
    }
}
