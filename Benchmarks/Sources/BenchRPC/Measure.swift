import Apus
import ApusCore
import ApusHTTP
import ApusRuntime
import BenchKit
import FoundationEssentials
import Glibc

/// CPU time of this process, in nanoseconds.
func processCPU() -> Double { cpu(CLOCK_PROCESS_CPUTIME_ID) }

/// CPU time of this thread, in nanoseconds.
func threadCPU() -> Double { cpu(CLOCK_THREAD_CPUTIME_ID) }

private func cpu(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// CPU nanoseconds of this thread a repetition of `body`, over at least `seconds`.
func repeated(seconds: Double, _ body: () throws -> Void) rethrows -> Double {
    let start = threadCPU()
    var count = 0.0
    while threadCPU() - start < seconds * 1e9 {
        for _ in 0..<200 { try body() }
        count += 200
    }
    return (threadCPU() - start) / count
}

/// Where the caller's side of the benchmark runs: one loop of this process, and the callee in a child.
final class Caller {
    private let group: LoopGroup
    private let system: ApusActorSystem
    private let callee: Child
    var loop: EventLoop { group.loops[0] }
    let handle: any Orders
    let client: Client

    /// Starts the callee and waits until it answers.
    init(_ scratch: Scratch, callee arguments: [String]) throws {
        group = try LoopGroup(count: 1)
        callee = try Child([Program.path, "callee"] + arguments, output: scratch.url.appending(path: "callee.log"))
        let loop = group.loops[0]
        let address = SocketAddress.unix(path: arguments[0])
        let client = Client(.unix(path: arguments[1]), on: loop)
        self.client = client
        (system, handle) = try wait(on: loop) {
            let system = try ApusActorSystem(loop: loop)
            system.update(ServiceDirectory(["orders": [.init(address, replica: 0)]]))
            let handle = try system.service(orders)
            guard try await handle.add(20, 22) == 42 else { throw BenchError("the callee adds wrongly") }
            guard try await HTTPPeer.place(.sample, client, .foundation).isAccepted,
                try await HTTPPeer.place(.sample, client, .own).isAccepted
            else { throw BenchError("the callee does not accept an order") }
            return (system, handle)
        }
    }

    /// One side's and both sides' CPU of a call, in microseconds.
    struct Cost {
        var caller: Double
        var callee: Double
        var both: Double { caller + callee }
    }

    /// Calls for `seconds` with `lanes` calls under way, and divides the CPU of both processes by the calls.
    func cost(lanes: Int, seconds: Double, _ call: @escaping @Sendable (Int) async throws -> Void) throws -> Cost {
        let loop = loop
        let deadline = SystemClock().now() + .nanoseconds(Int64(seconds * 1e9))
        let (own, other) = (processCPU(), callee.cpuNanoseconds())
        let calls = try wait(on: loop) {
            try await withThrowingTaskGroup(of: Int.self) { tasks in
                for lane in 0..<lanes {
                    tasks.addTask(executorPreference: loop) {
                        var count = 0
                        while loop.now < deadline {
                            try await call(lane)
                            count += 1
                        }
                        return count
                    }
                }
                return try await tasks.reduce(0, +)
            }
        }
        let count = Double(calls)
        return Cost(
            caller: (processCPU() - own) / count / 1000,
            callee: (callee.cpuNanoseconds() - other) / count / 1000
        )
    }

    /// Ends both sides.
    func stop() {
        let (client, system) = (client, system)
        _ = try? wait(on: loop) {
            client.close()
            system.close()
        }
        callee.stop()
    }
}
