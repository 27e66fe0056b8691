import ApusCore
import ApusTesting
import Testing

@testable import ApusLoad

struct ArrivalsTests {
    /// All loops' arrivals in time order, in seconds.
    private func times(_ arrivals: Arrivals, loops: Int = 1, seed: UInt64 = 7) -> [Double] {
        var all: [Double] = []
        for index in 0..<loops {
            var sequence = ArrivalSequence(arrivals, loop: index, of: loops, seed: seed)
            while let time = sequence.next() { all.append(Double(time) / 1e9) }
        }
        return all.sorted()
    }

    @Test func `even arrivals are evenly spaced, from the first moment on`() {
        let times = times(.even(.constant(100, for: .seconds(2))))
        #expect(times.count == 200)
        for (index, time) in times.enumerated() { #expect(abs(time - Double(index) / 100) < 1e-6) }
    }

    @Test(arguments: [1, 2, 3, 8]) func `loops together have exactly the arrivals of one`(loops: Int) {
        for shape in [
            LoadShape.constant(97, for: .seconds(3)), .ramp(to: 300, for: .seconds(2)),
            .spike(to: 50, for: .seconds(5)),
        ] {
            let one = times(.even(shape))
            let all = times(.even(shape), loops: loops)
            #expect(one.count == all.count)
            for (left, right) in zip(one, all) { #expect(abs(left - right) < 1e-6) }
        }
    }

    @Test func `Poisson arrivals come at the mean rate, and their pauses spread like the exponential`() {
        let times = times(.poisson(.constant(500, for: .seconds(200))), loops: 2)
        #expect(times.count > 98_500 && times.count < 101_500)
        let pauses = zip(times.dropFirst(), times).map { $0 - $1 }
        let mean = pauses.reduce(0, +) / Double(pauses.count)
        let variance = pauses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pauses.count)
        #expect(abs(mean - 0.002) < 0.00005)
        // The exponential's standard deviation is its mean.
        #expect(abs(variance.squareRoot() - mean) < mean / 20)
    }

    @Test func `a ramp brings the area under it, more and more`() {
        let shape = LoadShape.ramp(to: 100, for: .seconds(10))
        let times = times(.even(shape))
        #expect(abs(Double(times.count) - 550) <= 1)
        #expect(times.count { $0 < 5 } < times.count { $0 >= 5 } / 2)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test func `a ramp from nothing begins`() {
        let times = times(.even(LoadShape([.init(.seconds(10), from: 0, to: 10)])))
        #expect(times.count == 50 && times.allSatisfy { $0 >= 0 && $0 < 10 })
    }

    @Test func `recorded arrivals come when they were recorded, dealt out in turn`() {
        let recorded = (0..<10).map { Duration.milliseconds($0 * $0) }
        #expect(times(.recorded(recorded), loops: 3) == recorded.map(\.seconds))
    }

    @Test func `the same seed gives the same times, another seed others`() {
        let arrivals = Arrivals.poisson(.constant(50, for: .seconds(4)))
        #expect(times(arrivals, seed: 3) == times(arrivals, seed: 3))
        #expect(times(arrivals, seed: 3) != times(arrivals, seed: 4))
    }

    @Test(arguments: 0..<200) func `whatever the stages, arrivals ascend, stay inside and add up`(round: Int) {
        let seed = TestRun.seed &+ UInt64(round)
        var random = SeededRandom(seed: seed)
        let stages = (0..<Int.random(in: 1...6, using: &random)).map { _ in
            LoadShape.Stage(
                .milliseconds(Int64.random(in: 1...3_000, using: &random)),
                from: Bool.random(using: &random) ? 0 : .random(in: 0...400, using: &random),
                to: .random(in: 0...400, using: &random)
            )
        }
        let shape = LoadShape(stages)
        let times = times(.even(shape))
        #expect(abs(Double(times.count) - shape.arrivals) <= 1, "seed \(seed)")
        #expect(times.allSatisfy { $0 >= 0 && $0 <= shape.duration.seconds }, "seed \(seed)")
    }
}

struct LoadShapeTests {
    @Test(arguments: LoadShape.names) func `every named shape has the asked peak and length`(name: String) throws {
        let shape = try LoadShape(text: name, rate: 200, duration: .seconds(60))
        #expect(abs(shape.peak - 200) < 1e-9)
        #expect(abs(shape.duration.seconds - 60) < 0.001)
        #expect(shape.arrivals > 0)
    }

    @Test func `a soak is long unless told otherwise`() throws {
        #expect(try LoadShape(text: "soak", rate: 1, duration: nil).duration == .seconds(1_800))
    }

    @Test func `stages are read as written`() throws {
        let shape = try LoadShape(text: "50:30s,50-400:1m", rate: 1, duration: nil)
        #expect(shape.stages == [.init(.seconds(30), from: 50, to: 50), .init(.seconds(60), from: 50, to: 400)])
        #expect(shape.rate(after: .seconds(60)) == 225)
        #expect(shape.rate(after: .seconds(90)) == 0 && shape.rate(after: .seconds(-1)) == 0)
    }

    @Test(arguments: [
        "", "wave", "50", "50:", ":30s", "50:30", "-5:30s", "5-6-7:30s", "0:30s", "50:0s", "nan:3s", "50:30s,",
    ])
    func `what is no shape is refused`(text: String) {
        #expect(throws: ConfigurationError.self) { try LoadShape(text: text, rate: 1, duration: nil) }
    }

    @Test(arguments: [
        ("300ms", Duration.milliseconds(300)), ("1.5s", .milliseconds(1_500)), ("5m", .seconds(300)),
        ("2h", .seconds(7_200)),
        ("250us", .microseconds(250)), ("7ns", .nanoseconds(7)),
    ]) func `times are read with their unit`(text: String, duration: Duration) {
        #expect(Duration(text: text) == duration)
    }

    @Test(arguments: ["", "5", "s", "-1s", "1e300h", "five s", "nanms"]) func `what is no time is refused`(text: String)
    {
        #expect(Duration(text: text) == nil)
    }
}
