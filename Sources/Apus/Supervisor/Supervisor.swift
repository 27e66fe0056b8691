import ApusCore
import ApusDashboard
import ApusRuntime
import Glibc

/// Starts the processes of a system, starts those again that end, and ends all of them.
//
// `@unchecked Sendable` is sound because its state is touched on its loop alone.
final class Supervisor: @unchecked Sendable {
    /// How long a process may take until it serves.
    static let startLimit: Duration = .seconds(60)
    /// How long a setup may take: it may load all of a system's data.
    static let setupLimit: Duration = .seconds(3600)
    /// How often processes are asked whether they live, and how many questions they may leave unanswered.
    static let pingPause: Duration = .seconds(5)
    static let unansweredMax = 3

    let system: String
    let plan: SystemPlan
    let loop: EventLoop
    let launch: Launch
    private(set) var replicas: [Replica]
    /// Hears what was done and seen: a line, and whether it is something to look at.
    var onNote: (@Sendable (_ line: String, _ isTrouble: Bool) -> Void)?
    /// Hears what processes write to standard error.
    var onErrorLine: (@Sendable (_ name: String, _ replica: Int, _ line: String) -> Void)?
    /// What the processes were told last, and which edition that was.
    private(set) var membership = Membership()
    private var version = 0
    private(set) var isEnding = false
    /// The blocks as the setup found them, and since then the parts that use them.
    private(set) var blocks: [BlockFact] = []
    private var isRolling = false
    private var setup: Child?

    init(system: String, plan: SystemPlan, launch: Launch, on loop: EventLoop) {
        self.system = system
        self.plan = plan
        self.launch = launch
        self.loop = loop
        replicas = plan.roles.flatMap { part in (0..<part.replicas).map { Replica(part: part, number: $0) } }
    }

    func replicas(of name: String) -> [Replica] { replicas.filter { $0.part.name == name } }

    // MARK: Starting

    /// Runs the setups in a process of their own, then starts the cache server, services, web parts and edges, in this order.
    ///
    /// - Throws: ``StartFailure`` for the first that cannot start.
    func startAll(onProgress: @escaping @Sendable (SetupSite.Progress) -> Void) async throws {
        try await runSetup(onProgress)
        for kind in [Part.Kind.cache, .service, .web, .edge] {
            let stage = replicas.filter { $0.part.kind == kind }
            let firsts = stage.map { replica in
                let first = Promise<StartFailure?>()
                Task(executorPreference: loop) { await self.supervise(replica, first) }
                return first
            }
            for first in firsts {
                if let failure = await first.wait() { throw failure }
            }
        }
        Task(executorPreference: loop) { await self.watch() }
    }

    private func runSetup(_ onProgress: @escaping @Sendable (SetupSite.Progress) -> Void) async throws {
        let child = try Child(name: "setup", replica: 0, generation: 0, launch: launch, on: loop)
        child.onProgress = onProgress
        setup = child
        defer { setup = nil }
        switch await child.waitUntilReady(by: loop.now + Self.setupLimit) {
        case .ready:
            blocks = child.blocks
            await child.drain(by: loop.now + RoleProcess.drainLimit)
            let exit = await child.ended.wait()
            guard exit.isSuccess else { throw failure(child, exit) }
        case .ended(let exit): throw failure(child, exit)
        case .tooSlow:
            child.kill()
            throw StartFailure("the setup took longer than \(Self.setupLimit)")
        }
    }

    private func failure(_ child: Child, _ exit: ChildProcess.Exit) -> StartFailure {
        let why = child.lastLine.isEmpty ? "" : ": \(child.lastLine)"
        return StartFailure("\(child.label) cannot start (\(exit))\(why)")
    }

    /// Starts a process for a replica and waits until it serves.
    private func startChild(_ replica: Replica) async throws(StartFailure) -> Child {
        let child: Child
        do {
            child = try Child(
                name: replica.part.name,
                replica: replica.number,
                generation: replica.generation,
                launch: launch,
                on: loop
            )
        } catch {
            throw StartFailure(wrapping: error, doing: "starting \(replica.label)")
        }
        replica.generation += 1
        replica.next = child
        let (name, number) = (replica.part.name, replica.number)
        child.onErrorLine = { [weak self] in self?.onErrorLine?(name, number, $0) }
        defer { if replica.next === child { replica.next = nil } }
        child.tell(membership, version: version)
        switch await child.waitUntilReady(by: loop.now + Self.startLimit) {
        case .ready: return child
        case .ended(let exit): throw failure(child, exit)
        case .tooSlow:
            child.kill()
            _ = await child.ended.wait()
            throw StartFailure("\(replica.label) did not serve within \(Self.startLimit)")
        }
    }

