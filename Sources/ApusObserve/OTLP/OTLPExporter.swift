public import ApusCore
public import ApusRuntime

/// Sends kept spans, and metrics if asked to, to an OpenTelemetry collector.
///
/// Spans wait in a bounded queue; they go in batches. A request that fails for a while (no answer, 429, 502, 503, 504) is
/// tried again with a growing pause, a bounded number of times; anything else drops its batch, counted in
/// `apus_otlp_dropped_total`. Nothing in the process waits for the collector.
public final class OTLPExporter: Sendable {
    /// Does an HTTP POST within a bounded time and gives the status; throws where there was no answer.
    public typealias Send = @Sendable (OTLPRequest) async throws -> Int

    /// How one attempt ended.
    enum Outcome: Equatable {
        /// Nothing waits.
        case idle
        /// A batch was taken by the collector.
        case sent
        /// A batch was given up.
        case dropped
        /// To be tried again after this long.
        case retry(after: Duration)
    }

    private struct State {
        var batch: [FinishedSpan] = []
        var attempts = 0
    }

    private let configuration: OTLPConfiguration
    private let resource: [(key: String, value: String)]
    private let store: SpanStore
    private let metrics: Metrics
    private let clock: any Clock
    private let send: Send
    private let state = Lock(State())
    private let sentCount, droppedCount: Counter
    private let started: Int64

    /// An exporter; it does nothing until ``run(on:)``.
    ///
    /// - Parameters:
    ///   - configuration: Where to and how much.
    ///   - resource: Who speaks; ``ObserveConfiguration/resource``.
    ///   - store: Whose spans.
    ///   - metrics: Whose metrics, and where the exporter counts.
    ///   - clock: Gives the time of day.
    ///   - send: Does the HTTP request.
    public init(
        _ configuration: OTLPConfiguration,
        resource: [(key: String, value: String)],
        store: SpanStore,
        metrics: Metrics = .process,
        clock: any Clock = SystemClock(),
        send: @escaping Send
    ) {
        self.configuration = configuration
        self.resource = resource
        self.store = store
        self.metrics = metrics
        self.clock = clock
        self.send = send
        started = clock.wallNanoseconds()
        sentCount = metrics.counter("apus_otlp_spans_total", help: "Spans that the collector took.")
        droppedCount = metrics.counter("apus_otlp_dropped_total", help: "Spans given up after failed requests.")
        if configuration.tracesURL != nil { store.listen(waitingMax: configuration.queueMax) }
    }

    deinit { if configuration.tracesURL != nil { store.stopListening() } }

    /// Sends until the task is cancelled; call ``flush()`` afterwards for what waits then.
    ///
    /// - Parameter loop: Where it waits.
    public func run(on loop: EventLoop) async {
        guard configuration.tracesURL != nil || configuration.metricsURL != nil else { return }
        var nextMetrics = loop.clock.now() + configuration.metricsInterval
        while !Task.isCancelled {
            var pause = configuration.delay
            sending: while !Task.isCancelled {
                switch await exportBatch() {
                case .idle: break sending
                case .sent, .dropped: continue
                case .retry(let after):
                    pause = after
                    break sending
                }
            }
            if configuration.metricsURL != nil, loop.clock.now() >= nextMetrics {
                await exportMetrics()
                nextMetrics = loop.clock.now() + configuration.metricsInterval
            }
            do { try await loop.sleep(until: loop.clock.now() + pause) } catch { break }
        }
    }

    /// Sends what waits, once, without trying again: for the end of a process.
    public func flush() async {
        while case .sent = await exportBatch() {}
        if configuration.metricsURL != nil { await exportMetrics() }
    }

    /// Tries to send one batch.
    func exportBatch() async -> Outcome {
        guard let url = configuration.tracesURL else { return .idle }
        let batch = state.withLock { state in
            if state.batch.isEmpty { state.batch = store.takeWaiting(most: configuration.batchMax) }
            return state.batch
        }
        guard !batch.isEmpty else { return .idle }
        let isTaken = await post(url, OTLP.encode(batch, resource: resource))
        return state.withLock { state in
            state.attempts += 1
            if isTaken == nil, state.attempts < configuration.attemptsMax {
                let factor = 1 << min(20, state.attempts - 1)
                return .retry(after: min(configuration.retryPause * factor, configuration.retryPauseMax))
            }
            state = State()
            if isTaken == true {
                sentCount.add(batch.count)
                return .sent
            }
            droppedCount.add(batch.count)
            return .dropped
        }
    }

    /// Sends all metrics once; a failure is left to the next time, since sums are cumulative.
    func exportMetrics() async {
        guard let url = configuration.metricsURL else { return }
        let now = clock.wallNanoseconds()
        _ = await post(url, OTLP.encode(metrics.snapshot(), resource: resource, started: started, now: now))
    }

    /// True where the collector took it, false where it never will, `nil` where it may later.
    private func post(_ url: String, _ body: [UInt8]) async -> Bool? {
        var headers = configuration.headers.reveal()
        headers["Content-Type"] = "application/x-protobuf"
        do {
            let status = try await send(OTLPRequest(url: url, headers: Secret(headers), body: body))
            if (200..<300).contains(status) { return true }
            return [429, 502, 503, 504].contains(status) ? nil : false
        } catch {
            return nil
        }
    }
}
