import ApusObserve
import ApusRuntime
import Testing

@testable import ApusDashboard

@Suite struct TraceBookTests {
    private static let second: Int64 = 1_000_000_000
    private let edge = PartName(part: "edge", replica: 0)
    private let web = PartName(part: "web", replica: 1)

    private func fill(_ book: TraceBook) {
        book.add(
            [
                span(
                    "edge",
                    trace: 1,
                    id: 1,
                    milliseconds: 9,
                    attributes: [.init("url.path", "/books/1"), .init("http.request.method", "GET")]
                )
            ],
            from: edge,
            at: 0
        )
        book.add(
            [
                span(
                    "GET /books/{id}",
                    trace: 1,
                    id: 2,
                    parent: 1,
                    milliseconds: 8,
                    attributes: [.init("url.path", "/books/1")]
                )
            ],
            from: web,
            at: 0
        )
        book.add(
            [
                span(
                    "edge",
                    trace: 2,
                    id: 3,
                    began: 2 * Self.second,
                    milliseconds: 400,
                    failed: true,
                    attributes: [.init("url.path", "/nowhere"), .init("http.request.method", "GET")]
                )
            ],
            from: edge,
            at: 0
        )
    }

    @Test func `a trace is put together from its processes, and named after its route`() async {
        let book = TraceBook(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        fill(book)
        let list = book.list(TraceBook.Question())
        #expect(list.map(\.name) == ["GET /nowhere", "GET /books/{id} /books/1"])
        #expect(list[1].parts == ["edge", "web"] && list[1].spans == 2 && list[1].nanoseconds == 9_000_000)
        let spans = await book.spans(of: TraceID(high: 7, low: 1))
        #expect(spans.map(\.part) == ["edge/0", "web/1"])
        #expect(spans[1].parent == spans[0].span)
    }

    @Test func `a list is narrowed by part, time, failure and text`() {
        let book = TraceBook(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        fill(book)
        func count(_ change: (inout TraceBook.Question) -> Void) -> Int {
            var question = TraceBook.Question()
            change(&question)
            return book.list(question).count
        }
        #expect(count { $0.parts = ["web"] } == 1)
        #expect(count { $0.parts = ["edge/0"] } == 2)
        #expect(count { $0.least = 100_000_000 } == 1)
        #expect(count { $0.failedOnly = true } == 1)
        #expect(count { $0.text = "books" } == 1)
        #expect(count { $0.to = Self.second } == 1)
        #expect(count { $0.most = 1 } == 1)
    }

    @Test func `what is complete goes to the disk, and is there after a restart`() async throws {
        let folder = try TemporaryFolder()
        try await onLoop { _ in
            let pool = BlockingPool(threadsMax: 1, waitersMax: 8)
            func ring() throws -> SegmentRing {
                try SegmentRing(folder: folder.path, name: "t", segmentBytes: 1 << 20, segmentsMax: 64)
            }
            let first = TraceBook(disk: try ring(), pool: pool)
            fill(first)
            first.tick(at: Self.second)
            await first.store()
            #expect(try ring().bytes == 0)
            first.tick(at: 3 * Self.second)
            await first.store()
            let second = TraceBook(disk: try ring(), pool: pool)
            await second.restore()
            #expect(second.list(TraceBook.Question()) == first.list(TraceBook.Question()))
            #expect(await second.spans(of: TraceID(high: 7, low: 1)).count == 2)
            pool.shutdown()
        }
    }

    @Test func `memory is bounded, whatever comes`() {
        let book = TraceBook(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        for trace in 1...5000 { book.add([span("edge", trace: UInt64(trace), id: UInt64(trace))], from: edge, at: 0) }
        for id in 1...2000 { book.add([span("edge", trace: 9999, id: UInt64(id))], from: edge, at: 0) }
        var question = TraceBook.Question()
        question.most = .max / 4
        let list = book.list(question)
        #expect(list.count == TraceBook.tracesMax)
        #expect(list.map(\.spans).max() == TraceRecord.spansMax)
    }

    @Test func `the share falls at once where too many traces begin, and comes back slowly`() {
        let book = TraceBook(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        book.tick(at: Self.second)
        for trace in 1...200 { book.add([span("edge", trace: UInt64(trace), id: UInt64(trace))], from: edge, at: 0) }
        book.tick(at: 2 * Self.second)
        #expect(book.share == 0.1)
        for second in 3...40 { book.tick(at: Int64(second) * Self.second) }
        #expect(book.share == 1)
    }

    @Test func `a bucket gives what was saved up, then what a second brings`() {
        var bucket = TokenBucket(rate: 100, most: 1000)
        let answers = [
            bucket.take(1000, at: 0), bucket.take(1, at: 0), bucket.take(100, at: Self.second),
            bucket.take(1, at: Self.second), bucket.take(1000, at: 100 * Self.second),
        ]
        #expect(answers == [true, false, true, false, true])
    }
}
