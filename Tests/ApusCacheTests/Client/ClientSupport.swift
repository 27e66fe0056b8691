import ApusCore
import ApusObserve
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusCache

/// Runs `body` on a loop's own thread.
func withLoop<Value: Sendable>(_ body: @escaping @Sendable (EventLoop) async throws -> Value) async throws -> Value {
    let group = try LoopGroup(count: 1)
    let result: Result<Value, any Error>
    do {
        result = .success(try await inTask(on: group.loops[0]) { try await body(group.loops[0]) })
    } catch {
        result = .failure(error)
    }
    try await end(group)
    return try result.get()
}

/// Runs `body` in a task of `loop`, which ends with the test: also where the test's time is up.
func inTask<Value: Sendable>(
    on loop: EventLoop,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let task = Task(executorPreference: loop) { try await body() }
    return try await withTaskCancellationHandler {
        try await task.value
    } onCancel: {
        task.cancel()
    }
}

private let ending = BlockingPool(name: "ending")

/// Ends a group's threads from a thread that is none of theirs.
func end(_ group: LoopGroup) async throws { try await ending.run { group.shutdown() } }

/// Runs `body` with a client, and closes it.
func withClient<Value: Sendable>(
    _ url: String,
    _ change: (inout RESPClientConfiguration) -> Void = { _ in },
    _ body: (RESPClient) async throws -> Value
) async throws -> Value {
    var configuration = RESPClientConfiguration()
    // A test that waits longer than this waits for nothing.
    configuration.commandLimit = .seconds(20)
    change(&configuration)
    let client = try RESPClient(RESPAddress(url: url), configuration)
    let result: Result<Value, any Error>
    do { result = .success(try await body(client)) } catch { result = .failure(error) }
    await client.close()
    return try result.get()
}

