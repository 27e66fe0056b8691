import ApusCore
import ApusRuntime
import FoundationEssentials

extension ShardMap {
    /// 1: where slots lie is in this file; 2: they have moved since, and `slots.map` says where to; 3: they have moved on
    /// servers, and each shard says what has left it; 4: they are on their way between a folder and a server, and the folder's
    /// `slots.map` and `relocation.json` say where they are.
    static let formatMax = 4
    private static let movedInFolder = 2
    static let movedOnServers = 3
    static let relocated = 4

    /// The map as it stands on disk: slots in runs of the same shard.
    private struct Document: Codable {
        struct Run: Codable {
            var slots: Int
            var shard: Int
        }
        var format: Int
        var store: String
        var identity: String
        var version: Int
        var shards: Int
        var sharding: Sharding
        var assignment: [Run]
        /// On servers, the last resharding that is in it.
        var plan: Int64?
    }

    /// Reads the map of a folder, or writes the first one, while holding the folder's lock.
    ///
    /// - Throws: ``StoreError``: `mapMismatch` where the stored declaration is another one, `corrupt` where the file
    ///   cannot be read as a map, `newerSchema` for a later format, `inputOutput`.
    static func open(
        folder: String,
        store: String,
        sharding: Sharding,
        shards: Int,
        deadline: Duration = .seconds(30)
    ) throws -> ShardMap {
        let path = folder + "/map.json"
        let lock = try LockFile(path: folder + "/map.lock")
        // A disk that is read-only can still be read, once there is something on it.
        if lock.isWritable || Files.status(path) == nil { try lock.acquire(within: deadline) }
        defer { lock.release() }
        guard Files.status(path) != nil else {
            let map = first(sharding, shards: shards)
            try Files.writeAtomically(map.encoded(store: store), to: path)
            return try map.shared(in: folder)
        }
        let bytes = try Files.read(path, bytesMax: 16 << 20)
        return try read(bytes, from: path, store: store, sharding: sharding, shards: shards).shared(in: folder)
    }

    /// The map that was written for a store.
    ///
    /// - Throws: As `open(folder:store:sharding:shards:deadline:)`.
    static func read(
        _ bytes: [UInt8],
        from path: String,
        store: String,
        sharding: Sharding,
        shards: Int
    ) throws -> ShardMap {
        let document = try decoded(bytes, path: path)
        guard document.store == store else {
            throw StoreError(.wrongShard, "\(path) belongs to the store \"\(document.store)\", not \"\(store)\"")
        }
        // Once slots have moved, what is stored says how many shards there are.
        guard document.sharding == sharding, document.format > 1 || document.shards == shards else {
            throw StoreError(
                .mapMismatch,
                "\(path) was made for \(document.shards) shards by \(document.sharding.kind.rawValue) over "
                    + "\(document.sharding.slots) slots; the program declares \(shards) by \(sharding.kind.rawValue) "
                    + "over \(sharding.slots), or other names; declare what is stored, or move the data by resharding"
            )
        }
        return ShardMap(
            version: document.version,
            sharding: sharding,
            table: SlotTable(
                document.assignment.flatMap { Array(repeating: UInt16($0.shard), count: $0.slots) },
                shards: document.shards
            ),
            identity: document.identity,
            hasMoved: document.format > 1,
            isRelocated: document.format == relocated,
            plan: document.plan ?? 0
        )
    }

    private static func decoded(_ bytes: [UInt8], path: String) throws -> Document {
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(bytes))
        } catch {
            throw StoreError(.corrupt, "\(path) is no shard map; restore it from a backup", cause: error)
        }
        guard document.format <= formatMax else {
            throw StoreError(.newerSchema, "\(path) has format \(document.format); this program knows \(formatMax)")
        }
        let slots = document.assignment.reduce(0) { $0 + max(0, min($1.slots, Sharding.slotsMax)) }
        let inRange = document.assignment.allSatisfy { $0.slots > 0 && (0..<document.shards).contains($0.shard) }
        guard document.shards > 0, document.shards <= 1024, inRange, slots == document.sharding.slots else {
            throw StoreError(.corrupt, "\(path) does not give every slot a shard; restore it from a backup")
        }
        return document
    }

    /// The same with the shard of each slot in memory that all processes of the folder share.
    private func shared(in folder: String) throws -> ShardMap {
        let path = folder + "/slots.map"
        if hasMoved, Files.status(path) == nil {
            throw StoreError(
                .corrupt,
                "\(path) is missing, and says where rows have moved to; restore it from a backup"
            )
        }
        do {
            let assignment = table.assignment.map { UInt16($0) }
            let table = try SlotTable(path: path, assignment: assignment, shards: shards)
            return ShardMap(
                version: version,
                sharding: sharding,
                table: table,
                identity: identity,
                hasMoved: hasMoved,
                isRelocated: isRelocated
            )
        } catch let error as StoreError {
            // On a disk that is read-only nothing moves.
            guard error.code == .readOnly, Files.status(path) == nil else { throw error }
            return self
        }
    }

    /// Writes down that slots move from now on, and over how many shards.
    ///
    /// Who opens the folder later reads it, and who has it open is told. A program from before slots moved does not open the
    /// folder any more; nor does one from before slots went to servers, where they do.
    ///
    /// - Throws: ``StoreError``: `diskFull`, `readOnly`, `busy`, `inputOutput`.
    func startMoves(shards: Int, folder: String, store: String, isRelocated: Bool, deadline: Duration) throws {
        let lock = try LockFile(path: folder + "/map.lock")
        try lock.acquire(within: deadline)
        defer { lock.release() }
        do {
            let document = try encoded(
                store: store,
                format: isRelocated ? Self.relocated : Self.movedInFolder,
                shards: max(shards, self.shards)
            )
            try Files.writeAtomically(document, to: folder + "/map.json")
        } catch {
            throw StoreError(wrapping: error, "the map")
        }
        if shards > self.shards { try table.grow(to: shards) }
    }

    /// The map as it is kept.
    func encoded(store: String, format: Int = 1, shards: Int? = nil, plan: Int64? = nil) throws -> [UInt8] {
        var runs: [Document.Run] = []
        for shard in table.assignment {
            if let last = runs.indices.last, runs[last].shard == shard {
                runs[last].slots += 1
            } else {
                runs.append(Document.Run(slots: 1, shard: shard))
            }
        }
        let document = Document(
            format: format,
            store: store,
            identity: identity,
            version: first,
            shards: shards ?? self.shards,
            sharding: sharding,
            assignment: runs,
            plan: plan
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(document))
    }
}
