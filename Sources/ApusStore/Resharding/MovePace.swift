import ApusCore
import ApusRuntime

/// How fast a resharding goes: as fast as it can without being felt.
struct MovePace: Sendable {
    /// How long a step is to keep its shard's writers waiting.
    let step: Duration
    /// The share of the time in which there are steps.
    let share: Double

    static let rowsAtFirst = 64
    /// Fewer rows cost as much.
    let rowsLeast: Int
    static let rowsMost = 4096
    /// What a row takes apart from the disk, for an estimate, in nanoseconds.
    private static let nanosecondsPerRow = 25_000.0
    /// How often a step waits for the disk: the step's begin, the rows, the cursor, what is taken away.
    private static let syncsPerStep = 4.0

    init(_ configuration: StoreConfiguration, rowsLeast: Int) {
        self.rowsLeast = rowsLeast
        step = configuration.moveStep
        share = configuration.moveShare
    }

    /// How many rows the next step brings.
    func rows(after rows: Int, in time: Duration) -> Int {
        if time > step { return max(rowsLeast, rows / 2) }
        return time < step / 2 ? min(Self.rowsMost, rows + max(1, rows / 4)) : rows
    }

    /// Rests for as long as others are to have the shard after a step.
    ///
    /// - Throws: `CancellationError`.
    func rest(after time: Duration) async throws {
        try Task.checkCancellation()
        guard share < 1 else { return }
        try await Pause.take(.nanoseconds(Int64(Double(time.nanoseconds) * (1 / share - 1))))
    }

    /// About how long it takes to move so many rows, and to move the largest key, in seconds.
    func estimate(rows: Int, slots: Int, largest: Int, sync: Duration) -> (seconds: Double, pause: Double) {
        let sync = Double(sync.nanoseconds) * Self.syncsPerStep
        let perStep = max(Double(rowsLeast), (Double(step.nanoseconds) - sync) / Self.nanosecondsPerRow)
        // A slot ends with a step of its own.
        let steps = Double(rows) / perStep + Double(slots)
        let work = steps * sync + Double(rows) * Self.nanosecondsPerRow
        return (work / share / 1e9, (sync + Double(max(largest, rowsLeast)) * Self.nanosecondsPerRow) / 1e9)
    }

    /// How long the disk of a folder takes to sync a page, by the median of some.
    static func timeOfSync(in folder: String, clock: any Clock) throws -> Duration {
        let path = folder + "/reshard-sync"
        defer { try? Files.remove(path) }
        let page = [UInt8](repeating: 0, count: 4096)
        var times: [Duration] = []
        for _ in 0..<7 {
            let began = clock.now()
            do { try Files.writeAtomically(page, to: path) } catch { throw StoreError(wrapping: error, path) }
            // The file, and the folder that names it.
            times.append((clock.now() - began) / 2)
        }
        return times.sorted()[times.count / 2]
    }
}
