import ApusHTTP
import ApusObserve
import ApusRuntime

extension DashboardRoutes {
    /// Most pages that are kept up to date at once; each costs a connection and a picture a second.
    static let streamsMax = 32

    /// Server-sent events: the picture each second, lines as they come.
    func streams(_ router: inout RouterBuilder) {
        let open = OpenStreams()
        let drawn = DrawnPicture()
        loadStream(&router, open)
        router.on(ApusHTTP.Route(.get, "/api/live")) { exchange in
            let window = try Query(exchange).number("window", in: 1...3600, or: 5)
            try await open.stream(exchange, dashboard) { round in
                [StreamEvent("picture", try await drawn.json(round, window, dashboard))]
            }
        }
        router.on(ApusHTTP.Route(.get, "/api/logs/live")) { exchange in
            var question = try Query(exchange).lines(dashboard)
            if question.after < 0 { question.after = dashboard.logs.next - 1 }
            // Each round goes on after the last one's newest line.
            let cursor = Cursor(question.after)
            let asked = question
            try await open.stream(exchange, dashboard) { _ in
                var question = asked
                question.after = cursor.value
                let lines = await dashboard.logs.list(question)
                cursor.value = dashboard.logs.next - 1
                return try lines.reversed().map { StreamEvent("line", try Self.json($0)) }
            }
        }
    }

    /// A load run as it goes: all of it at first, then what is new.
    func loadStream(_ router: inout RouterBuilder, _ open: OpenStreams) {
        router.on(ApusHTTP.Route(.get, "/api/loads/live")) { exchange in
            let told = Told()
            try await open.stream(exchange, dashboard, each: { source.loads?.status?.revision ?? 0 }) { _ in
                guard let status = source.loads?.status else { return [] }
                let from = told.run == status.number ? told.samples : 0
                told.run = status.number
                told.samples = status.samples.count
                return [StreamEvent("run", try Self.json(status.after(from)))]
            }
        }
    }

    static func json(_ document: some Encodable) throws -> [UInt8] {
        var writer = ByteWriter()
        try JSONBody().encode(document, to: &writer)
        return Array(writer.bytes)
    }
}

/// A server-sent event.
struct StreamEvent {
    let name: StaticString
    let data: [UInt8]

    init(_ name: StaticString, _ data: [UInt8]) {
        self.name = name
        self.data = data
    }
}

/// The latest picture, drawn once for all pages that show the same stretch.
//
// `@unchecked Sendable` is sound because it is touched on the dashboard's loop alone.
private final class DrawnPicture: @unchecked Sendable {
    private var drawn: [Double: (round: Int, json: [UInt8])] = [:]

    func json(_ round: Int, _ window: Double, _ dashboard: Dashboard) async throws -> [UInt8] {
        if let known = drawn[window], known.round == round { return known.json }
        let json = try DashboardRoutes.json(await dashboard.picture(window: window))
        // Few stretches are asked for; whoever makes many up gets them drawn each time.
        if drawn.count > 8 { drawn = [:] }
        drawn[window] = (round, json)
        return json
    }
}

/// Where a stream stands.
//
// `@unchecked Sendable` is sound because it is touched on the dashboard's loop alone.
private final class Cursor: @unchecked Sendable {
    var value: Int
    init(_ value: Int) { self.value = value }
}

/// What a stream has told of a load run.
//
// `@unchecked Sendable` is sound because it is touched on the dashboard's loop alone.
private final class Told: @unchecked Sendable {
    var run = 0
    var samples = 0
}

/// The streams that are open; all on the dashboard's loop.
//
// `@unchecked Sendable` is sound because its state is touched on the dashboard's loop alone.
final class OpenStreams: @unchecked Sendable {
    private var count = 0

    /// Sends what `events` gives whenever `each` has another value, which is once a round of the dashboard unless said;
    /// until the client goes or the dashboard ends.
    func stream(
        _ exchange: Exchange,
        _ dashboard: Dashboard,
        each: (() -> Int)? = nil,
        _ events: (Int) async throws -> [StreamEvent]
    ) async throws {
        guard count < DashboardRoutes.streamsMax else {
            throw Problem(.serviceUnavailable, code: "stream.tooMany", detail: "too many pages are open")
        }
        count += 1
        defer { count -= 1 }
        exchange.setField("Cache-Control", "no-store")
        exchange.beginStreaming(type: "text/event-stream")
        var last: Int?
        var quiet = 0
        while !dashboard.isEnding {
            let now = each?() ?? dashboard.rounds
            quiet += 1
            // Now and then also without news, so that a client that has gone is noticed.
            if now != last || quiet >= 50 {
                try await send(now == last ? [] : try await events(dashboard.rounds), exchange)
                last = now
                quiet = 0
            }
            try await dashboard.loop.sleep(for: .milliseconds(200))
        }
        exchange.endStreaming()
    }

    private func send(_ events: [StreamEvent], _ exchange: Exchange) async throws {
        var writer = ByteWriter()
        for event in events {
            writer.append("event: ")
            writer.append(event.name)
            writer.append("\ndata: ")
            writer.append(bytes: event.data)
            writer.append("\n\n")
        }
        // A comment, so that a client that has gone is noticed.
        if events.isEmpty { writer.append(":\n\n") }
        try await exchange.write(Array(writer.bytes))
        try await exchange.flushStreaming()
    }
}
