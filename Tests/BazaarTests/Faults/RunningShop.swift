import ApusDashboard
import ApusTesting
import Glibc
import Testing

@testable import Apus
@testable import Bazaar

/// Bazaar as its users run it: the program, started by its command line and asked over HTTP.
//
// `@unchecked Sendable` is sound because it is used on its loop alone, where each test runs.
final class RunningShop: @unchecked Sendable {
    let folder: ShopFolder
    let loop: EventLoop
    let process: ChildProcess
    /// What it said when it was ready; `nil` where it ended before.
    private(set) var report: ReadyReport?
    private let output: OutputText
    private let errorOutput: OutputText

    /// The release build that `./apus test` names, as users run it; else the program that was built beside the tests.
    static var program: String {
        if let release = RealPart.bazaar.location { return release }
        return Program.path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/bazaar"
    }

    /// Starts it, and waits until it is ready or has ended.
    ///
    /// - Parameters:
    ///   - words: What else its command line says.
    ///   - environment: Its environment.
    ///   - folder: Where its data is.
    ///   - loop: The loop it is used on.
    ///   - limit: How long it may take until it is ready.
    /// - Throws: What keeps its process from starting.
    init(
        _ words: [String] = [],
        environment: [String: String] = [:],
        in folder: ShopFolder,
        on loop: EventLoop,
        within limit: Duration = .seconds(60)
    ) async throws {
        self.folder = folder
        self.loop = loop
        let out = try SocketPair.make(theirsBlocks: true)
        let err = try SocketPair.make(theirsBlocks: true)
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let standard = ["--data=\(folder.data)", "--sales-file=\(folder.sales)", "--port=0", "--dashboard-port=0"]
        let names = words.map { $0.prefix { $0 != "=" } }
        // Closed here before anything is read, so that its end is the end of what is read.
        defer { close(null) }
        process = try ChildProcess(
            path: Self.program,
            arguments: ["up", "--json"] + standard.filter { !names.contains($0.prefix { $0 != "=" }) } + words,
            environment: environment.merging(folder.storage.environment) { given, _ in given },
            descriptors: [null, out.theirs, err.theirs],
            on: loop
        )
        close(out.theirs)
        close(err.theirs)
        output = try OutputText(out.mine, on: loop)
        errorOutput = try OutputText(err.mine, on: loop)
        let isWhole = await output.wait(by: loop.now + limit) { $0.hasSuffix("\n}\n") }
        if isWhole {
            report = try JSONDocument.decode(ReadyReport.self, from: output.text.utf8)
        } else {
            _ = await errorOutput.wait(by: loop.now + .seconds(2)) { _ in false }
        }
    }

    /// What it has written to standard error by now.
    var errors: String { errorOutput.text }
    /// Its processes and itself, as they were when it was ready.
    var pids: [Int32] { [process.pid] + (report?.parts.flatMap(\.pids) ?? []) }

    // MARK: Asking it

    private static func address(_ url: String?, _ errors: String) throws -> SocketAddress {
        let url = try #require(url, "the system is not up: \(errors)")
        return try #require(SocketAddress(String(url.dropFirst("http://".count).prefix { $0 != "/" })))
    }
    var address: SocketAddress { get throws { try Self.address(report?.url, errors) } }
    var administration: SocketAddress { get throws { try Self.address(report?.dashboard, errors) } }
    var token: String { report?.dashboard?.split(separator: "=").last.map(String.init) ?? "" }

    /// Asks the administration.
    func administer(_ method: Method, _ path: String) async throws -> ClientResponse {
        let client = Client(try administration, on: loop)
        defer { client.close() }
        let bearer = [(name: "Authorization", value: "Bearer \(token)")]
        return try await client.send(ClientRequest(method, path, fields: bearer), within: .seconds(60))
    }

    /// The replicas, as the administration lists them.
    func parts() async throws -> [PartStatus] {
        let response = try await administer(.get, "/api/parts")
        return try JSONDocument.decode([String: [PartStatus]].self, from: response.body)["parts"] ?? []
    }

    /// Starts at once what waits for its next start, until all replicas serve or `limit` is over.
    ///
    /// The process `killed` does not count: the supervisor may not have heard of its end yet.
    func heals(from killed: Int32, within limit: Duration) async throws -> Bool {
        try await loop.eventually(within: limit) {
            let parts = try await parts()
            for part in parts where part.state == "waiting" {
                _ = try await administer(.post, "/api/parts/\(part.name)/\(part.replica)/restart")
            }
            return parts.allSatisfy { $0.state == "ready" && $0.pid != nil && $0.pid != killed }
        }
    }

