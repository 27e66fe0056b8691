import ApusCore
import ApusDashboard
import ApusHTTP
import ApusObserve
import ApusRuntime
import Glibc

/// A process that the supervisor has started: one replica of one part.
//
// `@unchecked Sendable` is sound because its state is touched on the supervisor's loop alone.
final class Child: @unchecked Sendable {
    /// How the start of a process came out.
    enum Outcome: Sendable {
        case ready
        case ended(ChildProcess.Exit)
        case tooSlow
    }

    let name: String
    let replica: Int
    let generation: Int
    let started: Instant
    let startedWall: Int64
    private(set) var addresses = ProcessAddresses()
    private(set) var blocks: [BlockFact] = []
    /// The last line it wrote to standard error.
    private(set) var lastLine = ""
    /// What keeps it from being ready, as it said last.
    private(set) var problems: [String] = []
    private(set) var isReady = false
    private(set) var readyAt: Instant?
    /// Set once it has been told to drain.
    var isDraining = false
    var onProgress: (@Sendable (SetupSite.Progress) -> Void)?
    /// Hears each line that it writes to standard error.
    var onErrorLine: (@Sendable (String) -> Void)?
    private var pulseClient: Client?

    private let outcome = Promise<Outcome>()
    let ended = Promise<ChildProcess.Exit>()
    private let loop: EventLoop
    private let process: ChildProcess
    private let control: ControlChannel<Order, Report>
    private var questions: [Int: Promise<Report?>] = [:]
    private var nextQuestion = 0
    private var seenVersion = -1
    private var seenWaiters: [(version: Int, promise: Promise<Bool>)] = []
    private var lastPing = 0
    private var lastPong = 0
    private var isReadingErrors = true
    /// What the lines begin with that say why a program of this system fails.
    private let complaint: String

    /// Starts a process.
    ///
    /// Only on the loop's own thread.
    ///
    /// - Parameters:
    ///   - name: The part.
    ///   - replica: Which replica of it.
    ///   - generation: Which start of the replica this is.
    ///   - launch: The program, its arguments and environment.
    ///   - loop: The supervisor's.
    /// - Throws: ``SystemError`` where it cannot be started.
    init(name: String, replica: Int, generation: Int, launch: Launch, on loop: EventLoop) throws {
        self.name = name
        self.replica = replica
        self.generation = generation
        self.loop = loop
        complaint = "\(launch.system): "
        started = loop.preciseNow()
        startedWall = SystemClock().wallNanoseconds()
        let line = try SocketPair.make(theirsBlocks: false)
        let errors: (mine: Int32, theirs: Int32)
        do {
            errors = try SocketPair.make(theirsBlocks: true)
        } catch {
            Glibc.close(line.mine)
            Glibc.close(line.theirs)
            throw error
        }
        defer {
            Glibc.close(line.theirs)
            Glibc.close(errors.theirs)
        }
        do {
            process = try ChildProcess(
                path: launch.path,
                arguments: launch.arguments(name, replica, generation),
                environment: launch.environment(name),
                descriptors: [launch.input, launch.output, errors.theirs, line.theirs] + launch.listeners(name),
                on: loop
            )
        } catch {
            Glibc.close(line.mine)
            Glibc.close(errors.mine)
            throw error
        }
        control = try ControlChannel(line.mine, on: loop)
        let stderr = try Channel(adopting: errors.mine, on: loop)
        let reading = Task(executorPreference: loop) { [self] in await readErrors(stderr) }
        Task(executorPreference: loop) { [self] in await control.run { heard($0) } }
        Task(executorPreference: loop) { [self] in
            let exit = await process.wait()
            // What it wrote last may say why; a grandchild may hold the other end longer than the process lived.
            let timer = loop.schedule(at: loop.now + .milliseconds(100)) { [self] in
                if isReadingErrors { stderr.cancelWaiters() }
            }
            await reading.value
            loop.cancel(timer)
            control.close()
            pulseClient?.close()
            pulseClient = nil
            for promise in questions.values { promise.set(nil) }
            questions = [:]
            for waiter in seenWaiters { waiter.promise.set(false) }
            seenWaiters = []
            isReady = false
            outcome.set(.ended(exit))
            ended.set(exit)
        }
    }

    /// `orders/0`.
    var label: String { "\(name)/\(replica)" }
    var pid: Int32 { process.pid }
    var exit: ChildProcess.Exit? { ended.now }

    /// Waits until it serves, has ended, or `deadline` is there.
    func waitUntilReady(by deadline: Instant) async -> Outcome {
        let outcome = outcome
        let timer = loop.schedule(at: deadline) { outcome.set(.tooSlow) }
        defer { loop.cancel(timer) }
        return await outcome.wait()
    }

    // MARK: What it is told

    func tell(_ membership: Membership, version: Int) { control.send(.members(membership, version: version)) }

    /// Waits until all its loops know the members of `version`, or `deadline` is there.
    func hasSeen(_ version: Int, by deadline: Instant) async {
        if seenVersion >= version || exit != nil { return }
        let promise = Promise<Bool>()
        seenWaiters.append((version, promise))
        let timer = loop.schedule(at: deadline) { promise.set(false) }
        _ = await promise.wait()
        loop.cancel(timer)
    }

