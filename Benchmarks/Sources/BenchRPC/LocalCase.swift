import Apus
import ApusRuntime
import BenchKit

/// A call to a service of the same process, against a plain actor's method.
enum LocalCase {
    static func rows(_ options: Options) throws -> [BenchKit.Row] {
        let group = try LoopGroup(count: 1)
        let loop = group.loops[0]
        let (handle, plain) = try wait(on: loop) {
            let system = try ApusActorSystem(loop: loop)
            system.offer(orders) { OrdersService(actorSystem: $0) }
            let handle = try system.service(orders)
            guard handle is OrdersService else { throw BenchError("a local service is a stub") }
            return (handle, PlainOrders())
        }
        var (service, actor) = ([Double](), [Double]())
        for _ in 0...options.rounds {
            service.append(try wait(on: loop) { try await cost(options.seconds) { _ = try await handle.add(1, 2) } })
            actor.append(try wait(on: loop) { try await cost(options.seconds) { _ = try await plain.add(1, 2) } })
        }
        // The first round warms up.
        let (own, other) = (Array(service.dropFirst()), Array(actor.dropFirst()))
        return [
            BenchKit.Row("local", metric: "cpu", unit: "ns/call", better: .lower, apus: own, bar: 350),
            BenchKit.Row(
                "local",
                metric: "cpu",
                unit: "ns/call",
                better: .lower,
                apus: own,
                peers: ["plain actor": other],
                bar: 1 / 1.5
            ),
        ]
    }

    /// CPU of the loop's thread a call, less that of an empty round.
    private static func cost(_ seconds: Double, _ call: () async throws -> Void) async throws -> Double {
        let start = threadCPU()
        var count = 0.0
        while threadCPU() - start < seconds / 3 * 1e9 {
            for _ in 0..<1000 { try await call() }
            count += 1000
        }
        return (threadCPU() - start) / count
    }
}
