import ApusCore
import ApusRuntime
import FoundationEssentials

/// What a backup holds: `backup.json` in its folder, written when everything else is there.
///
/// Beside it stands a SQLite file a shard, whose tables have the store's names and columns without types. A folder without
/// this file is no backup.
struct BackupManifest: Sendable, Hashable, Codable {
    static let formatMax = 1
    static let fileName = "backup.json"
    /// More rows than a table has.
    private static let rowsMax = 1 << 48

    /// A step of the schema that the rows are in.
    struct Step: Sendable, Hashable, Codable {
        var number: Int
        var name: String
        var checksum: String
    }

    struct Table: Sendable, Hashable, Codable {
        var name: String
        var columns: [String]
        var rows: Int
        /// The sum of the rows' hashes, in hexadecimal.
        var sum: String

        init(name: String, columns: [String], sum: RowSum) {
            self.name = name
            self.columns = columns
            rows = sum.rows
            self.sum = String(sum.sum, radix: 16)
        }

        var rowSum: RowSum { RowSum(rows: rows, sum: UInt64(sum, radix: 16) ?? 0) }
    }

    struct Shard: Sendable, Hashable, Codable {
        var file: String
        var tables: [Table]
    }

    var format = 1
    var store: String
    /// When all shards were looked at, in seconds since 1970.
    var takenAt: Int64
    var migrations: [Step]
    var shards: [Shard]

    /// How many rows there are; what is everywhere counts once.
    func rows(in tables: [TableStatements]) -> Int {
        let references = Set(tables.filter(\.table.isReference).map(\.table.name))
        return shards.enumerated().reduce(0) { sum, shard in
            shard.element.tables.reduce(sum) { sum, table in
                shard.offset > 0 && references.contains(table.name) ? sum : sum + table.rows
            }
        }
    }

    func write(_ folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let path = "\(folder)/\(Self.fileName)"
        do { try Files.writeAtomically(Array(try encoder.encode(self)), to: path) } catch {
            throw StoreError(wrapping: error, path)
        }
    }

    /// The backup in a folder.
    ///
    /// - Throws: ``StoreError``: `corrupt` where there is none, or it is not whole; `newerSchema`; `inputOutput`.
    static func read(_ folder: String) throws -> BackupManifest {
        let path = "\(folder)/\(fileName)"
        guard Files.status(path) != nil else {
            throw StoreError(.corrupt, "\(folder) is no backup: there is no \(fileName), which is written last")
        }
        struct Head: Decodable { var format: Int }
        let manifest: BackupManifest
        do {
            let data = Data(try Files.read(path, bytesMax: 64 << 20))
            let head = try JSONDecoder().decode(Head.self, from: data)
            guard head.format <= formatMax else {
                throw StoreError(.newerSchema, "\(path) has format \(head.format); this program knows \(formatMax)")
            }
            manifest = try JSONDecoder().decode(BackupManifest.self, from: data)
        } catch let error as StoreError {
            throw error
        } catch let error as SystemError {
            throw StoreError(error)
        } catch {
            throw StoreError(.corrupt, "\(path) does not say what the backup holds; take another one", cause: error)
        }
        for shard in manifest.shards {
            let names = shard.tables.flatMap { [$0.name] + $0.columns }
            guard !shard.file.contains("/"), names.allSatisfy(Identifiers.isIdentifier),
                shard.tables.allSatisfy({ (0...rowsMax).contains($0.rows) })
            else {
                throw StoreError(.corrupt, "\(path) has a name or a number that is none; take another one")
            }
            guard Files.status("\(folder)/\(shard.file)")?.isFile == true else {
                throw StoreError(.corrupt, "\(folder)/\(shard.file) is missing; take another backup")
            }
        }
        return manifest
    }
}
