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
    /// On servers, the number of the plan among all that the store ever had.
    var number: Int64?

    /// What a second one that reshards is told.
    static let taken = StoreError(.busy, "another process reshards the store; wait for it, or end it")

    private static func path(_ folder: String) -> String { folder + "/reshard.json" }

    /// The record of a folder; `nil` where nothing moves.
    ///
    /// - Throws: ``StoreError``: `corrupt`, `newerSchema`, `inputOutput`.
    static func read(_ folder: String) throws -> MoveRecord? {
        let path = path(folder)
        guard Files.status(path) != nil else { return nil }
        let bytes: [UInt8]
        do { bytes = try Files.read(path, bytesMax: 16 << 20) } catch { throw StoreError(wrapping: error, path) }
        return try read(bytes, from: path)
    }

    /// Reads a record as it is kept.
    static func read(_ bytes: [UInt8], from place: String) throws -> MoveRecord {
        let record: MoveRecord
        do { record = try JSONDecoder().decode(MoveRecord.self, from: Data(bytes)) } catch {
            throw StoreError(.corrupt, "\(place) is no plan; restore it from a backup", cause: error)
        }
        guard record.format <= formatMax else {
            throw StoreError(.newerSchema, "\(place) has format \(record.format); this program knows \(formatMax)")
        }
        return record
    }

    /// The record as it is kept.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(self))
    }

    func write(_ folder: String) throws {
        let path = Self.path(folder)
        do { try Files.writeAtomically(try encoded(), to: path) } catch {
            throw StoreError(wrapping: error, path)
        }
    }

    static func forget(_ folder: String) throws {
        let path = path(folder)
        guard Files.status(path) != nil else { return }
        do { try Files.remove(path) } catch { throw StoreError(wrapping: error, path) }
    }
}
