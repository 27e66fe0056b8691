import ApusCache
import ApusCore
import ApusEdge
import ApusHTTP
import ApusObserve
import ApusRuntime

/// Runs parts of a system in this process: one in a process of its own, or all of them in one.
///
/// Everything it starts has ended when ``run(ready:)`` returns.
final class RoleProcess: Sendable {
    /// Longest time that calls under way get during a drain.
    static let callsLimit: Duration = .seconds(20)
    /// Longest drain, in all; Kubernetes kills after 30 s.
    static let drainLimit: Duration = .seconds(25)

    private let site: ProcessSite
    private let parts: [Part]
    private let blocks: OpenBlocks
    /// Whether other processes call: then services listen and servers are behind an edge elsewhere.
    private let isSplit: Bool
    /// Why it ends: `nil` for a drain that was asked for.
    private let ending = Promise<(any Error)?>()
    private let live = Lock(Live())
    private let telemetry = Promise<Telemetry>()

    private struct Live {
        var hosts: [Host] = []
        var edges: [EdgeServing] = []
        var membership = Membership()
        var cacheNews: CacheNewsCarrier?
    }

    init(_ parts: [Part], site: ProcessSite, blocks: OpenBlocks, isSplit: Bool) {
        self.parts = parts
        self.site = site
        self.blocks = blocks
        self.isSplit = isSplit
    }

    /// Asks it to finish what it has and end; from any thread.
    func drain() {
        site.readiness.drains()
        ending.set(nil)
    }

    /// Says on `/readyz` that it will end soon, and serves on; from any thread.
    func leave() {
        site.readiness.drains()
        for edge in live.withLock({ $0.edges }) { edge.leave() }
    }

    /// Returns once every loop has come round, and so knows what it was told before.
    func allLoopsTurned() async {
        for loop in site.group.loops {
            await withUnsafeContinuation { continuation in loop.execute { continuation.resume() } }
        }
    }

    /// What is new since `request`, for the dashboard; `nil` while it starts.
    func pulse(_ request: PulseRequest) async -> Pulse? { await telemetry.now?.pulse(request) }

    /// What the process measures, as Prometheus reads it.
    func metrics() async -> String { await telemetry.now?.metrics() ?? "" }

    /// Takes what is known of the other processes; from any thread.
    func update(_ membership: Membership) {
        let (hosts, edges, news) = live.withLock { live in
            live.membership = membership
            return (live.hosts, live.edges, live.cacheNews)
        }
        for host in hosts { host.actors.update(membership.directory) }
        for edge in edges { edge.update(membership) }
        news?.update(membership.cacheNewsAddresses)
    }

    /// Opens the blocks unless they are open, starts the parts, calls `ready`, and returns when it has drained.
    ///
    /// - Throws: What kept it from starting, or what ended a part.
    func run(opens: Bool = true, ready: @escaping @Sendable (ProcessAddresses) -> Void) async throws {
        if opens { try await blocks.open(site) }
        do {
            try await runParts(ready)
        } catch {
            await blocks.close()
            throw error
        }
        await blocks.close()
    }

    private func runParts(_ ready: @Sendable (ProcessAddresses) -> Void) async throws {
        var addresses = ProcessAddresses()
        let hosts = try await makeHosts()
        live.withLock { $0.hosts = hosts }
        let telemetry = Telemetry(site: site, services: ServiceMetrics(hosts))
        self.telemetry.set(telemetry)
        let telling = Task(executorPreference: site.mainLoop) { await telemetry.run() }
        let health = RoleHealth(site: site)
        try await start(services: parts.filter { $0.kind == .service }, on: hosts, &addresses)
        if isSplit, CacheNews.process.isWanted { try await startCacheNews(&addresses) }

        var running: [Running] = []
        var failure: (any Error)?
        let pages = isSplit ? try await startPages(health, telemetry, &addresses) : nil
        do {
            for part in parts where part.kind == .web {
                running.append(try await startWeb(part, hosts, health, &addresses))
            }
            for part in parts where part.kind == .cache {
                let address = SharedCache.address(of: part.name, in: site.runFolder)
                running.append(try await start(try CacheServing(part), part, at: address, &addresses))
            }
            for part in parts where part.kind == .edge {
                running.append(try await startEdge(part, running, &addresses))
            }
        } catch {
            failure = error
            ending.set(error)
        }
        let jobs = startJobs(on: hosts)
        if failure == nil {
            site.readiness.serves()
            ready(addresses)
            failure = await ending.wait()
        }
        await finish(running, jobs, hosts)
        pages?.server.drain()
        await pages?.task.value
        telling.cancel()
        await telling.value
        await telemetry.finish()
        if let failure { throw failure }
    }

