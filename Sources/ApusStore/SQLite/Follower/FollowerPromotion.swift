import ApusCore
import ApusRuntime

/// Makes a shard's follower the shard, step by step: whatever ends it on the way, the next one goes on.
///
/// 1. The follower says that it is the shard, of the next epoch. From here on the old file is not opened any more.
/// 2. The table of slots says the same, so that also a file which comes back later is refused.
/// 3. The old file is set aside, and a copy of the follower put in its place.
/// 4. The follower's own file goes: the next start makes another one.
struct FollowerPromotion {
    let store: Store
    let folder: String
    let place: FollowPlace
    let index: Int
    let isForced: Bool
    let clock: any Clock
    let progress: (String) -> Void

    private var path: String { "\(folder)/\(OpenStore.fileName(index))" }
    private var follower: String { "\(place.folder)/\(OpenStore.fileName(index))" }
    private var configuration: StoreConfiguration { store.configuration }

    func run() throws -> FollowerPromotionReport {
        let began = clock.now()
        do {
            try Files.makeFolder(folder)
            if Files.status("\(folder)/map.json") == nil { try FollowerFolder.copyMap(from: place.folder, to: folder) }
        } catch { throw StoreError(wrapping: error, folder) }
        guard Files.status("\(folder)/map.json") != nil else {
            throw refused("neither \(folder) nor \(place.folder) has a map.json")
        }
        let map = try ShardMap.open(
            folder: folder,
            store: store.name,
            sharding: store.sharding,
            shards: store.shards,
            deadline: configuration.openDeadline
        )
        guard (0..<map.table.shards).contains(index) else {
            throw StoreError(.valueInvalid, "the store has shards 0 to \(map.table.shards - 1)")
        }
        let lock = try LockFile(path: path + ".lock")
        try lock.acquire(within: configuration.openDeadline)
        defer { lock.release() }
        let page = CommitCounter(lock)
        let hand = try FollowerHand(source: path, path: follower, configuration: configuration, page: page)
        try hand.lock.acquire(within: configuration.openDeadline)
        defer { hand.lock.release() }
        var report = try takeOver(map, hand, page)
        // From here on nobody who has the old file open writes to it.
        page.set(.lineage, to: CommitCounter.promoted)
        page.followerWent()
        if map.table.epoch(of: index) < report.epoch { try map.table.setEpoch(of: index, to: report.epoch) }
        progress("the table of slots names epoch \(report.epoch)")
        report.aside = try setAside(report.epoch)
        if Files.status(path) == nil {
            try FollowerCopy.make(of: follower, at: path, configuration) { _ in }
            progress("\(path) is a copy of the follower")
        }
        try FollowerCopy.remove(follower)
        page.set(.lineage, to: 0)
        progress("\(follower) is gone: the next start makes another")
        report.nanoseconds = (clock.now() - began).nanoseconds
        return report
    }

    private func refused(_ why: String) -> StoreError {
        StoreError(.statementInvalid, "shard \(index) is not promoted: \(why)")
    }

    /// Has the follower be the shard, if that loses nothing or is forced.
    private func takeOver(_ map: ShardMap, _ hand: FollowerHand, _ page: CommitCounter) throws
        -> FollowerPromotionReport
    {
        // The last step of one that was cut off: the copy is in place, and the follower's file may be gone.
        if let record = try? record(of: path, as: .primary), record.epoch > 0,
            record.epoch == map.table.epoch(of: index),
            Files.status(follower)?.size ?? 0 == 0
                || (try? self.record(of: follower, as: .primary))?.epoch == record.epoch
        {
            return FollowerPromotionReport(
                shard: index,
                file: path,
                epoch: record.epoch,
                position: Int(record.position)
            )
        }
        guard Files.status(follower)?.size ?? 0 > 0 else { throw refused("\(follower) is missing") }
        var record = try readable(map)
        var lost = 0
        if record.role == .follower {
            guard record.epoch >= map.table.epoch(of: index) else {
                throw refused("\(follower) is from before an earlier promotion")
            }
            lost = try missing(&record, hand, page)
            guard lost == 0 || isForced else {
                throw refused(
                    "its follower lacks \(lost) commits that were acknowledged; bring the file back, or say --force to lose them"
                )
            }
            hand.close()
            let file = try SQLiteConnection(path: follower, configuration: configuration, isReader: false)
            defer { file.close() }
            record.role = .primary
            record.epoch = max(record.epoch, map.table.epoch(of: index)) + 1
            record.lineage = 0
            try file.begin()
            try record.write(file)
            try ChangeLog.removeAll(on: file)
            try file.commit()
            progress("the follower is the shard, at position \(record.position), of epoch \(record.epoch)")
        }
        return FollowerPromotionReport(
            shard: index,
            file: path,
            epoch: record.epoch,
            position: Int(record.position),
            commitsLost: lost
        )
    }

