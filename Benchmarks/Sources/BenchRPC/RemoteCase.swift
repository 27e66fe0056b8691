import Apus
import BenchKit
import FoundationEssentials

/// A call to a service of another process, against the same call through HTTP and JSON.
///
/// Both go over a Unix socket between the same two processes with one loop each; RPC shares one connection, HTTP has
/// one for each call under way.
enum RemoteCase {
    static func rows(_ options: Options, _ scratch: Scratch) throws -> [BenchKit.Row] {
        let sockets = ["orders.sock", "http.sock"].map { scratch.url.appending(path: $0).path }
        let caller = try Caller(scratch, callee: sockets)
        defer { caller.stop() }
        var rows: [BenchKit.Row] = []
        if options.wants("order-1") { rows += try compare(caller, lanes: 1, options, bar: 1.7, byHand: nil) }
        if options.wants("order-64") || options.wants("order-64-handwritten") {
            rows += try compare(caller, lanes: 64, options, bar: 3.3, byHand: 6.6)
        }
        return rows
    }

    private static func compare(
        _ caller: Caller,
        lanes: Int,
        _ options: Options,
        bar: Double,
        byHand: Double?
    ) throws -> [BenchKit.Row] {
        let handle = caller.handle
        let client = caller.client
        let contenders: [(String, @Sendable (Int) async throws -> Void)] = [
            ("add", { _ in _ = try await handle.add(20, 22) }),
            ("place", { _ in _ = try await handle.place(Order.sample) }),
            ("byHand", { _ in _ = try await handle.placeByHand(HandOrder.sample) }),
            ("http", { _ in _ = try await HTTPPeer.place(Order.sample, client, .foundation) }),
            ("httpOwn", { _ in _ = try await HTTPPeer.place(Order.sample, client, .own) }),
        ]
        var costs: [String: [Double]] = [:]
        for round in 0...options.rounds {
            // The order turns with every round; the first round warms up.
            for turn in contenders.indices {
                let (name, call) = contenders[(turn + round) % contenders.count]
                let cost = try caller.cost(lanes: lanes, seconds: options.seconds / 3, call)
                say("  round \(round), \(lanes) \(name): \(cost.caller) + \(cost.callee) us/call")
                if round > 0 { costs[name, default: []].append(cost.both) }
            }
        }
        func row(_ name: String, _ own: String, _ peer: (String, String)?, _ bar: Double? = nil) -> BenchKit.Row {
            BenchKit.Row(
                name,
                metric: "cpu",
                unit: "us/call",
                better: .lower,
                apus: costs[own] ?? [],
                peers: peer.map { [$0.0: costs[$0.1] ?? []] } ?? [:],
                bar: bar
            )
        }
        let http = ("HTTP, Foundation JSON", "http")
        return [
            row("order-\(lanes)", "place", http, bar),
            row("order-\(lanes)-handwritten", "byHand", http, byHand),
            row("order-\(lanes)-own-json", "place", ("HTTP, own JSON writer", "httpOwn")),
            row("add-\(lanes)", "add", nil),
        ]
    }
}
