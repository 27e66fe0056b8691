import ApusCache
import ApusCore
import ApusRuntime
import BenchKit
import CHiredisPeer
import Foundation

/// What a command costs the RESP client: its thread's CPU, sixteen commands at any time on one connection.
///
/// The server is the same for both, and on a core of its own; each of the sixteen asks for its next key when it has its value,
/// as the callbacks of the peer do.
enum ClientCases {
    private static let depth = 16
    private static let keys = (0..<1024).map { "catalogue/products/\($0 + 1_000_000)" }
    private static let value = String(repeating: "v", count: 64)

    static func rows(_ options: Options) throws -> [BenchKit.Row] {
        guard options.wants("client-P16") || options.wants("client-P16-row") else { return [] }
        let port = Int.random(in: 20_000..<30_000)
        let server = try Child(
            ["redis-server", "--bind", "127.0.0.1", "--port", "\(port)", "--save", "", "--appendonly", "no"],
            on: .server
        )
        defer { server.stop() }
        try waitForPort(port, of: server, named: "redis-server", seconds: 10)
        let group = try LoopGroup(count: 1)
        defer { group.shutdown() }
        let client = try RESPClient(RESPAddress(url: "redis://127.0.0.1:\(port)"))
        let loop = group.loops[0]
        try wait(on: loop) {
            for key in keys { _ = try await client.send(RESPCommand("SET", .text(key), .text(value))) }
        }
        let commands = Int(options.seconds * 200_000) / depth * depth
        var (ours, rows, theirs) = ([Double](), [Double](), [Double]())
        for round in 0...options.rounds {
            // Who goes first changes with every round.
            let early = round.isMultiple(of: 2) ? try peer(port, commands) : nil
            let one = try wait(on: loop) { try await ask(client, commands) }
            let row = try wait(on: loop) { try await askInRows(client, commands) }
            let other = try early ?? peer(port, commands)
            // The first round warms up.
            if round == 0 { continue }
            ours.append(one)
            rows.append(row)
            theirs.append(other)
            say("  round \(round): apus \(one) ns, in rows \(row) ns, hiredis \(other) ns a command")
        }
        try wait(on: loop) { await client.close() }
        func row(_ name: String, _ own: [Double], _ bar: Double?) -> BenchKit.Row {
            BenchKit.Row(
                name,
                metric: "cpu",
                unit: "ns/command",
                better: .lower,
                apus: own,
                peers: ["hiredis": theirs],
                bar: bar
            )
        }
        return [row("client-P16", ours, 0.9), row("client-P16-row", rows, nil)]
    }

    private static func peer(_ port: Int, _ commands: Int) throws -> Double {
        let texts = keys.map { strdup($0) }
        defer { for text in texts { free(text) } }
        let pointers = texts.map { UnsafePointer<CChar>($0) }
        var bytes = 0
        let cost = pointers.withUnsafeBufferPointer { pointers in
            hiredis_peer_run(Int32(port), pointers.baseAddress, pointers.count, commands, Int32(depth), &bytes)
        }
        guard cost > 0, bytes == commands * value.utf8.count else { throw BenchError("hiredis did not get its values") }
        return cost
    }

    /// Sixteen tasks, each with one command at a time.
    private static func ask(_ client: RESPClient, _ commands: Int) async throws -> Double {
        let began = threadCPU()
        let bytes = try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<depth {
                group.addTask {
                    var bytes = 0
                    var next = task
                    for _ in 0..<commands / depth {
                        let reply = try await client.send(RESPCommand("GET", .text(keys[next])))
                        if case .bulk(let value) = reply { bytes += value.count }
                        next = (next + depth) % keys.count
                    }
                    return bytes
                }
            }
            var bytes = 0
            while let part = try await group.next() { bytes += part }
            return bytes
        }
        let used = threadCPU() - began
        guard bytes == commands * value.utf8.count else { throw BenchError("the client did not get its values") }
        return used / Double(commands)
    }

    /// One task that asks for sixteen values at a time.
    private static func askInRows(_ client: RESPClient, _ commands: Int) async throws -> Double {
        let began = threadCPU()
        var (bytes, next) = (0, 0)
        for _ in 0..<commands / depth {
            let row = (0..<depth).map { RESPCommand("GET", .text(keys[(next + $0) % keys.count])) }
            next = (next + depth) % keys.count
            for reply in try await client.send(row) {
                if case .bulk(let value) = reply { bytes += value.count }
            }
        }
        let used = threadCPU() - began
        guard bytes == commands * value.utf8.count else { throw BenchError("the client did not get its values") }
        return used / Double(commands)
    }
}
