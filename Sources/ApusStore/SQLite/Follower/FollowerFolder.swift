import ApusCore
import ApusRuntime

/// The followers' folder, which has what it takes to be a store: also the map, and where slots have moved to.
enum FollowerFolder {
    private static let files = ["map.json", "slots.map"]

    /// Makes the folder ready for the followers of the store in `folder`.
    ///
    /// - Throws: ``StoreError``: `wrongShard` where another store's are there, `statementInvalid` while slots move; what the disk said.
    static func prepare(_ place: FollowPlace, of folder: String, _ store: Store, _ map: ShardMap) throws {
        if try MoveRecord.read(folder) != nil {
            throw StoreError(
                .statementInvalid,
                "a store whose slots move has no followers: start without ?follower=, and finish by store reshard --finish"
            )
        }
        do {
            try Files.makeFolder(place.folder)
            guard Files.resolve(place.folder) != Files.resolve(folder) else {
                throw StoreError(.statementInvalid, "\(place.folder) has the shards themselves; name another folder")
            }
            let path = "\(place.folder)/map.json"
            if Files.status(path) != nil {
                let bytes = try Files.read(path, bytesMax: 16 << 20)
                let there = try ShardMap.read(
                    bytes,
                    from: path,
                    store: store.name,
                    sharding: store.sharding,
                    shards: store.shards
                )
                guard there.identity == map.identity else {
                    throw StoreError(
                        .wrongShard,
                        "\(place.folder) has followers of another store; empty it, or name another"
                    )
                }
            }
            try copyMap(from: folder, to: place.folder)
        } catch { throw StoreError(wrapping: error, place.folder) }
    }

    /// Copies the map, where it is another one.
    static func copyMap(from folder: String, to target: String) throws {
        for name in files where Files.status("\(folder)/\(name)") != nil {
            let bytes = try Files.read("\(folder)/\(name)", bytesMax: 16 << 20)
            let there = Files.status("\(target)/\(name)").flatMap { _ in try? Files.read("\(target)/\(name)") }
            if there != bytes { try Files.writeAtomically(bytes, to: "\(target)/\(name)") }
        }
    }
}