    /// Asks it to say that it will end soon, and to serve on until then.
    func leave() { control.send(.leave) }

    /// Asks it to finish what it has, and kills it when it has not ended by `deadline`.
    func drain(by deadline: Instant) async {
        guard exit == nil else { return }
        isDraining = true
        control.send(.drain)
        let timer = loop.schedule(at: deadline) { [process] in process.signal(SIGKILL) }
        _ = await ended.wait()
        loop.cancel(timer)
    }

    /// Ends it at once.
    func kill() { process.signal(SIGKILL) }

    /// Asks whether it lives.
    ///
    /// - Returns: How many earlier questions it has not answered.
    func ping() -> Int {
        lastPing += 1
        control.send(.ping(lastPing))
        return lastPing - lastPong - 1
    }

    /// Asks it something, for at most `limit`.
    func ask(_ order: (Int) -> Order, within limit: Duration = .seconds(2)) async -> Report? {
        guard exit == nil, questions.count < 64 else { return nil }
        nextQuestion += 1
        let promise = Promise<Report?>()
        questions[nextQuestion] = promise
        let question = nextQuestion
        control.send(order(question))
        let timer = loop.schedule(at: loop.now + limit) { promise.set(nil) }
        let answer = await promise.wait()
        loop.cancel(timer)
        questions[question] = nil
        return answer
    }

    /// Asks it what is new since `request`, on its own socket.
    func pulse(_ request: PulseRequest) async throws -> Pulse {
        guard exit == nil, let address = SocketAddress(addresses.administration) else {
            throw StartFailure("\(label) does not serve")
        }
        let client = pulseClient ?? Client(address, on: loop, connectionsMax: 1)
        pulseClient = client
        let response = try await client.send(ClientRequest(.get, "/pulse?\(request.query)"), within: .milliseconds(900))
        return try Pulse(packed: response.body)
    }

    /// Asks it for a document about itself, on a connection of its own, so that no pulse waits behind it.
    func document(_ path: String, within limit: Duration) async throws -> [UInt8] {
        guard exit == nil, let address = SocketAddress(addresses.administration) else {
            throw StartFailure("\(label) does not serve")
        }
        let client = Client(address, on: loop, connectionsMax: 1)
        defer { client.close() }
        let response = try await client.send(ClientRequest(.get, path), within: limit)
        guard response.status.isSuccess else { throw StartFailure("\(label) answered \(response.status.code)") }
        return response.body
    }

    // MARK: What it says

    private func heard(_ report: Report) {
        switch report {
        case .ready(let addresses, let blocks):
            self.addresses = addresses
            self.blocks = blocks
            isReady = true
            readyAt = loop.now
            outcome.set(.ready)
        case .progress(let progress): onProgress?(progress)
        case .seen(let version):
            seenVersion = max(seenVersion, version)
            for waiter in seenWaiters where waiter.version <= version { waiter.promise.set(true) }
            seenWaiters.removeAll { $0.version <= version }
        case .pong(let number, let problems):
            lastPong = max(lastPong, number)
            self.problems = problems
        case .metrics(let question, _): questions[question]?.set(report)
        }
    }

    /// Passes its standard error on, a line at a time, and keeps the last one.
    private func readErrors(_ channel: Channel) async {
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        defer {
            if !line.isEmpty { pass(line) }
            isReadingErrors = false
            channel.close()
        }
        while true {
            switch chunk.withUnsafeMutableBytes({ channel.receive(into: $0) }) {
            case .bytes(let count):
                for byte in chunk[..<count] {
                    if byte == UInt8(ascii: "\n") || line.count >= 4096 {
                        pass(line)
                        line.removeAll(keepingCapacity: true)
                    }
                    if byte != UInt8(ascii: "\n") { line.append(byte) }
                }
            case .wouldBlock: if await channel.readable(by: .distantFuture) != .ready { return }
            case .end, .failed: return
            }
        }
    }

    private func pass(_ line: [UInt8]) {
        let text = String(decoding: line, as: UTF8.self)
        guard !text.isEmpty else { return }
        // Why it could not start is said once, by whoever started it.
        if !isReady, text.hasPrefix(complaint) {
            lastLine = String(text.dropFirst(complaint.count))
            return
        }
        lastLine = text
        onErrorLine?(text)
        StandardStreams.writeError("\(label): \(text)\n")
    }
}

/// How processes of a system are started.
struct Launch: Sendable {
    let system: String
    /// This program.
    let path: String
    /// The settings that were given as flags; the rest comes with environment and file.
    let flags: [String]
    let environment: [String: String]
    let input: Int32
    let output: Int32
    /// The folder of the system's sockets.
    let sockets: String
    /// Listening sockets that a part inherits, by its name.
    var inherited: [String: [Int32]] = [:]

    func arguments(_ name: String, _ replica: Int, _ generation: Int) -> [String] {
        ["serve", name, "--replica", "\(replica)", "--generation", "\(generation)"] + flags
    }

    func environment(_ name: String) -> [String: String] {
        environment.merging([ServeCommand.controlVariable: "\(listeners(name).count)"]) { _, ours in ours }
    }

    func listeners(_ name: String) -> [Int32] { inherited[name] ?? [] }
}
