public import ApusCore
public import ApusRuntime
import Glibc

// `@unchecked Sendable` is sound because everything happens on the thread that made the machine, which `check` sees to.

/// A machine without threads, sockets or waiting: loops stand on it, and a seed decides everything that chance may.
///
/// Time moves only when nothing is left to do, straight to whatever comes next. The order in which loops take their
/// turns, how long data travels, where it is torn and whether a connection breaks all come from the seed, so a run
/// with the same seed is the same run, and has the same ``trace``.
///
/// Code under test must stay on the loops: a job that comes from another thread stops the program, since what it does
/// would differ from run to run.
public final class SimulatedMachine: Machine, @unchecked Sendable {
    /// The seed that decides.
    public let seed: UInt64
    /// The loops, by their index.
    public private(set) var loops: [EventLoop] = []
    /// A hash of everything that happened, in order, with its time.
    public private(set) var trace: UInt64
    /// How many things happened.
    public private(set) var eventCount = 0
    /// Turns the loops have taken.
    public private(set) var turnCount = 0

    let network: SimulatedNetwork
    private let time: ManualClock
    private let thread = pthread_self()
    // Chance is split, so that one more draw for the network does not move the scheduler.
    private var scheduling: SeededRandom
    private var traffic: SeededRandom
    private var drawn: SeededRandom
    private var wishes: [Instant] = []
    private var events = EventHeap()
    var sockets = SocketTable()

    /// A machine with `loops` loops, at simulated 2026-01-01.
    public init(seed: UInt64, loops count: Int = 1, network: SimulatedNetwork = SimulatedNetwork()) throws {
        self.seed = seed
        self.network = network
        time = ManualClock()
        trace = seed
        scheduling = SeededRandom(seed: seed ^ 0x5C)
        traffic = SeededRandom(seed: seed ^ 0x7F00)
        drawn = SeededRandom(seed: seed ^ 0xD2_0000)
        for index in 0..<count {
            loops.append(try EventLoop(index: index, on: self))
            wishes.append(.distantFuture)
        }
    }

    /// The simulated time.
    public var clock: any Clock { time }

    // MARK: Running

    /// Runs `body` on the first loop, and the machine until it returns.
    ///
    /// A machine runs once.
    ///
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws; ``Stalled`` when nothing is left to do and it has not returned.
    public func run<Result: Sendable>(
        _ body: @escaping @Sendable (SimulatedMachine) async throws -> Result
    ) throws -> Result {
        check()
        precondition(!loops.isEmpty, "a simulated machine runs once")
        let outcome = Lock<Swift.Result<Result, any Error>?>(nil)
        let task = Task(executorPreference: loops[0]) { [self] in
            do {
                let value = try await body(self)
                outcome.withLock { $0 = .success(value) }
            } catch {
                outcome.withLock { $0 = .failure(error) }
            }
        }
        while true {
            if let result = outcome.withLock({ $0 }) {
                settle()
                // Machine and loops hold one another.
                loops = []
                return try result.get()
            }
            guard step() else {
                task.cancel()
                throw Stalled(seed: seed, time: time.now())
            }
        }
    }

    /// Nothing is left that could happen, and what was asked for has not.
    public struct Stalled: Error, CustomStringConvertible {
        /// The machine's seed.
        public let seed: UInt64
        /// The simulated time.
        public let time: Instant
        /// One line that says how to repeat it.
        public var description: String {
            "everything waits for ever at \(time.nanoseconds) ns, or has left its loop; seed \(seed)"
        }
    }

    /// Takes the turns that are due now, so that what has ended lets go of its memory.
    private func settle() {
        while let loop = readyLoop() { turn(loop) }
    }

