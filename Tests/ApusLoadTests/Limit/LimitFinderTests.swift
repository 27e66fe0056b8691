import ApusCore
import ApusTesting
import Testing

@testable import ApusLoad

/// A measurement of a queue whose service takes `1 / knee` and whose p99 grows as theory has it.
private func measurement(_ rate: Double, holds: Bool, p99: Double) -> LimitFinding.Step {
    LimitFinding.Step(rate: rate, answered: rate, p50: p99 / 5, p99: p99, errors: 0, holds: holds)
}

/// Runs a search to its end.
private func search(
    from start: Double,
    to rateMax: Double = 1_000_000,
    _ measure: (Double) -> LimitFinding.Step
) -> LimitFinding? {
    var finder = LimitFinder([Threshold(.p99, 0.05)], from: start, to: rateMax)
    for _ in 0...LimitFinder.stepsMax {
        switch finder.next {
        case .measure(let rate): finder.measured(measure(rate))
        case .done(let finding): return finding
        }
    }
    Issue.record("a search without an end")
    return nil
}

/// p99 of a queue with random arrivals and service at the mean rate `capacity` (M/M/1): ln(100) / (capacity - rate).
private func queue(_ rate: Double, capacity: Double) -> LimitFinding.Step {
    let p99 = rate < capacity ? 4.605 / (capacity - rate) : 10
    return measurement(rate, holds: p99 <= 0.05, p99: p99)
}

struct LimitFinderTests {
    @Test(arguments: [130.0, 500, 1_000, 8_000, 40_000], [1.0, 50, 600])
    func `the knee of a queue is found to 8%, wherever the search starts`(capacity: Double, start: Double) throws {
        let knee = capacity - 4.605 / 0.05
        let finding = try #require(search(from: start) { queue($0, capacity: capacity) })
        #expect(finding.knee <= knee && finding.knee >= knee / 1.09, "\(finding.knee) of \(knee)")
        let upper = try #require(finding.to)
        #expect(upper >= knee && upper / finding.knee <= LimitFinder.precision + 1e-9)
        #expect(finding.confidence == "high")
        #expect(abs(finding.safe - finding.knee * 0.7) < 1e-9)
        #expect(finding.steps.count <= LimitFinder.stepsMax)
    }

    @Test func `one unlucky measurement does not move the knee`() throws {
        var isFirst = true
        let finding = try #require(
            search(from: 50) { rate in
                if rate >= 400, isFirst {
                    isFirst = false
                    return measurement(rate, holds: false, p99: 0.4)
                }
                return queue(rate, capacity: 2_000)
            }
        )
        #expect(finding.knee > 1_700)
    }

    @Test func `where one measurement in six is disturbed, 95 of 100 searches still find the knee`() throws {
        var off: [Double] = []
        for seed in 0..<UInt64(100) {
            var random = SeededRandom(seed: seed)
            let finding = try #require(
                search(from: 50) { rate in
                    // One in six is disturbed by something else on the machine.
                    if Int.random(in: 0..<6, using: &random) == 0 { return measurement(rate, holds: false, p99: 0.3) }
                    let noise = Double.random(in: 0.95...1.05, using: &random)
                    return queue(rate * noise, capacity: 1_000)
                }
            )
            if finding.knee < 400 || finding.knee > 1_000 { off.append(finding.knee) }
            #expect(finding.steps.count <= LimitFinder.stepsMax)
        }
        #expect(off.count <= 5, "\(off)")
    }

    @Test func `a system that keeps no promise at any rate has no knee`() throws {
        let finding = try #require(search(from: 50) { measurement($0, holds: false, p99: 1) })
        #expect(finding.knee == 0 && finding.confidence == "low")
    }

    @Test func `a system that nothing breaks is said to carry more`() throws {
        let finding = try #require(search(from: 50, to: 1_000) { measurement($0, holds: true, p99: 0.001) })
        #expect(finding.knee == 1_000 && finding.to == nil)
        #expect(finding.confidence == "low" && finding.reason.contains("may carry more"))
    }

    @Test func `a generator that does not keep up is no limit of the system`() throws {
        let finding = try #require(
            search(from: 100) { rate in
                var step = measurement(rate, holds: rate < 3_000, p99: 0.002)
                step.isGenerator = rate >= 3_000
                return step
            }
        )
        #expect(finding.confidence == "low" && finding.reason.contains("generator"))
    }
}

struct BottleneckTests {
    private func reading(
        at: Int64,
        busy: Int64,
        disks: [String: Int64] = [:],
        _ processes: [String: [Int32: (String, Int64, Int64)]]
    ) -> MachineReading {
        MachineReading(
            at: at,
            cores: 2,
            busy: busy,
            disks: disks,
            processes: processes.mapValues { $0.mapValues { .init(name: $0.0, ran: $0.1, waited: $0.2) } }
        )
    }

    private let second: Int64 = 1_000_000_000

    @Test func `a loop that uses its core up is the limit`() {
        let found = Bottleneck(
            from: reading(at: 0, busy: 0, ["web/0": [7: ("loop-0", 5, 0)], "orders/1": [9: ("loop-0", 0, 0)]]),
            to: reading(
                at: second,
                busy: second * 12 / 10,
                ["web/0": [7: ("loop-0", second * 97 / 100 + 5, 0)], "orders/1": [9: ("loop-0", second / 5, 0)]]
            )
        )
        #expect(found.resource == .thread && found.process == "web/0" && found.thread == "loop-0")
        #expect(abs(found.share - 0.97) < 1e-6)
        #expect(found.processes.map(\.process) == ["web/0", "orders/1"])
    }

    @Test func `threads that wait for cores point at the cores`() {
        let found = Bottleneck(
            from: reading(at: 0, busy: 0, ["web/0": [7: ("loop-0", 0, 0)]]),
            to: reading(at: second, busy: second * 195 / 100, ["web/0": [7: ("loop-0", second / 2, second * 45 / 100)]])
        )
        #expect(found.resource == .cores && found.process == "web/0")
        #expect(abs(found.processes[0].waited - 0.45) < 1e-6)
    }

    @Test func `a disk that never rests is the limit, and else something waits`() {
        let idle = reading(at: 0, busy: 0, disks: ["vda": 0], ["web/0": [7: ("loop-0", 0, 0)]])
        let thread: [String: [Int32: (String, Int64, Int64)]] = ["web/0": [7: ("loop-0", second / 10, 0)]]
        #expect(
            Bottleneck(from: idle, to: reading(at: second, busy: second / 5, disks: ["vda": second * 9 / 10], thread))
                .resource == .disk
        )
        let rest = reading(at: second, busy: second / 5, disks: ["vda": 1], thread)
        #expect(Bottleneck(from: idle, to: rest).resource == .waiting)
        #expect(Bottleneck(from: idle, to: rest, isGenerator: true).resource == .generator)
    }

    @Test func `the kernel's accounts are read`() {
        #expect(MachineReading.thread(named: "loop-0\n", "123 45 6\n") == .init(name: "loop-0", ran: 123, waited: 45))
        #expect(MachineReading.thread(named: "loop-0\n", "") == nil)
        #expect(MachineReading.busy("cpu  10 0 5 100 7 0 1 2 0 0\ncpu0 1 1 1 1\n") == 18 * 10_000_000)
        #expect(MachineReading.busy("nothing") == 0)
        let disks = " 254 0 vda 1 2 3 4 5 6 7 8 0 123 9 0 0 0 0\n 7 0 loop0 1 2 3 4 5 6 7 8 0 9 9\n"
        #expect(MachineReading.disks(disks) == ["vda": 123_000_000])
    }
}
