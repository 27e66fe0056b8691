import Apus

/// The process's index of the catalogue.
///
/// The index is a derived copy. Whoever changes which products there are, or a title, raises the catalogue's version in
/// the same store (``CatalogueVersion``); each process looks at the version when its copy is older than two seconds,
/// and reads the products again only where it has changed. Searches meanwhile get the old copy: nobody waits but the
/// first to search in a process, and a job spares even them.
final class ProductSearch: Sendable {
    private struct Edition: Sendable {
        let version: Int64
        let index: CatalogueIndex
    }
    private enum Key: Sendable, Hashable { case index }

    private let editions: Cache<Key, Edition>
    private let last = Lock<Edition?>(nil)

    /// Seconds after which the version is looked at again.
    static let lifetime = Duration.seconds(2)

    /// An index that is made when it is first asked for.
    init(metrics: Metrics = .process) {
        var configuration = CacheConfiguration(capacity: 1, lifetime: Self.lifetime)
        configuration.staleWhileRevalidate = .seconds(3_600)
        configuration.staleIfError = .seconds(3_600)
        editions = Cache("catalogue-index", configuration, metrics: metrics)
    }

    /// The index of the catalogue as it is, or was a moment ago.
    ///
    /// - Throws: What the store throws, where there is no earlier index to answer from.
    func index(of table: CatalogueTable) async throws -> CatalogueIndex {
        try await editions.value(for: .index) { [last] () async throws -> Edition in
            let version = try await CatalogueVersion(store: table.store).read()
            if let last = last.withLock({ $0 }), last.version == version { return last }
            let edition = Edition(version: version, index: CatalogueIndex(try await table.everything()))
            last.withLock { $0 = edition }
            return edition
        }.index
    }

    /// Looks at the version with the next search, whatever its age.
    func invalidate() { editions.invalidate(.index) }
}

/// Counts how often the catalogue has changed in what its index holds; prices and stock are not among it.
struct CatalogueVersion: Sendable {
    let store: Store
    private static let note = "catalogue version"

    /// How often; 0 for a catalogue that was never loaded.
    func read() async throws -> Int64 {
        let text: String? = try await store.shard(for: NoteKey(name: Self.note)).first(
            "SELECT value FROM notes WHERE name = \(Self.note)"
        )
        return text.flatMap { Int64($0) } ?? 0
    }

    /// Says that it has changed; call it after the change.
    func raise() async throws {
        try await store.shard(for: NoteKey(name: Self.note)).transaction { transaction in
            let text: String? = try transaction.first("SELECT value FROM notes WHERE name = \(Self.note)")
            let next = String((text.flatMap { Int64($0) } ?? 0) + 1)
            try transaction.execute("DELETE FROM notes WHERE name = \(Self.note)")
            try transaction.execute("INSERT INTO notes (name, value) VALUES (\(Self.note), \(next))")
        }
    }
}
