import ApusCore
import ApusRuntime

extension RESPClient {
    /// How long one step of going through all keys may take.
    private static let stepLimit: Duration = .seconds(5)

    /// Removes all keys that begin with `prefix`, a thousand at a time.
    ///
    /// Keys that come meanwhile may stay. In a cluster every master is gone through.
    func removeAll(prefix: [UInt8]) async throws {
        let (core, lane) = (core, try core.lane())
        let scan = Self.scan(prefix)
        try await onLoop(lane.loop) {
            func deadline() -> Int64 { (lane.loop.preciseNow() + Self.stepLimit).nanoseconds }
            var connections = [lane.main]
            if let cluster = core.cluster {
                _ = try await cluster.node(ofSlot: nil, lane, deadline: deadline())
                connections = try cluster.masters.map { try lane.connection(to: $0) }
            }
            for connection in connections {
                var cursor: [UInt8]? = Self.start
                while let from = cursor {
                    let reply = try await connection.ask(scan(from), deadline: deadline())
                    let (next, names) = try Self.names(in: reply)
                    let removals = names.map { RESPCommand("UNLINK", .bytes($0)) }
                    if !removals.isEmpty { _ = try await connection.ask(removals, deadline: deadline()) }
                    cursor = next
                }
            }
        }
    }

    private static let start = Array("0".utf8)

    private static func scan(_ prefix: [UInt8]) -> @Sendable ([UInt8]) -> RESPCommand {
        // What is special in a pattern is meant as it stands.
        let special = Set("*?[]\\".utf8)
        let pattern = prefix.flatMap { special.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] } + Array("*".utf8)
        return { RESPCommand("SCAN", [.bytes($0), "MATCH", .bytes(pattern), "COUNT", 1000]) }
    }

    /// What a step found, and where the next one begins; `nil` after the last.
    private static func names(in reply: RESPValue) throws -> (next: [UInt8]?, names: [[UInt8]]) {
        guard case .array(let halves) = reply, halves.count == 2, case .bulk(let next) = halves[0],
            case .array(let found) = halves[1]
        else {
            throw RESPFailure("ERR SCAN answered something else")
        }
        let names = found.compactMap { name -> [UInt8]? in if case .bulk(let bytes) = name { bytes } else { nil } }
        return (next == start ? nil : next, names)
    }
}
