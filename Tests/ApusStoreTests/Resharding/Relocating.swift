import ApusCore
import ApusTesting
import Testing

@testable import ApusStore

extension TestEngine {
    /// The servers that a folder's rows can go to.
    static var servers: [TestEngine] { here.filter { $0 != .sqlite } }
}

/// A store in a folder, and the server that its rows go to.
extension TestPlace {
    /// The server's URL.
    func server() throws -> Secret<String> { Secret(try #require(url as String?)) }

    /// Where the store's files are, whatever the place's engine.
    var filesSite: BlockSite { BlockSite(dataFolder: folder.path) }

    /// Opens the store in its files.
    func openFiles(
        shards: Int = 2,
        share: Double = 1,
        migrations: [Migration] = MovingShop.migrations,
        tables: [StoreTable] = MovingShop.tables
    ) async throws -> MovingShop {
        let shop = MovingShop(name, shards: shards, share: share, migrations: migrations, tables: tables)
        try await shop.store.open(filesSite)
        return shop
    }
}
