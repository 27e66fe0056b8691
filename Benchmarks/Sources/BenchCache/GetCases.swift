import ApusCache
import ApusCore
import ApusRuntime
import BenchKit
import Synchronization

/// What a look-up in a near cache costs, on the caller's path and in all, by one thread and by two.
///
/// Callers run on loops, as handlers do: a loop tells the policy of the reads when its turn ends. So a turn here is a burst
/// of look-ups, timed by the clock, and then the turn's end, which only the row of all CPU has in it.
enum GetCases {
    private static let keys = 10_000
    /// Look-ups a turn.
    private static let burst = 100
    private static let sequence = 1 << 16

    private final class Payload: Sendable {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    static func rows(_ options: Options) throws -> [BenchKit.Row] {
        let texts = (0..<keys).map { "catalogue/products/" + String($0 + 1_000_000_000_000) }
        return try measure("get-int", bar: 25, allBar: 120, options, Array(0..<keys))
            + measure("get-string", bar: 60, allBar: 160, options, texts)
    }

    private static func measure<Key: Hashable & Sendable>(
        _ name: String,
        bar: Double,
        allBar: Double,
        _ options: Options,
        _ keys: [Key]
    ) throws -> [BenchKit.Row] {
        guard ["", "-2", "-all"].contains(where: { options.wants(name + $0) }) else { return [] }
        let group = try LoopGroup(count: 2)
        defer { group.shutdown() }
        let loops = group.loops
        let cache = Cache<Key, Payload>(name, CacheConfiguration(capacity: 16 * 1024))
        let plain = Plain<Key>(keys)
        try wait(on: loops[0]) {
            for (number, key) in keys.enumerated() { try await cache.set(Payload(number), for: key) }
        }
        var random = SeededRandom(seed: 1)
        let asked = (0..<sequence).map { _ in keys[Int.random(in: 0..<keys.count, using: &random)] }
        let turns = Int(options.seconds * 2000)
        var (one, two, all, mutex, mutexTwo) = ([Double](), [Double](), [Double](), [Double](), [Double]())
        for round in 0...options.rounds {
            let alone = try wait(on: loops[0]) { await run(turns, on: loops[0]) { burst(cache, asked, $0) } }
            let both = try pair(loops) { loop in await run(turns, on: loop) { burst(cache, asked, $0) } }
            let locked = try wait(on: loops[0]) { await run(turns, on: loops[0]) { burst(plain, asked, $0) } }
            let lockedBoth = try pair(loops) { loop in await run(turns, on: loop) { burst(plain, asked, $0) } }
            // The first round warms up.
            if round == 0 { continue }
            one.append(alone.path)
            all.append(alone.all)
            two.append(both)
            mutex.append(locked.path)
            mutexTwo.append(lockedBoth)
        }
        func row(_ suffix: String, _ own: [Double], _ peer: String, _ other: [Double], bar: Double?) -> BenchKit.Row {
            BenchKit.Row(
                name + suffix,
                metric: "cpu",
                unit: "ns/get",
                better: .lower,
                apus: own,
                peers: [peer: other],
                bar: bar
            )
        }
        return [
            row("", one, "bar", one.map { _ in bar }, bar: 1),
            row("-2", two, "one thread", one, bar: 1 / 1.5),
            row("-all", all, "bar", all.map { _ in allBar }, bar: 1),
            row("-mutex", one, "Mutex and Dictionary", mutex, bar: nil),
            row("-mutex-2", two, "Mutex and Dictionary", mutexTwo, bar: nil),
        ]
    }

    /// What one would write without a cache.
    private final class Plain<Key: Hashable & Sendable>: Sendable {
        let values: Mutex<[Key: Payload]>
        init(_ keys: [Key]) {
            var values: [Key: Payload] = [:]
            for (number, key) in keys.enumerated() { values[key] = Payload(number) }
            self.values = Mutex(values)
        }
    }

    @inline(never)
    private static func burst<Key: Hashable & Sendable>(_ cache: Cache<Key, Payload>, _ asked: [Key], _ from: Int)
        -> Int
    {
        var sum = 0
        for index in from..<from + burst { sum &+= cache.withValue(asked[index]) { $0.number } ?? 0 }
        return sum
    }

    @inline(never)
    private static func burst<Key: Hashable & Sendable>(_ plain: Plain<Key>, _ asked: [Key], _ from: Int) -> Int {
        var sum = 0
        for index in from..<from + burst { sum &+= plain.values.withLock { $0[asked[index]] }?.number ?? 0 }
        return sum
    }

    private struct Cost: Sendable {
        /// Nanoseconds a look-up on the caller's path.
        var path: Double
        /// Nanoseconds of the thread's CPU a look-up, the turns' ends included.
        var all: Double
    }

    private static func run(_ turns: Int, on loop: EventLoop, _ look: (Int) -> Int) async -> Cost {
        var times: [Int64] = []
        times.reserveCapacity(turns)
        var sum = 0
        var from = 0
        let began = threadCPU()
        for _ in 0..<turns {
            let start = SystemClock().now()
            sum &+= look(from)
            times.append((SystemClock().now() - start).nanoseconds)
            from = (from + burst) % (sequence - burst)
            await withUnsafeContinuation { continuation in loop.atTurnEnd { continuation.resume() } }
        }
        let used = threadCPU() - began
        precondition(sum > 0, "nothing was found")
        // A burst that took ten times the usual was interrupted by somebody else.
        let usual = times.sorted()[turns / 2]
        let counted = times.filter { $0 < 10 * usual }
        return Cost(
            path: Double(counted.reduce(0, +)) / Double(counted.count * burst),
            all: used / Double(turns * burst)
        )
    }

    /// The slower of two threads' paths, both at work at the same time.
    private static func pair(_ loops: [EventLoop], _ body: @escaping @Sendable (EventLoop) async -> Cost) throws
        -> Double
    {
        let isStarted = Lock(false)
        return try wait(on: loops[0]) {
            let other = Task(executorPreference: loops[1]) {
                isStarted.withLock { $0 = true }
                return await body(loops[1])
            }
            while !isStarted.withLock({ $0 }) {}
            return max(await body(loops[0]).path, await other.value.path)
        }
    }
}
