import BenchKit
import Foundation

/// What kept-alive connections cost while nothing happens on them: memory of the process, and CPU.
enum Idle {
    static let connections = 10_000

    /// Opens the connections, each answered once, and measures the server before and after.
    ///
    /// - Parameters:
    ///   - server: The server, just started.
    ///   - port: Where it listens.
    /// - Returns: KiB of proportional set size a connection, and CPU at rest as a share of one core.
    /// - Throws: ``BenchError`` if a connection fails or is not answered.
    static func measure(_ server: Child, port: Int) throws -> [Row] {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        sockets.append(try ask(port: port, from: 0))
        let before = try memoryKiB(of: server.pid)
        for index in 1..<connections { sockets.append(try ask(port: port, from: index)) }
        let grown = try memoryKiB(of: server.pid) - before
        let used = server.cpuNanoseconds()
        sleep(5)
        let share = (server.cpuNanoseconds() - used) / 5e9
        return [
            Row(
                "idle",
                metric: "bytes",
                unit: "KiB/connection",
                better: .lower,
                apus: [grown / Double(connections - 1)],
                bar: 16
            ),
            Row("idle", metric: "cpu", unit: "share of a core", better: .lower, apus: [share], bar: 0.01),
        ]
    }

    /// Lets this process, and the servers it starts, have a descriptor for every connection.
    static func raiseLimit() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_max >= rlim_t(connections + 200) else {
            throw BenchError(
                "\(connections) connections need more descriptors than ulimit -Hn allows: \(limit.rlim_max)"
            )
        }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// A connection that has been answered one request.
    private static func ask(port: Int, from index: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // Four source addresses, so that ports do not run out.
        guard descriptor >= 0, bind(descriptor, 0x7F00_0002 + UInt32(index % 4), 0, Glibc.bind),
            bind(descriptor, 0x7F00_0001, port, connect)
        else { throw BenchError("connection \(index) failed: errno \(errno)") }
        let request = "GET \(BenchServe.path) HTTP/1.1\r\nHost: localhost\r\n\r\n"
        var answer = [UInt8](repeating: 0, count: 4096)
        guard write(descriptor, request, request.utf8.count) == request.utf8.count,
            read(descriptor, &answer, answer.count) > 0, answer.starts(with: "HTTP/1.1 200".utf8)
        else { throw BenchError("connection \(index) got no answer") }
        return descriptor
    }

    /// Calls `bind` or `connect` with an address.
    private static func bind(
        _ descriptor: Int32,
        _ host: UInt32,
        _ port: Int,
        _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// The process's proportional set size.
    private static func memoryKiB(of pid: Int32) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") }),
            let figure = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
        else { throw BenchError("no Pss for process \(pid)") }
        return figure
    }
}
