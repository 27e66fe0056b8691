import ApusObserve
import ApusRuntime
import Testing

@testable import ApusDashboard

@Suite struct LogBookTests {
    private func record(_ time: Int64, _ message: String, _ level: LogLevel = .info, fields: [LogRecord.Field] = [])
        -> LogRecord
    {
        LogRecord(time: time, level: level, logger: "shop", message: message, traceHigh: 1, traceLow: 2, fields: fields)
    }
    private let web = PartName(part: "web", replica: 0)
    private let orders = PartName(part: "orders", replica: 1)

    private func question(_ change: (inout LogBook.Question) -> Void = { _ in }) -> LogBook.Question {
        var question = LogBook.Question()
        change(&question)
        return question
    }

    @Test func `lines are found by words, part, level, trace and number`() async {
        let book = LogBook(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        book.add(
            [record(1, "order placed", fields: [.init("order", "A-1")]), record(2, "order refused", .warning)],
            from: orders
        )
        book.add([record(3, "page shown")], from: web)
        #expect(await book.list(question()).map(\.message) == ["page shown", "order refused", "order placed"])
        #expect(await book.list(question { $0.words = ["order", "placed"] }).count == 1)
        #expect(await book.list(question { $0.words = ["order=a-1"] }).count == 1)
        #expect(await book.list(question { $0.parts = ["orders"] }).count == 2)
        #expect(await book.list(question { $0.parts = ["orders/0"] }).isEmpty)
        #expect(await book.list(question { $0.level = .warning }).count == 1)
        #expect(await book.list(question { $0.trace = TraceID(high: 1, low: 2) }).count == 3)
        #expect(await book.list(question { $0.trace = TraceID(high: 1, low: 3) }).isEmpty)
        #expect(await book.list(question { $0.after = 1 }).map(\.number) == [2])
        #expect(await book.list(question { $0.most = 1 }).map(\.message) == ["page shown"])
        #expect(await book.list(question { $0.to = 1 }).map(\.message) == ["order placed"])
    }

    @Test func `older lines are searched on disk, after a restart too`() async throws {
        let folder = try TemporaryFolder()
        try await onLoop { _ in
            let pool = BlockingPool(threadsMax: 1, waitersMax: 8)
            func book() throws -> LogBook {
                LogBook(
                    disk: try SegmentRing(folder: folder.path, name: "l", segmentBytes: 1 << 20, segmentsMax: 8),
                    pool: pool
                )
            }
            let first = try book()
            first.add((1...100).map { record(Int64($0), "line \($0)") }, from: web)
            await first.store()
            let second = try book()
            second.add([record(200, "line of now")], from: web)
            let found = await second.list(question { $0.most = 3 })
            #expect(found.map(\.message) == ["line of now", "line 100", "line 99"])
            #expect(await second.list(question { $0.words = ["line", "42"] }).map(\.message) == ["line 42"])
            pool.shutdown()
        }
    }

    @Test func `memory is bounded`() async {
        let book = LogBook(disk: nil, pool: BlockingPool(threadsMax: 1, waitersMax: 1))
        for part in 0..<30 { book.add((0..<1000).map { record(Int64(part * 1000 + $0), "line") }, from: web) }
        #expect(await book.list(question { $0.most = .max }).count == LogBook.linesMax)
    }
}