    /// Does one thing.
    ///
    /// - Returns: False when there is nothing to do, now or ever.
    private func step() -> Bool {
        if let loop = readyLoop() {
            turn(loop)
            return true
        }
        let nextWish = wishes.min() ?? .distantFuture
        let next = min(nextWish, events.next ?? .distantFuture)
        guard next < .distantFuture else { return false }
        if next > time.now() { time.advance(by: next - time.now()) }
        while let event = events.popDue(at: time.now()) {
            note(event.kind.rawValue, event.socket, event.bytes.count)
            if let report = sockets.happen(event, on: self) { tell(report, of: event.socket) }
        }
        return true
    }

    private func tell(_ report: SocketTable.Report, of socket: Int32) {
        report.loop.report(
            socket: socket,
            readable: report.readable,
            writable: report.writable,
            closed: report.closed
        )
        wishes[report.loop.index] = time.now()
    }

    private func readyLoop() -> EventLoop? {
        let now = time.now()
        let ready = wishes.indices.filter { wishes[$0] <= now }
        guard !ready.isEmpty else { return nil }
        return loops[ready[Int(scheduling.next() % UInt64(ready.count))]]
    }

    private func turn(_ loop: EventLoop) {
        wishes[loop.index] = .distantFuture
        turnCount += 1
        note(1, Int32(truncatingIfNeeded: loop.index), 0)
        let wish = loop.turn()
        wishes[loop.index] = min(wishes[loop.index], wish)
    }

    // MARK: Chance and the record of it

    func note(_ kind: UInt8, _ number: Int32, _ count: Int) {
        eventCount += 1
        for part in [Int64(kind), Int64(number), Int64(count), time.now().nanoseconds] {
            trace = XXHash64.hash(part, seed: trace)
        }
    }

    func note(_ bytes: UnsafeRawBufferPointer) { trace = XXHash64.hash(bytes, seed: trace) }

    /// Whether something happens that does so in `share` of 1,000 cases.
    func chance(_ share: Int) -> Bool { share > 0 && traffic.next() % 1000 < UInt64(share) }

    /// A number from 1 to `most`.
    func pick(_ most: Int) -> Int { most <= 1 ? most : 1 + Int(traffic.next() % UInt64(most)) }

    func delay() -> Duration {
        let spread = max(1, (network.delayMax - network.delayMin).nanoseconds)
        return network.delayMin + .nanoseconds(Int64(traffic.next() % UInt64(spread)))
    }

    func schedule(_ event: NetworkEvent, at instant: Instant) { events.insert(event, at: instant) }

    private func check() {
        precondition(
            pthread_equal(thread, pthread_self()) != 0,
            "a simulated machine's loops got a job from another thread: the code under test left its loop"
        )
    }

    // MARK: Machine

    /// A number from the seed.
    public func random() -> UInt64 {
        check()
        return drawn.next()
    }

    /// A listening socket; `EADDRINUSE` where another loop listens there.
    public func listen(at address: SocketAddress, for loop: EventLoop) -> Int32 {
        check()
        return sockets.listen(at: address, for: loop)
    }

    /// The next connection that has arrived.
    public func accept(_ listener: Int32) -> Int32? { sockets.accept(listener, on: self) }

    /// A connection on its way; `ECONNREFUSED` where nobody listens.
    public func connect(to address: SocketAddress, for loop: EventLoop) -> Int32 {
        check()
        return sockets.connect(to: address, for: loop, on: self)
    }

    /// Reads what has arrived, or a part of it.
    public func receive(_ socket: Int32, into bytes: UnsafeMutableRawBufferPointer) -> Channel.IOResult {
        sockets.receive(socket, into: bytes, on: self)
    }

    /// Sends what the other side has room for.
    public func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Channel.IOResult {
        sockets.send(socket, bytes, on: self)
    }

    /// Ends what this side sends; what was sent before still arrives.
    public func shutdownWriting(_ socket: Int32) { sockets.shutdownWriting(socket, on: self) }

    /// Closes; what was sent before still arrives.
    public func close(_ socket: Int32) { sockets.close(socket, on: self) }

    /// Gives the loop a turn.
    public func wake(_ loop: EventLoop) {
        check()
        wishes[loop.index] = time.now()
    }
}
