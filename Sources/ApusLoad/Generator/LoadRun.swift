import ApusCore
import ApusHTTP
public import ApusRuntime

/// A run: loads a target along a plan, and says what came of it.
public struct LoadRun: Sendable {
    /// How it is driven.
    public let plan: LoadPlan
    /// What is loaded.
    public let target: LoadTarget
    /// What for.
    public let scenario: String
    /// How it is driven, in words.
    public let driver: String
    private let mix: Mix

    /// A run of a mixture that was prepared.
    ///
    /// - Parameters:
    ///   - plan: How it is driven; a mixture that was recorded takes its own arrivals, over the same time.
    ///   - mix: What visitors do.
    ///   - target: What is loaded.
    ///   - scenario: What the report calls it.
    public init(_ plan: LoadPlan, _ mix: Mix, target: LoadTarget, scenario: String) {
        var plan = plan
        if let recorded = mix.recorded, case .open = plan.driver, let last = recorded.last, last > .zero {
            let scale = plan.duration.seconds / last.seconds
            plan.driver = .open(.recorded(recorded.map { .nanoseconds(Int64($0.seconds * scale * 1e9)) }))
        }
        self.plan = plan
        self.mix = mix
        self.target = target
        self.scenario = scenario
        driver = Self.words(plan)
    }

    /// Prepares a scenario for `site`.
    ///
    /// - Throws: What the scenario throws.
    public static func prepare(_ scenario: Scenario, _ site: LoadSite) async throws -> Mix {
        try await scenario.prepare(site)
    }

    /// Runs it on `loops`, each with clients of its own.
    ///
    /// - Parameters:
    ///   - loops: As many as there are cores to spare.
    ///   - watch: Called about once a second with what went on meanwhile, while the run goes on.
    /// - Returns: The report; thresholds and findings are the caller's to add.
    /// - Throws: ``LoadError`` where the request cannot be sent at all. Cancelling the task gives the run up, and still
    ///   returns what was measured.
    public func run(
        on loops: [EventLoop],
        watch: @escaping @Sendable (LoadReport.Sample) async -> Void = { _ in }
    ) async throws -> LoadReport {
        precondition(!loops.isEmpty, "a run has a loop")
        let workers: [LoadWorker]
        do throws(ClientError) {
            var made: [LoadWorker] = []
            for (index, loop) in loops.enumerated() {
                made.append(try LoadWorker(plan, mix, target: target, on: loop, index: index, of: loops.count))
            }
            workers = made
        } catch {
            throw LoadError(.badScenario, "the request cannot be sent", cause: error)
        }
        let clock = loops[0].clock
        let began = Double(clock.wallNanoseconds()) / 1e9 + plan.warmUp.seconds
        // A moment ahead, so that no loop is late for its first arrival.
        let beginning = clock.now() + .milliseconds(5)
        let book = LoadBook(plan, loops: loops.count, counted: beginning + plan.warmUp)
        let running = Task(executorPreference: loops[0]) {
            await withTaskGroup(of: Void.self) { group in
                for worker in workers {
                    group.addTask(executorPreference: worker.loop) { await worker.run(from: beginning) }
                }
                await group.waitForAll()
            }
        }
        let watching = Task(executorPreference: loops[0]) {
            await watchOver(workers, book, beginning, watch)
        }
        await withTaskCancellationHandler {
            await running.value
        } onCancel: {
            for worker in workers { worker.loop.execute { worker.giveUp() } }
        }
        watching.cancel()
        await watching.value
        await Self.collect(workers, book, at: clock.now())
        return book.report(self, began: began)
    }

    /// Collects once a second, and gives up those who are still under way long after the last arrival.
    private func watchOver(
        _ workers: [LoadWorker],
        _ book: LoadBook,
        _ beginning: Instant,
        _ watch: @Sendable (LoadReport.Sample) async -> Void
    ) async {
        let loop = workers[0].loop
        let last = beginning + plan.warmUp + plan.duration + plan.drainLimit
        var tick = beginning + plan.warmUp
        while !Task.isCancelled {
            tick = tick + .seconds(1)
            guard (try? await loop.sleep(until: min(tick, last))) != nil else { return }
            if let sample = await Self.collect(workers, book, at: loop.preciseNow()) { await watch(sample) }
            if loop.preciseNow() >= last {
                for worker in workers { worker.loop.execute { worker.giveUp() } }
                return
            }
        }
    }

    @discardableResult
    private static func collect(_ workers: [LoadWorker], _ book: LoadBook, at now: Instant) async -> LoadReport.Sample?
    {
        var tallies: [Tally] = []
        for worker in workers {
            tallies.append(
                await withUnsafeContinuation { continuation in
                    if worker.loop.isCurrent {
                        continuation.resume(returning: worker.take())
                    } else {
                        worker.loop.execute { continuation.resume(returning: worker.take()) }
                    }
                }
            )
        }
        return book.add(tallies, at: now)
    }

    /// Looks at the books after a run.
    ///
    /// - Throws: What the scenario throws.
    public func audit(_ site: LoadSite) async throws -> [Mix.Finding] { try await mix.audit?(site) ?? [] }

    private static func words(_ plan: LoadPlan) -> String {
        let duration = plan.duration.shown
        switch plan.driver {
        case .closed(let clients, _): return "\(clients) clients in a closed loop, \(duration)"
        case .open(.recorded(let times)):
            return "\(Figures.grouped(Double(times.count))) recorded arrivals, \(duration)"
        case .open(.even(let shape)), .open(.poisson(let shape)):
            let how = if case .open(.poisson) = plan.driver { "at random" } else { "evenly" }
            let rates = shape.stages.map {
                $0.from == $0.to ? Figures.short($0.from) : "\(Figures.short($0.from)) to \(Figures.short($0.to))"
            }
            let course = rates.count <= 5 ? rates.joined(separator: ", then ") : "up to \(Figures.short(shape.peak))"
            return "\(course) arrivals a second, \(how), \(duration)"
        }
    }
}
