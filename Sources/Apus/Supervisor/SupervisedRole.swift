import ApusCache
import ApusCore
import ApusObserve
import ApusRuntime

/// A process of the supervisor: runs its part, and tells and hears the supervisor over descriptor 3.
//
// `@unchecked Sendable` is sound because its variable state is touched on the first loop alone.
final class SupervisedRole: @unchecked Sendable {
    private let site: ProcessSite
    private let parts: [Part]
    private let plan: SystemPlan
    private let blocks: OpenBlocks
    private let signals: Signals
    private let process: RoleProcess
    private var control: ControlChannel<Report, Order>?
    private let drained = Promise<Void>()
    /// Set once the supervisor has said where the others are, as it does first of all.
    private let knowsOthers = Promise<Void>()

    init(site: ProcessSite, parts: [Part], plan: SystemPlan, blocks: OpenBlocks, signals: Signals) {
        self.site = site
        self.parts = parts
        self.plan = plan
        self.blocks = blocks
        self.signals = signals
        process = RoleProcess(parts, site: site, blocks: blocks, isSplit: true)
    }

    /// - Returns: The process's exit code.
    func run() async -> Int32 {
        let loop = site.mainLoop
        do {
            let control = try ControlChannel<Report, Order>(ServeCommand.controlDescriptor, on: loop)
            self.control = control
            Task(executorPreference: loop) { [self] in
                await control.run { heard($0) }
                // The supervisor has ended, however it did: what runs is finished, and nothing stays behind.
                drain()
            }
            let ends = DrainSignals(system: site.system, signals: signals, isQuiet: true)
            Task(executorPreference: loop) { [self] in
                await ends.run(on: loop, onHangUp: {}) { self.drain() }
            }
            try await parts.isEmpty ? setUp() : serve()
            return 0
        } catch {
            SystemProgram.complain("\(site.system): \(StartFailure(wrapping: error, doing: site.role))")
            return SystemProgram.failure
        }
    }

    private func serve() async throws {
        let blocks = blocks
        let site = site
        // An edge that inherits its sockets has clients at once.
        await knowsOthers.wait()
        try await process.run { addresses in
            site.mainLoop.execute { self.control?.send(.ready(addresses, blocks: blocks.facts(site))) }
        }
    }

    private func setUp() async throws {
        let loop = site.mainLoop
        try await blocks.open(site)
        do {
            try await SetupRunner(plan: plan, site: site).run { progress in
                loop.execute { self.control?.send(.progress(progress)) }
            }
        } catch {
            await blocks.close()
            throw error
        }
        control?.send(.ready(ProcessAddresses(), blocks: blocks.facts(site)))
        await drained.wait()
        await blocks.close()
    }

    private func drain() {
        drained.set(())
        knowsOthers.set(())
        process.drain()
        // Nobody else ends a process whose supervisor is gone.
        let name = "\(site.system): \(site.role)"
        _ = site.mainLoop.schedule(at: site.mainLoop.now + RoleProcess.drainLimit) {
            SystemProgram.leave("\(name) has not drained within 25 s, ending now")
        }
    }

    private func heard(_ order: Order) {
        switch order {
        case .members(let membership, let version):
            process.update(membership)
            knowsOthers.set(())
            Task(executorPreference: site.mainLoop) { [self] in
                await process.allLoopsTurned()
                control?.send(.seen(version: version))
            }
        case .leave: process.leave()
        case .drain: drain()
        case .ping(let number):
            Task(executorPreference: site.mainLoop) { [self] in
                await process.allLoopsTurned()
                var problems = site.readiness.findings.compactMap { finding in
                    finding.problem.map { "\(finding.name): \($0)" }
                }
                // What a shared engine lacks shows only while the system runs.
                problems += blocks.declared.blocks.filter { $0 is any SharableBlock }.flatMap { block in
                    block.problems.map { "\(type(of: block).kind) \(block.name): \($0)" }
                }
                control?.send(.pong(number, problems: problems))
            }
        case .metrics(let question):
            Task(executorPreference: site.mainLoop) { [self] in
                control?.send(.metrics(question: question, await process.metrics()))
            }
        }
    }
}
