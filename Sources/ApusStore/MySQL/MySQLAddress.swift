#if MySQL
import ApusCore

/// Where one shard is, and how it was there lately.
final class MySQLAddress: Sendable {
    let place: MySQLPlace
    let health = ServerHealth()

    init(_ place: MySQLPlace) { self.place = place }

    /// Locks of this shard, by names that the whole server shares: for making it ready, and for transactions that collide.
    var migrationLock: String { lock("migrations") }
    var collisionLock: String { lock("collisions") }

    // A name has up to 64 characters.
    private func lock(_ purpose: String) -> String {
        "apus \(purpose) " + String(XXHash64.hash("\(place.database)"), radix: 16)
    }

    /// For people: server and database.
    var name: String { place.name }
}
#endif