    // MARK: Ending it

    /// Waits for its end, at most so long; then it is killed.
    func ends(within limit: Duration) async -> ChildProcess.Exit {
        let process = process
        let timer = loop.schedule(at: loop.now + limit) { process.signal(SIGKILL) }
        defer { loop.cancel(timer) }
        return await process.wait()
    }

    /// Ends it now, and waits until none of its processes is left.
    func kill() async throws {
        process.signal(SIGKILL)
        _ = await process.wait()
        await output.close()
        await errorOutput.close()
    }

    /// Whether a process is there and no zombie.
    static func isAlive(_ pid: Int32) -> Bool {
        guard let stat = try? Files.readText("/proc/\(pid)/stat", bytesMax: 4096),
            let bracket = stat.lastIndex(of: ")")
        else { return false }
        return stat[bracket...].dropFirst(2).first != "Z"
    }
}

/// What a process writes to one of its descriptors.
//
// `@unchecked Sendable` is sound because it is used on its loop alone.
final class OutputText: @unchecked Sendable {
    private(set) var text = ""
    private let channel: Channel
    private let loop: EventLoop
    private var reading: Task<Void, Never>?
    private var hasEnded = false

    init(_ descriptor: Int32, on loop: EventLoop) throws {
        self.loop = loop
        channel = try Channel(adopting: descriptor, on: loop)
        reading = Task(executorPreference: loop) { [self] in
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            reading: while true {
                switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
                case .bytes(let count): text += String(decoding: chunk[..<count], as: UTF8.self)
                case .wouldBlock: if await channel.readable(by: .distantFuture) != .ready { break reading }
                case .end, .failed: break reading
                }
            }
            hasEnded = true
            channel.close()
        }
    }

    /// Waits until the text is as it should be.
    ///
    /// - Returns: False where it ended or `deadline` came before.
    func wait(by deadline: Instant, until isEnough: (String) -> Bool) async -> Bool {
        while !isEnough(text) {
            if hasEnded || loop.preciseNow() > deadline { return false }
            try? await loop.sleep(for: .milliseconds(5))
        }
        return true
    }

    func close() async {
        if !hasEnded { channel.cancelWaiters() }
        await reading?.value
    }
}

extension EventLoop {
    /// Looks again and again, some times a second, until `condition` holds or `limit` is over.
    func eventually(within limit: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
        let deadline = preciseNow() + limit
        while preciseNow() < deadline {
            if try await condition() { return true }
            try await sleep(for: .milliseconds(20))
        }
        return try await condition()
    }
}

extension EventLoop {
    /// Waits until none of the processes is there any more, or `limit` is over.
    func haveEnded(_ pids: some Collection<Int32> & Sendable, within limit: Duration) async throws -> Bool {
        try await eventually(within: limit) { pids.allSatisfy { !RunningShop.isAlive($0) } }
    }
}

/// Runs `body` on a loop of its own with a folder of its own, and removes both afterwards.
func withFolder(_ body: @escaping @Sendable (ShopFolder, EventLoop) async throws -> Void) async throws {
    let folder = try await ShopFolder()
    let group = try LoopGroup(count: 1)
    let loop = group.loops[0]
    let result = await Task(executorPreference: loop) { try await body(folder, loop) }.result
    await Task.detached { group.shutdown() }.value
    try await folder.remove()
    try result.get()
}

/// Runs `body` with a shop that runs, and ends the shop afterwards.
func withRunningShop(
    _ words: [String] = [],
    _ body: @escaping @Sendable (RunningShop) async throws -> Void
) async throws {
    try await withFolder { folder, loop in
        let shop = try await RunningShop(words, in: folder, on: loop)
        let result: Result<Void, any Error>
        do {
            _ = try #require(shop.report, "\(shop.errors)")
            try await body(shop)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        let pids = shop.pids
        try await shop.kill()
        _ = try await loop.haveEnded(pids, within: .seconds(15))
        try result.get()
    }
}

/// All tests with faults, one after the other: each has a whole system running.
@Suite(.serialized, .timeLimit(.minutes(30)))
enum Faults {}
