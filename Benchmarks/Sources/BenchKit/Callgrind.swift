import Foundation

/// Counts calls exactly, by running a server under valgrind's callgrind: a count does not jitter, a timing does.
public enum Callgrind {
    /// How its version is printed.
    public static let version = ["valgrind", "--version"]

    /// Functions that allocate.
    public static let allocations = [
        "malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "swift_slowAlloc",
    ]
    /// Functions that count references up.
    public static let retains = [
        "swift_retain", "swift_retain_n", "swift_bridgeObjectRetain", "swift_bridgeObjectRetain_n",
        "swift_unknownObjectRetain",
        "swift_nonatomic_retain",
    ]

    /// Who called whom.
    public struct Call: Hashable, Sendable {
        /// The caller.
        public let from: String
        /// The function called.
        public let to: String
    }

    /// Runs a server twice, with few and with many requests on one connection, and gives the calls a request makes.
    ///
    /// The difference of the two runs has no start, no connect and no end in it: it is the steady state.
    ///
    /// - Parameters:
    ///   - program: The server.
    ///   - arguments: Tell it to listen on `port`.
    ///   - port: Where it will listen.
    ///   - path: What is asked for.
    ///   - scratch: Where the profiles are written.
    /// - Returns: Calls from one function to another, per request.
    /// - Throws: ``BenchError`` if the server does not start or does not answer.
    public static func callsPerRequest(
        _ program: String,
        _ arguments: [String],
        port: Int,
        path: String,
        scratch: Scratch
    ) throws -> [Call: Double] {
        // Debian's valgrind cannot read the debug information clang writes; the names of functions are elsewhere.
        let plain = scratch.url.appending(path: "stripped").path
        let complaint = Child.output(of: ["strip", "--strip-debug", "-o", plain, program])
        guard FileManager.default.isExecutableFile(atPath: plain) else {
            throw BenchError("strip failed: \(complaint)")
        }
        let command = [plain] + arguments
        let (few, many) = (500, 2500)
        let base = try run(command, port: port, path: path, requests: few, scratch: scratch)
        let more = try run(command, port: port, path: path, requests: many, scratch: scratch)
        return more.merging(base.mapValues { -$0 }) { $0 + $1 }.mapValues { $0 / Double(many - few) }
    }

    private static func run(
        _ command: [String],
        port: Int,
        path: String,
        requests: Int,
        scratch: Scratch
    ) throws -> [Call: Double] {
        let profile = scratch.url.appending(path: "callgrind.\(requests)")
        let child = try Child(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=\(profile.path)"] + command,
            output: scratch.url.appending(path: "valgrind.log")
        )
        defer { child.stop() }
        try waitForPort(port, of: child, named: "the server under valgrind", seconds: 120)
        try ask(port: port, path: path, times: requests)
        child.stop()
        return calls(in: try String(contentsOf: profile, encoding: .utf8))
    }

    /// Calls from function to function in a profile.
    ///
    /// - SeeAlso: valgrind's manual, "Callgrind Format Specification".
    static func calls(in profile: String) -> [Call: Double] {
        var names: [Substring: String] = [:]
        var calls: [Call: Double] = [:]
        var (caller, callee) = ("", "")
        for line in profile.split(separator: "\n") {
            if line.hasPrefix("fn=") || line.hasPrefix("cfn=") {
                // "cfn=(12) swift_retain" names function 12; "cfn=(12)" refers to it.
                guard let open = line.firstIndex(of: "("), let close = line[open...].firstIndex(of: ")") else {
                    continue
                }
                let number = line[open...close]
                let rest = line[line.index(after: close)...].drop { $0 == " " }
                if !rest.isEmpty { names[number] = plain(rest) }
                if line.hasPrefix("cfn=") { callee = names[number] ?? "" } else { caller = names[number] ?? "" }
            } else if line.hasPrefix("calls=") {
                let count = line.dropFirst("calls=".count).prefix { $0.isNumber }
                calls[Call(from: caller, to: callee), default: 0] += Double(count) ?? 0
            }
        }
        return calls
    }

    /// A name without the marks of recursion (`'2`) and of a version (`@@GLIBC`).
    private static func plain(_ name: Substring) -> String { String(name.prefix { $0 != "'" && $0 != "@" }) }

    /// Asks for a path again and again on one connection, waiting for each answer.
    private static func ask(port: Int, path: String, times: Int) throws {
        let socket = try connected(port: port)
        defer { close(socket) }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".utf8)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        for _ in 0..<times {
            guard send(socket, request, request.count, 0) == request.count else { throw BenchError("cannot ask") }
            // A small answer comes in one piece on loopback; its end is not looked for.
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 12, buffer[9] == UInt8(ascii: "2") else { throw BenchError("no good answer under valgrind") }
        }
    }
}
