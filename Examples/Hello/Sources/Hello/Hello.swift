import Apus

@Resolvable
protocol Greeter: ServiceActor {
    distributed func greet(_ name: String) async throws -> String
}

let greeter = ServiceContract<any Greeter>("greeter", stub: $Greeter.resolve(id:using:)) {
    Target("greet", .idempotent) { try await $0.greet($1) }
}

distributed actor GreeterService: Greeter {
    init(on system: ApusActorSystem) { actorSystem = system }
    distributed func greet(_ name: String) -> String { "Hello, \(name)!\n" }
}

@main
struct Hello: System {
    let greetings = Cache<String, String>("greetings", capacity: 1000)

    var body: some SystemContent {
        Edge(to: "web")
        Web("web", replicas: 2) { host in
            let desk = try host.service(greeter)
            var router = RouterBuilder()
            router.on(Route(.get, "/{name}", String.self), "A greeting") { exchange, name in
                let text = try await greetings.value(for: name) { try await desk.greet(name) }
                exchange.answer(type: "text/plain; charset=utf-8", text: text)
            }
            return try router.build()
        }
        Service(greeter, replicas: 2) { host in GreeterService(on: host.actors) }
    }
}
