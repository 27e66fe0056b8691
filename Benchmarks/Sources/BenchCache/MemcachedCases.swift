import Apus
import ApusCache
import ApusRuntime
import BenchKit
import CMemcached
import Foundation

/// What sixteen look-ups that go out together cost the client of memcached, beside libmemcached, on the same server.
///
/// Each client is this program, started again, with a core for itself; the server shares the other one with nobody. What is
/// counted is the CPU of the thread that asks and has the values.
enum MemcachedCases {
    /// How memcached's version is printed.
    static let version = ["memcached", "-V"]
    /// Look-ups that go out together.
    private static let together = 16
    private static let keys = 10_000
    private static let valueBytes = 100

    static func rows(_ options: Options) throws -> [BenchKit.Row] {
        guard options.wants("memcached-client") else { return [] }
        say("memcached-client")
        let port = try freePort()
        let user = Program.isRoot ? ["-u", "nobody"] : []
        let child = try Child(
            ["memcached", "-l", "127.0.0.1", "-U", "0", "-m", "256", "-t", "1", "-p", "\(port)"] + user,
            on: .others
        )
        defer { child.stop() }
        try waitForPort(port, of: child, named: "memcached")
        var costs: [String: [Double]] = [:]
        let names = ["apus", "libmemcached"]
        for round in 0..<options.rounds {
            for name in round % 2 == 0 ? names : names.reversed() {
                let said = Child.output(
                    of: [Program.path, "client", name, "\(port)", "\(options.seconds)"],
                    on: .server
                )
                guard let cost = Double(said.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                    throw BenchError("the client \(name) says: \(said)")
                }
                costs[name, default: []].append(cost)
            }
        }
        return [
            BenchKit.Row(
                "memcached-client",
                metric: "cpu",
                unit: "ns/get",
                better: .lower,
                apus: costs["apus"] ?? [],
                peers: ["libmemcached": costs["libmemcached"] ?? []],
                bar: 0.9
            )
        ]
    }

    private static var names: [String] { (0..<keys).map { "catalogue/products/\($0)" } }

    /// One client, in a process of its own: prints what a look-up cost it, in nanoseconds of CPU.
    static func run(_ arguments: [String]) -> Never {
        guard arguments.count == 3, let port = UInt16(arguments[1]), let seconds = Double(arguments[2]) else {
            Options.refuse("client wants a name, a port and seconds")
        }
        Program.run(loopCount: 1) { group in
            do {
                let cost =
                    arguments[0] == "apus"
                    ? try await apus(port, seconds, group.loops[0]) : try libmemcached(port, seconds)
                StandardStreams.write("\(cost)\n")
                return 0
            } catch {
                StandardStreams.writeError("bench: \(error)\n")
                return 1
            }
        }
    }

    private static func apus(_ port: UInt16, _ seconds: Double, _ loop: EventLoop) async throws -> Double {
        let configuration = MemcachedClientConfiguration(servers: [MemcachedServer("127.0.0.1", port: port)])
        let client = try MemcachedClient(configuration, loops: [loop])
        defer { client.close() }
        let names = names.map { Array($0.utf8) }
        let value = [UInt8](repeating: 0x76, count: valueBytes)
        for name in names { try await client.set(name, value) }
        let asked = stride(from: 0, to: keys, by: together).map { Array(names[$0..<$0 + together]) }
        var (count, place, bytes) = (0, 0, 0)
        let began = threadCPU()
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            for _ in 0..<100 {
                let found = try await client.get(asked[place])
                for item in found { bytes += item?.value.count ?? 0 }
                place = (place + 1) % asked.count
                count += together
            }
        }
        let used = threadCPU() - began
        guard bytes == count * valueBytes else { throw BenchError("values are missing") }
        return used / Double(count)
    }

    private static func libmemcached(_ port: UInt16, _ seconds: Double) throws -> Double {
        guard let client = memcached_create(nil) else { throw BenchError("libmemcached has no memory") }
        defer { memcached_free(client) }
        guard memcached_server_add(client, "127.0.0.1", in_port_t(port)) == MEMCACHED_SUCCESS else {
            throw BenchError("libmemcached refuses the server")
        }
        memcached_behavior_set(client, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1)
        let texts: [UnsafePointer<CChar>?] = names.map { UnsafePointer(strdup($0)) }
        defer { for text in texts { free(UnsafeMutableRawPointer(mutating: text)) } }
        let lengths = names.map { $0.utf8.count }
        let value = [CChar](repeating: 0x76, count: valueBytes)
        for (text, length) in zip(texts, lengths) {
            guard memcached_set(client, text, length, value, valueBytes, 0, 0) == MEMCACHED_SUCCESS else {
                throw BenchError("libmemcached cannot store")
            }
        }
        // In memory of ours: one that libmemcached allocates goes with the last value.
        let result = UnsafeMutablePointer<memcached_result_st>.allocate(capacity: 1)
        defer { result.deallocate() }
        guard memcached_result_create(client, result) != nil else { throw BenchError("libmemcached has no memory") }
        defer { memcached_result_free(result) }
        var (count, place, bytes) = (0, 0, 0)
        let began = threadCPU()
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            for _ in 0..<100 {
                let asked = texts.withUnsafeBufferPointer { texts in
                    lengths.withUnsafeBufferPointer { lengths in
                        memcached_mget(
                            client,
                            texts.baseAddress.map { $0 + place },
                            lengths.baseAddress.map { $0 + place },
                            together
                        )
                    }
                }
                guard asked == MEMCACHED_SUCCESS else { throw BenchError("libmemcached cannot ask") }
                var state = MEMCACHED_SUCCESS
                while memcached_fetch_result(client, result, &state) != nil {
                    bytes += memcached_result_length(result)
                }
                place = (place + together) % keys
                count += together
            }
        }
        let used = threadCPU() - began
        guard bytes == count * valueBytes else { throw BenchError("values are missing: \(bytes) B of \(count)") }
        return used / Double(count)
    }
}
