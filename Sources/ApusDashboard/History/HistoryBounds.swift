/// How much of the disk the history may take.
struct HistoryBounds: Sendable, Hashable {
    /// A file is as long as this at most, in bytes: 4 MiB.
    var segmentBytes = 4 << 20
    /// What series did, in bytes: 96 MiB.
    var metricsBytes = 96 << 20
    /// Traces, in bytes: 128 MiB.
    var tracesBytes = 128 << 20
    /// Lines of the log, in bytes: 32 MiB.
    var linesBytes = 32 << 20

    /// All of it, in bytes.
    var bytes: Int { metricsBytes + tracesBytes + linesBytes }
}
