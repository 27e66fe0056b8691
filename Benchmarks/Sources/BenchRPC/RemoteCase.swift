import Apus
import BenchKit
import FoundationEssentials

/// A call to a service of another process, against the same call through HTTP and JSON.
enum RemoteCase {
    static func rows(_ options: Options, _ scratch: Scratch) throws -> [Row] {
        let caller = try Caller(scratch, callee: [scratch.url.appending(path: "orders.sock").path])
        defer { caller.stop() }
        let handle = caller.handle
        let seconds = options.seconds / 3
        var rows: [Row] = []
        for lanes in [1, 64]
        where options.wants("order-\(lanes)") || (lanes == 64 && options.wants("order-64-handwritten")) {
            var (add, place, hand) = ([Double](), [Double](), [Double]())
            for round in 0...options.rounds {
                let costs = try [
                    caller.cost(lanes: lanes, seconds: seconds) { _ in _ = try await handle.add(20, 22) },
                    caller.cost(lanes: lanes, seconds: seconds) { _ in _ = try await handle.place(Order.sample) },
                    caller.cost(lanes: lanes, seconds: seconds) { _ in
                        _ = try await handle.placeByHand(HandOrder.sample)
                    },
                ]
                say("  round \(round), \(lanes): \(costs.map { "\($0.caller) + \($0.callee)" })")
                // The first round warms up.
                guard round > 0 else { continue }
                add.append(costs[0].both)
                place.append(costs[1].both)
                hand.append(costs[2].both)
            }
            rows += [
                Row("add-\(lanes)", metric: "cpu", unit: "us/call", better: .lower, apus: add),
                Row("order-\(lanes)", metric: "cpu", unit: "us/call", better: .lower, apus: place),
                Row("order-\(lanes)-handwritten", metric: "cpu", unit: "us/call", better: .lower, apus: hand),
            ]
        }
        return rows
    }
}