    /// Keeps a replica running until it is stopped or the system ends.
    private func supervise(_ replica: Replica, _ first: Promise<StartFailure?>) async {
        while replica.isWanted, !isEnding {
            replica.state = .starting
            let began = loop.now
            var served = Duration.zero
            do throws(StartFailure) {
                let child = try await startChild(replica)
                replica.current = child
                replica.state = .ready
                replica.lastFailure = nil
                if replica.part.kind != .cache { blocks = child.blocks }
                _ = announce()
                first.set(nil)
                onNote?("\(replica.label) serves (process \(child.pid))", false)
                let readyAt = loop.now
                let exit = await waitForEnd(of: replica)
                sweepSockets(of: replica)
                served = loop.now - readyAt
                _ = announce()
                if !replica.isWanted || isEnding { break }
                replica.lastFailure = "ended with \(exit)"
            } catch {
                served = .zero
                replica.lastFailure = "\(error)"
                let isFirst = first.now == nil
                first.set(error)
                // A system that cannot start says so and ends; one that runs tries again.
                if isFirst || isEnding { break }
            }
            let pause = replica.pause.after(served: served)
            let why = replica.lastFailure ?? "ended"
            say("\(replica.label) \(why) after \(shown(loop.now - began)); again in \(shown(pause))")
            replica.state = .waiting
            await wait(pause, replica)
            replica.restarts += 1
        }
        replica.state = .stopped
        first.set(StartFailure("\(replica.label) was stopped"))
    }

    /// Removes the sockets that a killed process has left.
    private func sweepSockets(of replica: Replica) {
        let prefix = "\(replica.label.replacing("/", with: "-"))."
        for name in (try? Files.list(launch.sockets)) ?? [] where name.hasPrefix(prefix) {
            try? Files.remove("\(launch.sockets)/\(name)")
        }
    }

    private func waitForEnd(of replica: Replica) async -> ChildProcess.Exit {
        while let child = replica.current {
            let exit = await child.ended.wait()
            if let replacing = replica.replacing { _ = await replacing.wait() }
            if replica.current === child {
                replica.current = nil
                return exit
            }
        }
        preconditionFailure("a supervised replica has a process")
    }

    private func wait(_ pause: Duration, _ replica: Replica) async {
        let wake = Promise<Void>()
        replica.wake = wake
        let timer = loop.schedule(at: loop.now + pause) { wake.set(()) }
        await wake.wait()
        loop.cancel(timer)
        replica.wake = nil
    }

    // MARK: Members

    /// Tells all processes where the others are.
    ///
    /// - Returns: Which edition that is.
    private func announce() -> Int {
        var members = Membership()
        for replica in replicas {
            guard let member = replica.member else { continue }
            if let address = replica.current?.addresses.cacheNews {
                members.cacheNews = (members.cacheNews ?? []) + [address]
            }
            switch replica.part.kind {
            case .service: members.services[replica.part.name, default: []].append(member)
            case .web: members.webs[replica.part.name, default: []].append(member)
            case .edge, .setup, .cache: continue
            }
        }
        guard members != membership else { return version }
        membership = members
        version += 1
        for child in children { child.tell(membership, version: version) }
        return version
    }

    /// Everybody knows the members of that edition, or has had a second to.
    private func allKnow(_ version: Int) async {
        let deadline = loop.now + .seconds(1)
        for child in children where child.isReady { await child.hasSeen(version, by: deadline) }
    }

    private var children: [Child] { replicas.flatMap { [$0.current, $0.next].compactMap(\.self) } }

    /// Asks all processes now and then whether they live, and ends those that do not answer.
    private func watch() async {
        while !isEnding {
            do { try await loop.sleep(for: Self.pingPause) } catch { return }
            for child in children where child.isReady && !child.isDraining {
                if child.ping() >= Self.unansweredMax {
                    say("\(child.label) (process \(child.pid)) does not answer; ending it")
                    child.kill()
                }
            }
        }
    }

    // MARK: Changing

