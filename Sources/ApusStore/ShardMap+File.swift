import ApusCore
import ApusRuntime
import FoundationEssentials

extension ShardMap {
    static let formatMax = 1

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
            return map
        }
        let bytes = try Files.read(path, bytesMax: 16 << 20)
        return try read(bytes, from: path, store: store, sharding: sharding, shards: shards)
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
        guard document.sharding == sharding, document.shards == shards else {
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
            shards: shards,
            assignment: document.assignment.flatMap { Array(repeating: UInt16($0.shard), count: $0.slots) },
            identity: document.identity
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

    /// The map as it is kept.
    func encoded(store: String) throws -> [UInt8] {
        var runs: [Document.Run] = []
        for shard in assignment {
            if let last = runs.indices.last, runs[last].shard == Int(shard) {
                runs[last].slots += 1
            } else {
                runs.append(Document.Run(slots: 1, shard: Int(shard)))
            }
        }
        let document = Document(
            format: Self.formatMax,
            store: store,
            identity: identity,
            version: version,
            shards: shards,
            sharding: sharding,
            assignment: runs
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(document))
    }
}
