import ApusCore
import ApusTesting
import Testing

struct DecimalTests {
    private func written(_ number: UInt64) -> String {
        withUnsafeTemporaryAllocation(byteCount: Decimal.digitsMax, alignment: 1) { place in
            guard let base = place.baseAddress else { return "" }
            let count = Decimal.write(number, to: base)
            return String(decoding: place[..<count], as: UTF8.self)
        }
    }

    @Test func `every number of up to four digits is written as Swift writes it`() {
        for number in 0..<UInt64(10_000) { #expect(written(number) == "\(number)") }
    }

    @Test func `numbers round the powers of ten, and random ones, are written as Swift writes them`() {
        var random = SeededRandom(seed: TestRun.seed)
        var power: UInt64 = 1
        var numbers: [UInt64] = [.max, .max - 1]
        for _ in 0..<20 {
            numbers += [power &- 1, power, power &+ 1]
            power = power.multipliedReportingOverflow(by: 10).overflow ? power : power * 10
        }
        for _ in 0..<10_000 { numbers.append(random.next() >> UInt64.random(in: 0..<64, using: &random)) }
        for number in numbers {
            #expect(written(number) == "\(number)", "seed \(TestRun.seed)")
            #expect(Decimal.count(number) == "\(number)".count)
        }
    }
}