    /// Starts a replica anew without failing a request: the new process serves before the old one drains.
    ///
    /// - Throws: ``StartFailure`` where the new one cannot start; the old one goes on then.
    func replace(_ replica: Replica) async throws(StartFailure) {
        guard replica.replacing == nil else { throw StartFailure("\(replica.label) is being restarted already") }
        guard let old = replica.current, old.isReady else {
            replica.isWanted = true
            replica.wake?.set(())
            return
        }
        // Two cache servers on one socket would each know half; this one's successor is started when it has ended, and the
        // kernel holds who connects.
        if replica.part.kind == .cache { return await old.drain(by: loop.now + RoleProcess.drainLimit) }
        let done = Promise<Void>()
        replica.replacing = done
        defer {
            replica.replacing = nil
            done.set(())
        }
        let child = try await startChild(replica)
        replica.current = child
        replica.restarts += 1
        await allKnow(announce())
        await old.drain(by: loop.now + RoleProcess.drainLimit)
    }

    /// Starts all replicas anew, one after the other.
    func replaceAll(_ name: String? = nil) async throws(StartFailure) {
        guard !isRolling else { throw StartFailure("a restart is under way") }
        isRolling = true
        defer { isRolling = false }
        for replica in replicas where !isEnding && (name == nil || replica.part.name == name) && replica.isWanted {
            try await replace(replica)
        }
    }

    /// Drains a replica and does not start it again.
    func stop(_ replica: Replica) async {
        replica.isWanted = false
        replica.wake?.set(())
        guard let child = replica.current else { return }
        child.isDraining = true
        replica.state = .draining
        await allKnow(announce())
        await child.drain(by: loop.now + RoleProcess.drainLimit)
    }

    /// Starts a replica that was stopped.
    ///
    /// - Throws: ``StartFailure`` where it cannot start.
    func start(_ replica: Replica) async throws(StartFailure) {
        guard replica.state == .stopped, !isEnding else {
            replica.wake?.set(())
            return
        }
        replica.isWanted = true
        replica.pause = RestartPause()
        let first = Promise<StartFailure?>()
        Task(executorPreference: loop) { await self.supervise(replica, first) }
        if let failure = await first.wait() { throw failure }
    }

    /// Gives a part more replicas, or drains the last ones.
    ///
    /// - Throws: ``StartFailure`` where one cannot start, or the part does not take that many.
    func scale(_ name: String, to count: Int) async throws(StartFailure) {
        let present = replicas(of: name)
        guard let part = present.first?.part, !isEnding else { throw StartFailure("there is no part \(name)") }
        guard part.kind.mayScale else { throw StartFailure("\(name) is a part that has one process") }
        guard (1...64).contains(count) else { throw StartFailure("a part has 1 to 64 replicas") }
        for replica in present.dropFirst(count).reversed() {
            await stop(replica)
            replicas.removeAll { $0 === replica }
        }
        for number in present.count..<max(present.count, count) {
            let replica = Replica(part: part, number: number)
            let place = (replicas.lastIndex { $0.part.name == name } ?? replicas.count - 1) + 1
            replicas.insert(replica, at: place)
            do {
                try await start(replica)
            } catch {
                // What could not start is not kept trying: whoever asked has been told.
                replica.isWanted = false
                replica.wake?.set(())
                replicas.removeAll { $0 === replica }
                throw error
            }
        }
    }

    // MARK: Ending

    /// Drains everything: edges, then web parts, then services, then the cache server.
    ///
    /// The edges first say for as long as `delay` on `/readyz` that they will end, and serve on: balancers outside look
    /// there and send their requests elsewhere.
    func drainAll(after delay: Duration = .zero) async {
        let isFirst = !isEnding
        isEnding = true
        setup?.kill()
        if isFirst, delay > .zero {
            for replica in replicas where replica.part.kind == .edge { replica.current?.leave() }
            try? await loop.sleep(for: delay)
        }
        let began = loop.now
        for replica in replicas { replica.wake?.set(()) }
        for (kind, limit) in [(Part.Kind.edge, 14), (.web, 19), (.service, 23), (.cache, 24)] {
            let ending = replicas.filter { $0.part.kind == kind }
            let deadline = began + .seconds(limit)
            await withTaskGroup(of: Void.self) { group in
                for replica in ending {
                    replica.state = .draining
                    for child in [replica.current, replica.next].compactMap(\.self) {
                        group.addTask(executorPreference: loop) { await child.drain(by: deadline) }
                    }
                }
            }
        }
    }

    func say(_ line: String) {
        onNote?(line, true)
        SystemProgram.complain("\(system): \(line)")
    }

    private func shown(_ duration: Duration) -> String {
        duration < .seconds(1) ? "\(duration.nanoseconds / 1_000_000) ms" : "\(Int(duration.seconds)) s"
    }
}
