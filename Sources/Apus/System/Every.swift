import ApusCore

/// Work that a part does again and again without being called, such as sweeping up what a crash left.
///
/// It runs in each replica, on its first loop, one run at a time: the next begins a pause after the last has ended, and the
/// first some random part of a pause after the start, so that replicas do not march in step. A run that fails is logged
/// and counted in `apus_job_runs_total`, and the next comes all the same. Runs of two replicas may overlap: let them be
/// idempotent.
public struct Every: Sendable {
    /// What it is called, in logs and metrics.
    public let name: String
    /// The time between two runs.
    public let pause: Duration
    /// The time a run has before it is cancelled.
    public let limit: Duration
    let run: @Sendable (Host) async throws -> Void

    /// A job.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - pause: The time between two runs; at least 10 ms.
    ///   - limit: The time a run has; 30 s unless said.
    ///   - run: One run, on the replica's first loop.
    public init(
        _ name: String,
        _ pause: Duration,
        limit: Duration = .seconds(30),
        _ run: @escaping @Sendable (Host) async throws -> Void
    ) {
        precondition(pause >= .milliseconds(10), "job \(name): a pause is at least 10 ms")
        precondition(limit > .zero, "job \(name): a run needs time")
        self.name = name
        self.pause = pause
        self.limit = limit
        self.run = run
    }
}

/// Collects the jobs of a part.
@resultBuilder
public enum JobBuilder {
    /// One job.
    public static func buildExpression(_ job: Every) -> [Every] { [job] }
    /// All of them.
    public static func buildBlock(_ jobs: [Every]...) -> [Every] { jobs.flatMap { $0 } }
}

/// Runs the jobs of one process until it is cancelled.
struct JobRunner: Sendable {
    let jobs: [Every]
    let host: Host

    func run() async {
        let runs = Metrics.process.counters(
            "apus_job_runs_total",
            help: "Runs of background jobs, by result.",
            labels: ["job", "result"]
        )
        await withDiscardingTaskGroup { group in
            for job in jobs {
                group.addTask(executorPreference: host.loop) { await repeatedly(job, runs) }
            }
        }
    }

    private func repeatedly(_ job: Every, _ runs: Family<Counter>) async {
        var random = SystemRandomNumberGenerator()
        let first = Duration.nanoseconds(Int64.random(in: 0...job.pause.nanoseconds, using: &random))
        do { try await host.loop.sleep(for: first) } catch { return }
        while !Task.isCancelled {
            do {
                try await once(job)
                runs.series(job.name, "ok").increment()
            } catch {
                if Task.isCancelled { return }
                runs.series(job.name, "failed").increment()
                host.log.error("a job failed", ["job": .string(job.name), "error": .error(error)])
            }
            do { try await host.loop.sleep(for: job.pause) } catch { return }
        }
    }

    /// One run, cancelled at its limit.
    private func once(_ job: Every) async throws {
        let loop = host.loop
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask(executorPreference: loop) { [host] in
                try await CallContext.within(job.limit) { try await job.run(host) }
                return true
            }
            group.addTask(executorPreference: loop) {
                try await loop.sleep(for: job.limit)
                return false
            }
            let isDone = try await group.next() ?? false
            group.cancelAll()
            if !isDone { throw JobLimit(limit: job.limit) }
        }
    }
}

/// A job's run took longer than it may.
struct JobLimit: Error, CustomStringConvertible {
    let limit: Duration
    var description: String { "a run took longer than \(limit) and was cancelled" }
}
