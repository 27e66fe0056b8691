import ApusCore
import ApusObserve
import ApusRuntime

/// What a process tells the dashboard: its side of the pulse, and what only it can measure of its loops.
final class ProcessPulse: Sendable {
    private struct LoopInstruments: Sendable {
        let loop: EventLoop
        let queue: Histogram
    }

    private let source: PulseSource
    private let loops: [LoopInstruments]
    private let busy: Lock<[Int: Double]>

    /// - Parameters:
    ///   - loops: The loops that are looked at.
    ///   - limitsTraces: Whether the dashboard may lower the share of ordinary traces.
    ///   - tail: Whose lines are told.
    init(loops: [EventLoop], limitsTraces: Bool, tail: LogTail) {
        source = PulseSource(tail: tail, limitsTraces: limitsTraces)
        LogOutput.process.keep(in: tail)
        let times = Metrics.process.histograms(
            "apus_loop_queue_seconds",
            help: "How long a job waits before its loop runs it, looked at once a second.",
            bounds: .callDurations,
            labels: ["loop"],
            seriesMax: 64
        )
        let busy = Lock<[Int: Double]>([:])
        self.busy = busy
        self.loops = loops.map { loop in
            let index = loop.index
            Metrics.process.observeTotal(
                "apus_loop_busy_seconds_total",
                help: "Processor time of a loop's thread.",
                labels: [("loop", "\(index)")]
            ) { busy.withLock { $0[index] ?? 0 } }
            return LoopInstruments(
                loop: loop,
                queue: times.series("\(index)")
            )
        }
    }

    /// What is new since `request`.
    func answer(_ request: PulseRequest) -> Pulse {
        // What the loops say comes with the next pulse: nobody waits for a busy one.
        for instruments in loops { look(instruments) }
        return source.answer(request)
    }

    private func look(_ instruments: LoopInstruments) {
        let asked = instruments.loop.preciseNow()
        let busy = busy
        instruments.loop.execute {
            instruments.queue.record(instruments.loop.preciseNow() - asked)
            let used = ProcessFacts.threadCPUSeconds
            busy.withLock { $0[instruments.loop.index] = used }
        }
    }
}