/// The embedded server on a loop of its own, while `body` runs; its URL.
func withEmbedded<Value: Sendable>(
    _ change: (inout CacheServerConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (String) async throws -> Value
) async throws -> Value {
    var configuration = CacheServerConfiguration()
    change(&configuration)
    let server = try CacheServer(configuration, metrics: Metrics())
    let group = try LoopGroup(count: 1)
    let (ports, told) = AsyncStream.makeStream(of: UInt16.self)
    let serving = Task {
        try await server.run(at: .loopback(port: 0), on: group.loops[0]) { told.yield($0.port ?? 0) }
    }
    var iterator = ports.makeAsyncIterator()
    let port = try #require(await iterator.next())
    let result: Result<Value, any Error>
    do { result = .success(try await body("redis://127.0.0.1:\(port)")) } catch { result = .failure(error) }
    server.drain()
    try await serving.value
    try await end(group)
    return try result.get()
}

/// Real servers of a test's own, Redis and memcached, in a folder of its own, which end with the test.
final class OwnServers: Sendable {
    let folder: String
    private let group: LoopGroup
    private let running = Lock<[UInt16: ChildProcess]>([:])

    /// Runs `body` with the means to start servers.
    static func with<Value: Sendable>(_ body: (OwnServers) async throws -> Value) async throws -> Value {
        let servers = try OwnServers()
        let result: Result<Value, any Error>
        do { result = .success(try await body(servers)) } catch { result = .failure(error) }
        try await servers.end()
        return try result.get()
    }

    private init() throws {
        folder = "/tmp/apus-servers-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(folder)
        group = try LoopGroup(count: 1)
    }

    /// Starts a Redis that keeps nothing, and waits until it answers.
    func start(port: UInt16, _ options: String...) async throws {
        let plain = ["--bind", "127.0.0.1", "--port", "\(port)", "--save", "", "--appendonly", "no", "--dir", folder]
        try await run(port, plain + options.flatMap { $0.split(separator: " ").map(String.init) })
    }

    /// Starts a memcached, and waits until it answers.
    func startMemcached(port: UInt16, _ options: String...) async throws {
        // It does not run as root, and says so.
        let user = geteuid() == 0 ? ["-u", "nobody"] : []
        let plain = ["-l", "127.0.0.1", "-p", "\(port)", "-U", "0"] + user
        try await run("/usr/bin/memcached", port, plain + options.flatMap { $0.split(separator: " ").map(String.init) })
        {
            try PlainConnection(port: port).exchange(Array("version\r\n".utf8))
        }
    }

    /// Starts a server of Redis of any kind, such as a sentinel, from its configuration.
    func run(_ port: UInt16, _ arguments: [String]) async throws {
        // It answers, if only that it wants a password.
        try await run("/usr/bin/redis-server", port, arguments) { try PlainConnection(port: port).call("ping") }
    }

    private func run(
        _ program: String,
        _ port: UInt16,
        _ arguments: [String],
        ask: () throws -> some Any
    ) async throws {
        let loop = group.loops[0]
        let child = try await Task(executorPreference: loop) {
            let null = open("/dev/null", O_RDWR)
            defer { close(null) }
            return try ChildProcess(
                path: program,
                arguments: arguments,
                environment: ["PATH": "/usr/bin"],
                descriptors: [null, null, null],
                on: loop
            )
        }.value
        running.withLock { $0[port] = child }
        await eventually { (try? ask()) != nil || child.exit != nil }
        try #require(child.exit == nil, "\(program) did not start: \(arguments)")
    }

    /// Sends a server a signal, such as `SIGSTOP`.
    func signal(_ number: Int32, _ port: UInt16) { running.withLock { $0[port] }?.signal(number) }

    /// Ends a server the hard way, and waits until it is gone.
    func kill(_ port: UInt16) async {
        guard let child = running.withLock({ $0.removeValue(forKey: port) }) else { return }
        child.signal(SIGKILL)
        _ = await child.wait()
    }

    private func end() async throws {
        for port in running.withLock({ Array($0.keys) }) { await kill(port) }
        try await ApusCacheTests.end(group)
        try Files.remove(folder)
    }
}

/// A server that answers what it is told to, to commands or to anything else.
final class FakeServer: Sendable {
    let port: UInt16
    private let group: LoopGroup
    private let listener: Unshared<Listener>
    private let accepting: Task<Void, Never>

    /// Bytes in place of an answer; `nil` closes the connection.
    typealias Answer = @Sendable ([String]) -> [UInt8]?

    /// Says yes to `HELLO`.
    static let greeting = Array("%1\r\n+proto\r\n:3\r\n".utf8)

    static func with<Value: Sendable>(
        _ answer: @escaping Answer,
        _ body: (String) async throws -> Value
    ) async throws -> Value {
        let group = try LoopGroup(count: 1)
        let server = try await Task(executorPreference: group.loops[0]) { try FakeServer(group, answer) }.value
        let result: Result<Value, any Error>
        do { result = .success(try await body("redis://127.0.0.1:\(server.port)")) } catch { result = .failure(error) }
        group.loops[0].execute { server.listener.value.close() }
        await server.accepting.value
        try await end(group)
        return try result.get()
    }

    private init(_ group: LoopGroup, _ answer: @escaping Answer) throws {
        self.group = group
        let loop = group.loops[0]
        let listener = Unshared(try Listener(at: .loopback(port: 0), on: loop))
        self.listener = listener
        port = listener.value.address.port ?? 0
        accepting = Task(executorPreference: loop) {
            await withTaskGroup(of: Void.self) { clients in
                while let channel = await listener.value.accept() {
                    clients.addTask(executorPreference: loop) { await Self.serve(channel, answer) }
                }
                clients.cancelAll()
            }
        }
    }

    private static func serve(_ channel: Channel, _ answer: Answer) async {
        defer { channel.close() }
        var scanner = RESPReplyScanner()
        var received: [UInt8] = []
        while true {
            // A command is an array as a reply may be.
            let command = received.withUnsafeBytes { bytes -> ([String], Int)? in
                guard let base = bytes.baseAddress, case .complete(let used) = scanner.scan(base, bytes.count) else {
                    return nil
                }
                var reader = RESPReplyReader(base)
                return (reader.value().elements?.compactMap(\.text) ?? [], used)
            }
            if let (words, used) = command {
                received.removeFirst(used)
                guard let bytes = answer(words) else { return }
                var sent = 0
                while sent < bytes.count {
                    switch bytes.withUnsafeBytes({ channel.send(UnsafeRawBufferPointer(rebasing: $0[sent...])) }) {
                    case .bytes(let count): sent += count
                    case .wouldBlock:
                        guard await channel.writableCancellably(by: .distantFuture) == .ready else { return }
                    case .end, .failed: return
                    }
                }
                continue
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count): received += chunk[..<count]
            case .wouldBlock: guard await channel.readableCancellably(by: .distantFuture) == .ready else { return }
            case .end, .failed: return
            }
        }
    }
}

/// What came of something that must fail.
func failure(of body: () async throws -> some Any) async -> (any Error)? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// The code of an error of the client's own.
func code(of body: () async throws -> some Any) async -> RESPClientError.Code? {
    (await failure(of: body) as? RESPClientError)?.code
}
