import ApusCore
import ApusRuntime
import FoundationEssentials

/// Where the rows of a folder go that leave its files for a database server, kept in the folder.
///
/// The server's shards come behind those of the folder: its shard 0 is the folder's shard `first`, and so on. The URL is kept
/// with its password, as programs that run already hear of it here alone: the file is for its owner.
struct Relocation: Sendable {
    private static let formatMax = 1

    /// The server, as `STORE_URL` names it.
    let url: Secret<String>
    /// The same for people: servers and databases.
    let place: String
    /// The number that the server's first shard has in the folder.
    let first: Int
    /// How many shards the server has.
    let shards: Int
    /// True once the way back is forgotten: the rows are the server's.
    var isSettled = false

    /// - Throws: `ConfigurationError` for a URL that names no database server.
    init(url: Secret<String>, first: Int, shards: Int) throws(ConfigurationError) {
        place = try Self.place(of: url)
        self.url = url
        self.first = first
        self.shards = shards
    }

    /// The same, reached by another URL, such as one with a new password.
    func reached(by url: Secret<String>) throws(ConfigurationError) -> Relocation {
        try Relocation(url: url, first: first, shards: shards)
    }

    /// Tells this server's shards from others'; never 0.
    var token: UInt64 { XXHash64.hash("\(place) \(first) \(shards)") | 1 }

    /// The servers and databases of a URL, for people.
    ///
    /// - Throws: `ConfigurationError` for a URL that names none; it holds no password.
    static func place(of url: Secret<String>) throws(ConfigurationError) -> String {
        let text = url.reveal()
        let scheme = text.prefix { $0 != ":" }
        switch scheme {
        #if PostgreSQL
        case "postgres", "postgresql":
            let location = try PostgresLocation(url: text)
            guard !location.isCitus else {
                throw ConfigurationError(
                    field: "STORE_URL",
                    value: "a server with Citus",
                    accepted: "one where the library itself moves rows between shards"
                )
            }
            return location.places.map(\.name).joined(separator: ", ")
        #endif
        #if MySQL
        case "mysql", "mysqls", "mariadb":
            let location = try MySQLLocation(url: text)
            let places = location.places.isEmpty ? [location.server] : location.places
            return places.map(\.name).joined(separator: ", ")
        #endif
        default:
            throw ConfigurationError(
                field: "STORE_URL",
                value: "\(scheme.prefix(16)):…",
                accepted: "postgres://user:password@host:port/database or mysql://user:password@host:port/name, where "
                    + "the program was built with that engine"
            )
        }
    }

    // MARK: The file

    private struct Document: Codable {
        var format = Relocation.formatMax
        var url: String
        var first: Int
        var shards: Int
        var isSettled: Bool
    }

    private static func path(_ folder: String) -> String { folder + "/relocation.json" }

    /// Where a folder's rows go; `nil` where they stay.
    ///
    /// - Throws: ``StoreError``: `corrupt`, `newerSchema`, `inputOutput`.
    static func read(_ folder: String) throws -> Relocation? {
        let path = path(folder)
        guard Files.status(path) != nil else { return nil }
        let bytes: [UInt8]
        do { bytes = try Files.read(path, bytesMax: 1 << 20) } catch { throw StoreError(wrapping: error, path) }
        do {
            let document = try JSONDecoder().decode(Document.self, from: Data(bytes))
            guard document.format <= formatMax else {
                throw StoreError(.newerSchema, "\(path) has format \(document.format); this program knows \(formatMax)")
            }
            var relocation = try Relocation(
                url: Secret(document.url),
                first: document.first,
                shards: document.shards
            )
            relocation.isSettled = document.isSettled
            guard document.first > 0, document.shards > 0 else { throw Self.unreadable(path, nil) }
            return relocation
        } catch let error as StoreError {
            throw error
        } catch {
            throw unreadable(path, error as? ConfigurationError)
        }
    }

    /// The same where rows have gone.
    static func expect(_ folder: String) throws -> Relocation {
        if let relocation = try read(folder) { return relocation }
        throw StoreError(
            .corrupt,
            "\(path(folder)) is missing, and says which server has the rows; restore it from a backup"
        )
    }

    // What stands there is not told: it may be a password.
    private static func unreadable(_ path: String, _ cause: ConfigurationError?) -> StoreError {
        StoreError(.corrupt, "\(path) names no server that this program knows; restore it from a backup", cause: cause)
    }

    func write(_ folder: String) throws {
        let path = Self.path(folder)
        let document = Document(url: url.reveal(), first: first, shards: shards, isSettled: isSettled)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do { try Files.writeAtomically(Array(try encoder.encode(document)), to: path, mode: 0o600) } catch {
            throw StoreError(wrapping: error, path)
        }
    }

    static func forget(_ folder: String) throws {
        let path = path(folder)
        guard Files.status(path) != nil else { return }
        do { try Files.remove(path) } catch { throw StoreError(wrapping: error, path) }
    }

    // MARK: The server

    /// Opens the store on the server; blocks.
    ///
    /// - Parameter filling: Who brings its rows there; `nil` once it is settled.
    /// - Throws: `ConfigurationError`; ``StoreError``.
    func open(_ store: Store, filling: Filling?, scratch: String, clock: any Clock) throws -> OpenStore {
        var configuration = store.configuration
        configuration.filling = filling
        let there = Store(
            store.name,
            shards: shards,
            sharding: store.sharding,
            migrations: store.migrations,
            tables: store.tables,
            configuration: configuration
        )
        return try OpenStore.open(there, BlockSite(url: url.reveal(), dataFolder: scratch, clock: clock))
    }
}

/// Who brings the rows of a store on a server: the folder with this map. Nobody else opens it until all of them are there.
struct Filling: Sendable, Hashable {
    /// The identity of the folder's map, which the server's shards get too.
    let identity: String
    /// The number that the server's first shard has in the folder.
    let first: Int
}