    // MARK: Starting

    private func makeHosts() async throws -> [Host] {
        var hosts: [Host] = []
        for loop in site.group.loops {
            let site = site
            hosts.append(
                try await Task(executorPreference: loop) {
                    Host(site: site, loop: loop, actors: try ApusActorSystem(loop: loop))
                }.value
            )
        }
        return hosts
    }

    private func start(services: [Part], on hosts: [Host], _ addresses: inout ProcessAddresses) async throws {
        let membership = live.withLock { $0.membership }
        for host in hosts {
            let paths = services.map { part in
                (part.name, site.socket("\(part.name)-\(site.replica).\(site.generation)-\(host.loop.index)"))
            }
            let listens = isSplit
            try await Task(executorPreference: host.loop) {
                host.actors.update(membership.directory)
                for case .service(let offer, _) in services.map(\.content) { offer(host) }
                try host.actors.start()
                if listens { for (_, path) in paths { try host.actors.listen(at: path) } }
            }.value
            if listens {
                for (name, path) in paths { addresses.services[name, default: []].append("\(path)") }
            }
        }
    }

    /// Tells the other processes of changed cache entries, and hears of theirs, on a socket of its own.
    private func startCacheNews(_ addresses: inout ProcessAddresses) async throws {
        let address = site.socket("\(site.role)-\(site.replica).\(site.generation)-news")
        let loop = site.mainLoop
        let carrier = try await Task(executorPreference: loop) {
            try CacheNewsCarrier(.process, at: address, on: loop)
        }.value
        let membership = live.withLock { live in
            live.cacheNews = carrier
            return live.membership
        }
        carrier.update(membership.cacheNewsAddresses)
        addresses.cacheNews = "\(address)"
    }

    /// Tells about the process on a socket of its own.
    private func startPages(
        _ health: RoleHealth,
        _ telemetry: Telemetry,
        _ addresses: inout ProcessAddresses
    ) async throws -> Running {
        let server = try Server(
            observation: ServerObservation(metrics: Metrics()),
            handler: ProcessPages(
                health: health,
                telemetry: telemetry,
                blocks: BlockLook(blocks: blocks.declared.blocks)
            )
        )
        let path = site.socket("\(site.role)-\(site.replica).\(site.generation)-about")
        let about = Part(name: "about", kind: .web, replicas: 1, content: .edge(EdgeConfiguration()))
        let running = try await start(server, about, at: path, on: [site.mainLoop], &addresses)
        addresses.administration = addresses.servers.removeValue(forKey: about.name) ?? ""
        return running
    }

    private func startWeb(
        _ part: Part,
        _ hosts: [Host],
        _ health: RoleHealth,
        _ addresses: inout ProcessAddresses
    ) async throws -> Running {
        guard case .web(let serve, _) = part.content else { preconditionFailure("a web part has web content") }
        let server = try await serve(hosts, health)
        let path = site.socket("\(part.name)-\(site.replica).\(site.generation)")
        return try await start(server, part, at: path, &addresses)
    }

    private func startEdge(
        _ part: Part,
        _ running: [Running],
        _ addresses: inout ProcessAddresses
    ) async throws -> Running {
        let edge = try EdgeServing(part, site: site)
        var membership = live.withLock { live in
            live.edges.append(edge)
            return live.membership
        }
        if !isSplit {
            for web in running where web.part.kind == .web {
                membership.webs[web.part.name] = [.init(replica: 0, generation: 0, addresses: ["\(web.address)"])]
            }
            live.withLock { [membership] in $0.membership = membership }
        }
        edge.update(membership)
        return try await start(edge, part, at: site.platform.edgeAddress, &addresses)
    }

