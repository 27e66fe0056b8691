import ApusCore
import ApusRuntime
import ApusTesting
import Foundation
import Testing

@testable import ApusCache

/// The client behind real sentinels, whose master goes.
@Suite(.needs(.redis), .ownThread, .timeLimit(.minutes(3)))
struct RESPSentinelTests {
    private struct Ports {
        let master, replica, sentinel: UInt16
    }

    /// A master, its replica and a sentinel that decides alone.
    private func with<Value: Sendable>(_ body: (OwnServers, Ports, String) async throws -> Value) async throws
        -> Value
    {
        try await OwnServers.with { servers in
            let ports = Ports(master: try FreePort.take(), replica: try FreePort.take(), sentinel: try FreePort.take())
            try await servers.start(port: ports.master, "--repl-diskless-sync-delay 0")
            try await servers.start(
                port: ports.replica,
                "--replicaof 127.0.0.1 \(ports.master)",
                "--repl-diskless-sync-delay 0"
            )
            let file = "\(servers.folder)/sentinel.conf"
            let text = """
                port \(ports.sentinel)
                bind 127.0.0.1
                dir \(servers.folder)
                sentinel monitor shop 127.0.0.1 \(ports.master) 1
                sentinel down-after-milliseconds shop 300
                sentinel failover-timeout shop 3000
                """
            try Data((text + "\n").utf8).write(to: URL(filePath: file))
            let sentinel = ports.sentinel
            try await servers.run(sentinel, [file, "--sentinel"])
            // It can hand over once it knows a replica that is whole.
            await eventually {
                let reply = try? PlainConnection(port: sentinel).call("sentinel", "replicas", "shop")
                let replica = reply?.elements?.first?.elements?.compactMap(\.text) ?? []
                return replica.contains("slave") && replica.contains("ok")
            }
            return try await body(servers, ports, "redis+sentinel://127.0.0.1:1,127.0.0.1:\(sentinel)/shop")
        }
    }

    /// Which server a client is on now.
    private func port(_ client: RESPClient) async -> String? {
        let info = try? await client.send(RESPCommand("INFO", "server")).text
        return info?.split(separator: "\r\n").first { $0.hasPrefix("tcp_port:") }.map { String($0.dropFirst(9)) }
    }

    @Test func `the master is found, and followed when it is another`() async throws {
        try await with { servers, ports, url in
            try await withClient(url) { client async throws in
                #expect(await port(client) == "\(ports.master)")
                #expect(try await client.send(RESPCommand("SET", "a", "1")) == .ok)
                #expect(try PlainConnection(port: ports.sentinel).call("sentinel", "failover", "shop") == .ok)
                await eventually { await port(client) == "\(ports.replica)" }
                #expect(try await client.send(RESPCommand("SET", "a", "2")) == .ok)
                #expect(try await client.exclusively { try await $0.send(RESPCommand("GET", "a")) } == .text("2"))
            }
        }
    }

    @Test func `a killed master's place is taken`() async throws {
        try await with { servers, ports, url in
            try await withClient(url) { client async throws in
                #expect(try await client.send(RESPCommand("SET", "a", "1")) == .ok)
                await servers.kill(ports.master)
                await eventually { (try? await client.send(RESPCommand("SET", "b", "2"))) == .ok }
                await eventually { await port(client) == "\(ports.replica)" }
            }
        }
    }

    @Test func `a name that no sentinel knows is said in one line`() async throws {
        try await with { servers, ports, url in
            let wrong = url.replacing("/shop", with: "/store")
            let error = await failure { try await withClient(wrong) { try await $0.send(RESPCommand("PING")) } }
            let unknown = try #require(error as? RESPClientError)
            #expect(unknown.code == .unreachable)
            #expect(unknown.detail.contains("knows no master \"store\""), "\(unknown)")
        }
    }
}
