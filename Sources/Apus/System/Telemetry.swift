import ApusCore
import ApusHTTP
import ApusObserve
import ApusRuntime

/// What a process writes and sends about itself while it runs.
struct Telemetry: Sendable {
    /// How often lines that wait are handed over.
    static let flushPause: Duration = .seconds(1)

    private let site: ProcessSite
    private let services: ServiceMetrics
    private let pulse: ProcessPulse
    private let exporter: OTLPExporter?
    private let client: CollectorClient?

    init(site: ProcessSite, services: ServiceMetrics) {
        self.site = site
        self.services = services
        Metrics.process.observeProcess()
        let otlp = site.observe.otlp
        // A collector gets the traces it was configured to get, whatever the dashboard would keep.
        pulse = ProcessPulse(loops: site.group.loops, limitsTraces: otlp.tracesURL == nil, tail: LogTail())
        guard otlp.tracesURL != nil || otlp.metricsURL != nil else {
            exporter = nil
            client = nil
            return
        }
        let client = CollectorClient(loop: site.mainLoop)
        self.client = client
        exporter = OTLPExporter(otlp, resource: site.observe.resource, store: Tracer.process.store) { request in
            try await client.send(request)
        }
    }

    /// Runs until it is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            if let exporter {
                group.addTask(executorPreference: site.mainLoop) { await exporter.run(on: site.mainLoop) }
            }
            guard let log = site.accessLog else { return }
            for loop in site.group.loops {
                group.addTask(executorPreference: loop) {
                    while !Task.isCancelled {
                        do { try await loop.sleep(for: Self.flushPause) } catch { return }
                        log.flush()
                    }
                }
            }
        }
    }

    /// Hands over what is left.
    func finish() async {
        for loop in site.group.loops {
            await Task(executorPreference: loop) {
                site.accessLog?.flush()
                LogOutput.process.flush()
            }.value
        }
        guard let exporter, let client else { return }
        await Task(executorPreference: site.mainLoop) {
            await exporter.flush()
            client.close()
        }.value
    }

    /// What is new since `request`, for the dashboard.
    func pulse(_ request: PulseRequest) async -> Pulse {
        await services.refresh()
        return pulse.answer(request)
    }

    /// What the process measures, as Prometheus reads it.
    func metrics() async -> String {
        await services.refresh()
        return Exposition.prometheus.text(Metrics.process.snapshot())
    }
}

/// Posts to a collector by a plain URL.
//
// `@unchecked Sendable` is sound because its state is touched on its loop alone: the exporter runs there.
private final class CollectorClient: @unchecked Sendable {
    /// A URL that cannot be used.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    private let loop: EventLoop
    private var clients: [String: Client] = [:]

    init(loop: EventLoop) { self.loop = loop }

    func send(_ request: OTLPRequest) async throws -> Int {
        let (authority, target) = try Self.parts(request.url)
        let client: Client
        if let known = clients[authority] {
            client = known
        } else {
            guard let address = SocketAddress(authority) else {
                throw Unusable(
                    description: "a collector is named by an IPv4 address and a port, such as 127.0.0.1:4318"
                )
            }
            client = Client(address, on: loop, connectionsMax: 2)
            clients[authority] = client
        }
        var fields = [("Content-Type", "application/x-protobuf")]
        fields += request.headers.reveal().sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let answer = try await client.send(
            ClientRequest(.post, target, fields: fields, body: request.body),
            within: .seconds(10)
        )
        return Int(answer.status.code)
    }

    func close() {
        for client in clients.values { client.close() }
        clients = [:]
    }

    private static func parts(_ url: String) throws -> (authority: String, target: String) {
        guard url.hasPrefix("http://") else {
            throw Unusable(description: "a collector is reached by http://, through a local agent where it is not")
        }
        let rest = url.dropFirst(7)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        return (String(rest[..<slash]), slash == rest.endIndex ? "/" : String(rest[slash...]))
    }
}

/// What the actor systems of a process have counted, where `/metrics` finds it.
final class ServiceMetrics: Sendable {
    private let hosts: [Host]
    private let counted: Lock<[ServiceCounters]>

    init(_ hosts: [Host]) {
        self.hosts = hosts
        counted = Lock([])
        let counters: [(name: String, help: String, read: @Sendable (ServiceCounters) -> UInt64)] = [
            ("calls", "Calls made to services of other processes.", { $0.callsMade }),
            ("retries", "Calls made again.", { $0.retries }),
            (
                "calls_refused", "Calls refused: not offered, draining, overloaded, late or unreadable.",
                { $0.callsRefused }
            ),
            ("frames_refused", "Connections cut for what they sent or did not read.", { $0.framesRefused }),
            ("strangers_refused", "Connections refused: of another user, or one too many.", { $0.strangersRefused }),
            ("ejections", "Times an endpoint was left alone for a while.", { $0.ejections }),
        ]
        for counter in counters {
            Metrics.process.observeTotal("apus_rpc_\(counter.name)_total", help: counter.help) { [weak self] in
                Double(self?.counted.withLock { $0.reduce(0) { $0 + counter.read($1) } } ?? 0)
            }
        }
    }

    /// Asks each loop what its actor system has counted.
    func refresh() async {
        var all: [ServiceCounters] = []
        for host in hosts {
            all.append(await Task(executorPreference: host.loop) { host.actors.counters }.value)
        }
        counted.withLock { [all] in $0 = all }
    }
}