    private func start(
        _ server: any Serving,
        _ part: Part,
        at address: SocketAddress,
        on loops: [EventLoop]? = nil,
        _ addresses: inout ProcessAddresses
    ) async throws -> Running {
        let bound = Promise<Result<SocketAddress, any Error>>()
        let loops = loops ?? site.group.loops
        let ending = ending
        let task = Task(executorPreference: site.mainLoop) {
            do {
                try await server.run(at: address, on: loops) { bound.set(.success($0)) }
            } catch {
                bound.set(.failure(error))
                ending.set(error)
            }
        }
        let actual = try await bound.wait().get()
        addresses.servers[part.name] = "\(actual)"
        return Running(part: part, server: server, address: actual, task: task)
    }

    private func startJobs(on hosts: [Host]) -> Task<Void, Never> {
        let jobs = parts.flatMap { part in
            switch part.content {
            case .service(_, let jobs), .web(_, let jobs): jobs
            case .setup, .edge, .cache: [Every]()
            }
        }
        let runner = JobRunner(jobs: jobs, host: hosts[0])
        return Task(executorPreference: hosts[0].loop) { await runner.run() }
    }

    // MARK: Draining

    /// A server and the task it runs in.
    private struct Running: Sendable {
        let part: Part
        let server: any Serving
        let address: SocketAddress
        let task: Task<Void, Never>
    }

    /// Ends the parts, those first that others do not wait for: jobs, edge, web, services, cache server.
    private func finish(_ running: [Running], _ jobs: Task<Void, Never>, _ hosts: [Host]) async {
        site.readiness.drains()
        let deadline = site.mainLoop.now + Self.callsLimit
        jobs.cancel()
        for kind in [Part.Kind.edge, .web] {
            let servers = running.filter { $0.part.kind == kind }
            for server in servers { server.server.drain() }
            for server in servers { await server.task.value }
        }
        await jobs.value
        for host in hosts {
            await Task(executorPreference: host.loop) {
                await host.actors.drain(by: deadline)
                host.actors.close()
            }.value
        }
        if let news = live.withLock({ $0.cacheNews }) {
            await Task(executorPreference: site.mainLoop) { news.close() }.value
        }
        for server in running where server.part.kind == .cache {
            server.server.drain()
            await server.task.value
        }
    }
}

/// The blocks of a system in one process.
final class OpenBlocks: Sendable {
    let declared: Declared
    private let opened = Lock<[any Block]>([])

    init(_ declared: Declared) { self.declared = declared }

    /// Opens all blocks, in the order of their declaration.
    ///
    /// - Throws: What the first one that fails throws.
    func open(_ site: ProcessSite) async throws { try await open(in: site.dataFolder, cacheURL: site.cacheURL) }

    /// Opens all blocks of the system whose data is in `dataFolder`.
    ///
    /// - Parameters:
    ///   - dataFolder: The system's data folder.
    ///   - cacheURL: Where the system's own cache server is, if it has one.
    /// - Throws: What the first one that fails throws.
    func open(in dataFolder: String, cacheURL: String? = nil) async throws {
        for block in declared.blocks {
            let folder = "\(dataFolder)/\(block.folderName)"
            try Files.makeFolder(folder)
            try await block.open(BlockSite(url: url(of: block, cacheURL), dataFolder: folder))
            BlockMetrics.observe(block, in: folder)
            opened.withLock { $0.append(block) }
        }
    }

    /// The URL of a block's engine; `nil` for the embedded default.
    func url(of block: any Block, _ cacheURL: String?) -> String? {
        guard let sharable = block as? any SharableBlock else { return declared.url(of: block) }
        return sharable.isShared ? declared.url(of: block) ?? cacheURL : "memory:"
    }

    /// Closes those that are open, last first.
    func close() async {
        let blocks = opened.withLock { opened in
            defer { opened = [] }
            return opened
        }
        for block in blocks.reversed() { await block.close() }
    }
}
