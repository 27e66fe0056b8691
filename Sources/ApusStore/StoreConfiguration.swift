import ApusCore

/// How a store behaves under load.
///
/// Every wait and every queue has its bound here.
public struct StoreConfiguration: Sendable, Hashable {
    /// How long opening waits for another process that holds a shard's lock; 30 s.
    public var openDeadline: Duration = .seconds(30)
    /// How long a write waits and works unless the call says otherwise; 5 s.
    public var writeDeadline: Duration = .seconds(5)
    /// How long a scan waits and works unless the call says otherwise; 30 s.
    public var scanDeadline: Duration = .seconds(30)
    /// How long a point read that leaves the process waits and works; 5 s.
    public var readDeadline: Duration = .seconds(5)
    /// How long it may take to reach a database server; 5 s.
    public var connectDeadline: Duration = .seconds(5)
    /// Writes that may wait for one shard; 2,048.
    ///
    /// One more is refused with code `overloaded`.
    public var writesWaitingMax = 2048
    /// Requests in one commit; 512.
    public var groupMax = 512
    /// Reads that may wait for one shard's reader threads; 256.
    public var scansWaitingMax = 256
    /// Point reads that may wait for one shard on one loop, where they leave the process; 4,096.
    public var readsWaitingMax = 4096
    /// Connections a shard for single statements that one loop keeps for reads, and as many for writes; 4.
    ///
    /// The first is made at the first use, another when the ones there have ``pipelineDepth`` statements each. On MySQL a connection
    /// takes one statement at a time, and a shard's loops share all but the first of each loop.
    public var pipelines = 4
    /// Statements on their way on one connection; 64.
    public var pipelineDepth = 64
    /// Threads that run transactions on a shard of a database server, each with a connection of its own; 4.
    public var writerThreads = 4
    /// Reader threads a shard; 1.
    public var readerThreads = 1
    /// Steps of SQLite's machine that a read on the loop may take; 100,000, about a millisecond.
    public var pointReadStepsMax = 100_000
    /// Rows in one answer; 100,000.
    public var rowsMax = 100_000
    /// Size of one answer of a database server, in bytes; 64 MiB.
    public var answerBytesMax = 64 << 20
    /// Page cache of one connection, in bytes; 2 MiB, SQLite's default.
    public var cacheBytes = 2 << 20
    /// Size of a database page in a new file, in bytes; 4,096.
    public var pageBytes = 4096
    /// Pages in the write-ahead log before the writer copies them into the file; 10,000.
    public var checkpointPages = 10_000
    /// From when on a write or a scan counts as slow; 100 ms.
    public var slowAfter: Duration = .milliseconds(100)
    /// How long a step of resharding aims to keep writers of its shard waiting, 1 ms to 1 s.
    public var moveStep: Duration = .milliseconds(3)
    /// The share of the time in which resharding works, 0.01 to 1; the rest of it rests.
    public var moveShare = 0.25

    /// Whether a restore that was cut off may be opened: only by the one that begins it again.
    var isRestoring = false
    /// Who brings rows to a store on a server that is not whole yet: only they may open it.
    var filling: Filling?

    /// The defaults.
    public init() {}

    func checked() throws(ConfigurationError) -> Self {
        try Self.check("writesWaitingMax", writesWaitingMax, 1...1_000_000)
        try Self.check("groupMax", groupMax, 1...100_000)
        try Self.check("scansWaitingMax", scansWaitingMax, 1...1_000_000)
        try Self.check("readsWaitingMax", readsWaitingMax, 1...1_000_000)
        try Self.check("pipelines", pipelines, 1...256)
        try Self.check("pipelineDepth", pipelineDepth, 1...1024)
        try Self.check("writerThreads", writerThreads, 1...64)
        try Self.check("readerThreads", readerThreads, 1...64)
        try Self.check("pointReadStepsMax", pointReadStepsMax, 1_000...1_000_000_000)
        try Self.check("rowsMax", rowsMax, 1...100_000_000)
        try Self.check("answerBytesMax", answerBytesMax, 1 << 16...1 << 40)
        try Self.check("cacheBytes", cacheBytes, 1 << 16...1 << 40)
        try Self.check("checkpointPages", checkpointPages, 100...10_000_000)
        guard (Duration.milliseconds(1)...Duration.seconds(1)).contains(moveStep) else {
            throw ConfigurationError(field: "moveStep", value: "\(moveStep.seconds) s", accepted: "1 ms to 1 s")
        }
        guard (0.01...1).contains(moveShare) else {
            throw ConfigurationError(field: "moveShare", value: "\(moveShare)", accepted: "0.01 to 1")
        }
        guard (512...65536).contains(pageBytes), pageBytes & (pageBytes - 1) == 0 else {
            throw ConfigurationError(
                field: "pageBytes",
                value: "\(pageBytes)",
                accepted: "a power of two, 512 to 65536"
            )
        }
        return self
    }

    private static func check(_ field: String, _ value: Int, _ range: ClosedRange<Int>) throws(ConfigurationError) {
        guard range.contains(value) else {
            let accepted = "\(range.lowerBound) to \(range.upperBound)"
            throw ConfigurationError(field: field, value: "\(value)", accepted: accepted)
        }
    }
}