    private func record(of path: String, as role: FollowRecord.Role) throws -> FollowRecord? {
        guard Files.status(path)?.size ?? 0 > 0 else { return nil }
        let file = try SQLiteConnection(path: path, configuration: configuration, isReader: true)
        defer { file.close() }
        return try FollowRecord.read(file).flatMap { $0.role == role ? $0 : nil }
    }

    /// The follower's record, where all of the file can be read and it is this shard's.
    private func readable(_ map: ShardMap) throws -> FollowRecord {
        let file = try SQLiteConnection(path: follower, configuration: configuration, isReader: true)
        defer { file.close() }
        let problems: [String] = try Transaction(file).all("SELECT quick_check FROM pragma_quick_check(1)")
        guard problems == ["ok"] else { throw StoreError(.corrupt, "\(follower) is damaged: \(problems.first ?? "")") }
        let runner = MigrationRunner(session: file, file: follower, clock: clock)
        try runner.claim(identity: map.identity, index: index)
        guard let record = try FollowRecord.read(file) else { throw refused("\(follower) never followed a shard") }
        return record
    }

    /// How many commits the follower lacks that were acknowledged, after it was brought those that can be read.
    private func missing(_ record: inout FollowRecord, _ hand: FollowerHand, _ page: CommitCounter) throws -> Int {
        if let shard = try? intact() {
            defer { shard.close() }
            // One that was never followed is older than its follower.
            guard let there = try FollowRecord.read(shard) else { return 0 }
            guard there.lineage == record.lineage else {
                throw refused("\(follower) does not follow \(path), which is intact")
            }
            if there.position > record.position {
                do {
                    record.position = try hand.catchUp(from: shard, lineage: record.lineage)
                    progress("the follower was brought to position \(record.position), where the shard is")
                } catch is FollowerHand.NeedsCopy {}
            }
            return Int(max(0, there.position - record.position))
        }
        // The file is gone or damaged. What was acknowledged stands in the page of its lock, if that is still there.
        guard page[.lineage] == UInt64(bitPattern: record.lineage) else { return 0 }
        return max(0, Int(clamping: page[.committed]) - Int(record.position))
    }

    /// The shard's file, where it can be read.
    private func intact() throws -> SQLiteConnection? {
        guard Files.status(path)?.size ?? 0 > 0 else { return nil }
        let file = try SQLiteConnection(path: path, configuration: configuration, isReader: true)
        do {
            let problems: [String] = try Transaction(file).all("SELECT quick_check FROM pragma_quick_check(1)")
            if problems == ["ok"] { return file }
        } catch {
            file.close()
            throw error
        }
        file.close()
        return nil
    }

    /// Renames the old file, unless it is the new one already.
    private func setAside(_ epoch: Int) throws -> String? {
        let aside = "\(path).before-epoch-\(epoch)"
        guard Files.status(path) != nil else { return Files.status(aside) == nil ? nil : aside }
        if let record = try? record(of: path, as: .primary), record.epoch == epoch {
            return Files.status(aside) == nil ? nil : aside
        }
        try FollowerCopy.move(path, to: aside)
        progress("the old file is \(aside)")
        return aside
    }
}
