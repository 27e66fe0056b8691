import ApusCore
import ApusRuntime
import Glibc
import Testing

@testable import ApusObserve

@Suite(.timeLimit(.minutes(5)))
struct MetricsTests {
    @Test func `counts of many threads add up`() async {
        let metrics = Metrics()
        let counter = metrics.counter("test_total", help: "Test.")
        let gauge = metrics.gauge("test", help: "Test.")
        let histogram = metrics.histogram("test_seconds", help: "Test.")
        let hdr = metrics.hdrHistogram("test_hdr_seconds", help: "Test.")
        // More threads than slots: some share the atomic one.
        await onThreads(80) { index in
            for step in 0..<5000 {
                counter.increment()
                gauge.add(index % 2 == 0 ? 3 : -1)
                histogram.record(Int64(step * 1_000_000))
                hdr.record(Int64(step))
            }
        }
        #expect(counter.value == 400_000)
        #expect(gauge.value == 80 * 5000)
        #expect(histogram.snapshot().count == 400_000)
        #expect(histogram.snapshot().sum == 80 * 1_000_000 * (4999 * 5000 / 2))
        #expect(hdr.snapshot().count == 400_000)
    }

    @Test func `threads that end give their slots back`() async {
        let metrics = Metrics()
        let counter = metrics.counter("test_total", help: "Test.")
        for _ in 0..<5 { await onThreads(60) { _ in counter.increment() } }
        #expect(counter.value == 300)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `every value falls into the bucket that a linear search finds`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bounds = Set(
            (0..<Int.random(in: 1...40, using: &random)).map { _ in
                UInt64.random(in: 0...(1 << UInt64.random(in: 1...63, using: &random)), using: &random)
            }
        ).sorted()
        let shape = HistogramShape(bounds: bounds)
        #expect(shape.bounds == bounds)
        for _ in 0..<20_000 {
            var value = UInt64.random(in: 0...(1 << UInt64.random(in: 1...63, using: &random)), using: &random)
            if Bool.random(using: &random), let near = bounds.randomElement(using: &random) {
                value = near &+ UInt64.random(in: 0...2, using: &random) &- 1
            }
            #expect(
                shape.bucket(of: value) == bounds.firstIndex { value <= $0 } ?? bounds.count,
                "seed \(seed): \(value)"
            )
        }
    }

    @Test func `HDR buckets are contiguous and no wider than 1 in 32`() {
        for bucket in 0..<HDRHistogram.bucketCount - 1 {
            let low = HDRHistogram.lowest(bucket)
            let high = HDRHistogram.bounds[bucket]
            #expect(HDRHistogram.bucket(of: low) == bucket)
            #expect(HDRHistogram.bucket(of: high) == bucket)
            #expect(HDRHistogram.bucket(of: high + 1) == bucket + 1)
            #expect(Double(high - low) <= Double(low) / 32 || high == low)
        }
        #expect(HDRHistogram.bucket(of: .max) == HDRHistogram.bucketCount - 1)
    }

    @Test func `quantiles are right to 1 in 32`() throws {
        let metrics = Metrics()
        let hdr = metrics.hdrHistogram("test_seconds", help: "Test.")
        for value in 1...100_000 { hdr.record(Int64(value) * 1000) }
        let snapshot = hdr.snapshot()
        for quantile in [0.5, 0.9, 0.99, 0.999, 1] {
            let exact = quantile * 100_000_000
            #expect(abs(try #require(snapshot.quantile(quantile)) - exact) <= exact / 32)
        }
        #expect(snapshot.since(snapshot).quantile(0.5) == nil)
        let coarse = snapshot.coarse()
        #expect(coarse.count == snapshot.count)
        #expect(coarse.bounds.count < 40)
    }

    @Test func `a family has a bound, beyond which values share a series`() throws {
        let metrics = Metrics()
        let family = metrics.counters("test_total", help: "Test.", labels: ["user"], seriesMax: 3)
        for user in 0..<10 { family.series("u\(user)").increment() }
        family.series("u1").increment()
        let snapshot = metrics.snapshot()
        let test = try #require(snapshot.first { $0.name == "test_total" })
        #expect(test.series.map(\.labelValues) == [["u0"], ["u1"], ["u2"], ["other"]])
        #expect(test.series.map(\.value) == [.integer(1), .integer(2), .integer(1), .integer(7)])
        let dropped = try #require(snapshot.first { $0.name == "apus_metrics_series_dropped_total" })
        #expect(dropped.series == [.init(labelValues: ["test_total"], value: .integer(7))])
    }

    @Test func `the same name gives the same instrument`() {
        let metrics = Metrics()
        metrics.counter("test_total", help: "Test.").increment()
        metrics.counter("test_total", help: "Test.").increment()
        #expect(metrics.counter("test_total", help: "Test.").value == 2)
    }
}
