import ApusCore
import ApusDashboard
import ApusHTTP
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import Apus

/// A system that a test has started as its users do, by its command line.
//
// `@unchecked Sendable` is sound because it is used on its loop alone, where each test runs.
final class RunningSystem: @unchecked Sendable {
    let scratch: Scratch
    let loop: EventLoop
    private(set) var process: ChildProcess
    /// What it said when it was ready.
    private(set) var report: ReadyReport?
    /// What it has written to standard error so far.
    private(set) var errors = ""
    private let reading: Task<Void, Never>
    private let clients = Lock<[Client]>([])

    private let program: String

    /// Starts the system and waits until it is ready or has ended.
    init(
        _ words: [String] = [],
        environment: [String: String] = [:],
        scratch: Scratch? = nil,
        program: String = "ApusTestSystem",
        on loop: EventLoop
    ) async throws {
        self.loop = loop
        let folder = Program.path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        self.program = folder.joined(separator: "/") + "/" + program
        let scratch = try scratch ?? Scratch()
        self.scratch = scratch
        let output = try SocketPair.make(theirsBlocks: true)
        let errorOutput = try SocketPair.make(theirsBlocks: true)
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let standard = ["up", "--json", "--data", scratch.data, "--port=0", "--dashboard-port=0", "--loops=2"]
        process = try ChildProcess(
            path: self.program,
            arguments: standard.filter { word in !words.contains { $0.hasPrefix(word.prefix { $0 != "=" } + "=") } }
                + words,
            environment: environment.merging(TestRun.sanitizerOptions) { given, _ in given },
            descriptors: [null, output.theirs, errorOutput.theirs],
            on: loop
        )
        for descriptor in [output.theirs, errorOutput.theirs, null] { close(descriptor) }
        let errorLines = try Channel(adopting: errorOutput.mine, on: loop)
        let text = Lock("")
        reading = Task(executorPreference: loop) {
            while let part = await Self.next(errorLines) { text.withLock { $0 += part } }
        }
        let document = try Channel(adopting: output.mine, on: loop)
        var written = ""
        while let part = await Self.next(document, by: loop.now + .seconds(30)) {
            written += part
            if written.hasSuffix("\n}\n") { break }
        }
        if written.isEmpty { _ = await process.wait() }
        report = try? JSONDocument.decode(ReadyReport.self, from: written.utf8)
        if report == nil { await reading.value }
        errors = text.withLock { $0 }
        currentErrors = { text.withLock { $0 } }
        // Held open, so that what it may still write does not fail.
        keptOutput = document
    }
    private var keptOutput: Channel?
    private var currentErrors: () -> String = { "" }

    /// What it has written to standard error by now.
    var errorsNow: String { currentErrors() }

    /// The next text that comes, or `nil` at the end or at `deadline`.
    private static func next(_ channel: Channel, by deadline: Instant = .distantFuture) async -> String? {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count): return String(decoding: chunk[..<count], as: UTF8.self)
            case .wouldBlock: if await channel.readable(by: deadline) != .ready { return nil }
            case .end, .failed: return nil
            }
        }
    }

    // MARK: Asking it

    private func address(_ url: String?) throws -> SocketAddress {
        let url = try #require(url, "the system is not up: \(errors)")
        let authority = url.dropFirst("http://".count).prefix { $0 != "/" }
        return try #require(SocketAddress(String(authority)))
    }

    var shop: SocketAddress { get throws { try address(report?.url) } }
    var administration: SocketAddress { get throws { try address(report?.dashboard) } }
    var dataFolder: String { report?.data ?? "" }
    var token: String { report?.dashboard?.split(separator: "=").last.map(String.init) ?? "" }

    func get(_ path: String, within limit: Duration = .seconds(10)) async throws -> ClientResponse {
        let client = Client(try shop, on: loop)
        defer { client.close() }
        return try await client.send(ClientRequest(.get, path), within: limit)
    }

    func administer(
        _ method: ApusHTTP.Method,
        _ path: String,
        fields: [(name: String, value: String)] = []
    ) async throws -> ClientResponse {
        let client = Client(try administration, on: loop)
        defer { client.close() }
        return try await client.send(ClientRequest(method, path, fields: fields), within: .seconds(60))
    }

    /// The replicas, as the administration lists them.
    func parts() async throws -> [PartStatus] {
        let response = try await administer(.get, "/api/parts")
        return try JSONDocument.decode([String: [PartStatus]].self, from: response.body)["parts"] ?? []
    }

    /// Looks again and again, some times a second, until `condition` holds or `limit` is over.
    func eventually(within limit: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
        let deadline = loop.now + limit
        while loop.preciseNow() < deadline {
            if try await condition() { return true }
            try await loop.sleep(for: .milliseconds(25))
        }
        return try await condition()
    }

    /// Runs another command of the system's program, on its data folder unless the words name one.
    func command(_ words: [String]) async throws -> (code: Int32, output: String, errors: String) {
        let output = try SocketPair.make(theirsBlocks: true)
        let errorOutput = try SocketPair.make(theirsBlocks: true)
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(null) }
        let child = try ChildProcess(
            path: self.program,
            arguments: words.contains("--data") ? words : words + ["--data", scratch.data],
            environment: TestRun.sanitizerOptions,
            descriptors: [null, output.theirs, errorOutput.theirs],
            on: loop
        )
        close(output.theirs)
        close(errorOutput.theirs)
        var texts = ["", ""]
        for (index, descriptor) in [output.mine, errorOutput.mine].enumerated() {
            let channel = try Channel(adopting: descriptor, on: loop)
            while let part = await Self.next(channel) { texts[index] += part }
            channel.close()
        }
        return (await child.wait().code, texts[0], texts[1])
    }

    /// Waits for its end, at most so long.
    func ends(within limit: Duration) async -> ChildProcess.Exit? {
        let process = process
        let timer = loop.schedule(at: loop.now + limit) { process.signal(SIGKILL) }
        defer { loop.cancel(timer) }
        return await process.wait()
    }

    /// Ends it, so that a test leaves nothing behind.
    func tearDown() async {
        process.signal(SIGKILL)
        _ = await process.wait()
    }

    /// Whether a process is there and no zombie.
    static func isAlive(_ pid: Int32) -> Bool {
        guard let stat = try? Files.readText("/proc/\(pid)/stat", bytesMax: 4096),
            let bracket = stat.lastIndex(of: ")")
        else { return false }
        return stat[bracket...].dropFirst(2).first != "Z"
    }
}

/// Runs `body` on a loop with a system that has been started with `words`, and ends the system afterwards.
func withSystem(
    _ words: [String] = [],
    environment: [String: String] = [:],
    program: String = "ApusTestSystem",
    _ body: @escaping @Sendable (RunningSystem) async throws -> Void
) async throws {
    let group = try LoopGroup(count: 1)
    let loop = group.loops[0]
    let result = await Task(executorPreference: loop) {
        let system = try await RunningSystem(words, environment: environment, program: program, on: loop)
        let result: Result<Void, any Error>
        do {
            try await body(system)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await system.tearDown()
        try result.get()
    }.result
    await Task.detached { group.shutdown() }.value
    try result.get()
}
