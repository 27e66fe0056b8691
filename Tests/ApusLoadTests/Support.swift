import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime
import ApusTesting
import Testing

@testable import ApusLoad

/// Where the simulated server listens.
let simulatedTarget = SocketAddress.loopback(port: 8080)

/// What the simulated server does with a request.
typealias Behaviour = @Sendable (Exchange, EventLoop) async throws -> Void

/// Runs a server and a load against it on a simulated machine: in no time, and the same from the same seed.
func simulate(
    _ plan: LoadPlan,
    _ scenario: Scenario = .request(ClientRequest(.get, "/")),
    seed: UInt64 = 1,
    loops: Int = 1,
    serving behave: @escaping Behaviour
) throws -> LoadReport {
    var network = SimulatedNetwork()
    network.splitsPerThousand = 50
    let machine = try SimulatedMachine(seed: seed, loops: loops, network: network)
    return try machine.run { machine in
        let loop = machine.loops[0]
        var routes = RouterBuilder()
        let begun = loop.now
        routes.otherwise { exchange in
            exchange.setField("X-Since", "\((loop.now - begun).seconds)")
            try await behave(exchange, loop)
        }
        let server = try Server(observation: ServerObservation(metrics: Metrics()), handler: try routes.build())
        let bound = AsyncStream<Void>.makeStream()
        let serving = Task(executorPreference: loop) {
            try await server.run(at: simulatedTarget, on: [loop]) { _ in bound.continuation.yield() }
        }
        var ready = bound.stream.makeAsyncIterator()
        await ready.next()
        let target = try LoadTarget(url: "http://\(simulatedTarget)")
        let client = Client(simulatedTarget, on: loop)
        let site = LoadSite(
            target: target,
            client: client,
            loop: loop,
            blocking: BlockingPool(),
            duration: plan.duration,
            seed: plan.seed,
            say: { _ in }
        )
        let mix = try await LoadRun.prepare(scenario, site)
        let run = LoadRun(plan, mix, target: target, scenario: scenario.name)
        var report = try await run.run(on: machine.loops)
        report.findings = try await run.audit(site)
        client.close()
        server.drain()
        try await serving.value
        return report
    }
}

/// Answers at once.
let prompt: Behaviour = { exchange, _ in exchange.answer(type: "text/plain", text: "ok") }
