import ApusCore
import ApusRuntime
import FoundationEssentials

/// What a store is being resharded to, kept in the store's folder until it is finished.
struct MoveRecord: Sendable, Codable {
    static let formatMax = 1

    var format = Self.formatMax
    /// What moves.
    var plan: MovePlan
    /// True once all of it has moved: then it is kept for the way back.
    var isDone = false
    /// True on the way back.
    var isBack = false
    /// Seconds since 1970.
    var begunAt: Int64
    /// How many shards have what is the same everywhere; new ones behind them are yet to be filled.
    var filled: Int?

    private static func path(_ folder: String) -> String { folder + "/reshard.json" }

    /// The record of a folder; `nil` where nothing moves.
    ///
    /// - Throws: ``StoreError``: `corrupt`, `newerSchema`, `inputOutput`.
    static func read(_ folder: String) throws -> MoveRecord? {
        let path = path(folder)
        guard Files.status(path) != nil else { return nil }
        let record: MoveRecord
        do {
            record = try JSONDecoder().decode(MoveRecord.self, from: Data(try Files.read(path, bytesMax: 16 << 20)))
        } catch let error as SystemError {
            throw StoreError(error)
        } catch {
            throw StoreError(.corrupt, "\(path) is no plan; restore it from a backup", cause: error)
        }
        guard record.format <= formatMax else {
            throw StoreError(.newerSchema, "\(path) has format \(record.format); this program knows \(formatMax)")
        }
        return record
    }

    func write(_ folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let path = Self.path(folder)
        do { try Files.writeAtomically(Array(try encoder.encode(self)), to: path) } catch {
            throw StoreError(wrapping: error, path)
        }
    }

    static func forget(_ folder: String) throws {
        let path = path(folder)
        guard Files.status(path) != nil else { return }
        do { try Files.remove(path) } catch { throw StoreError(wrapping: error, path) }
    }
}
