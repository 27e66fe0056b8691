import ApusCore
import ApusStore

/// One client of a store: it does one call after the other on a few keys, in each of the ways that there are, and notes
/// them.
struct HistoryClient: Sendable {
    /// Told by no other client, in no process: part of each value that it writes.
    let number: Int
    let keys: Range<Int>
    let store: Store
    let log: HistoryLog
    private var random: SeededRandom
    private var calls = 0
    private var seen: [Int: Int] = [:]

    init(_ number: Int, keys: Range<Int>, store: Store, log: HistoryLog, seed: UInt64) {
        self.number = number
        self.keys = keys
        self.store = store
        self.log = log
        random = SeededRandom(seed: seed &+ UInt64(number))
    }

    /// Does the next call.
    ///
    /// - Returns: Whether the store answered.
    /// - Throws: What a store must not say, whatever happens to its server or to other processes.
    mutating func step() async throws -> Bool {
        let key = Int.random(in: keys, using: &random)
        calls += 1
        let new = number * 1_000_000 + calls
        let call: HistoryOperation.Call =
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1: .read
            case 2, 3: .write(new)
            default: .exchange(seen[key] ?? 0, new)
            }
        let way = Int.random(in: 0..<4, using: &random)
        log.begins(number, calls, key: key, call)
        do {
            let outcome = try await perform(call, key, way)
            log.ends(number, calls, outcome)
            if case .value(let value) = outcome { seen[key] = value }
            if outcome == .done { seen[key] = new }
            return true
        } catch let error as StoreError {
            switch error.code {
            case .outcomeUnknown: log.ends(number, calls, .unknown)
            case .unreachable, .overloaded, .deadlineExceeded, .busy: log.ends(number, calls, nil)
            default: throw error
            }
            return false
        }
    }

    private func perform(_ call: HistoryOperation.Call, _ key: Int, _ way: Int) async throws
        -> HistoryOperation.Outcome
    {
        let shard = try store.shard(for: key)
        let sql: SQL
        switch call {
        case .read:
            let read: SQL = "SELECT value FROM registers WHERE id = \(key)"
            let found: Int? =
                switch way {
                case 0: try await shard.scan(read, as: Int.self).first
                case 1: try await shard.transaction { try $0.first(read) }
                default: try await shard.first(read)
                }
            return .value(found ?? HistoryOperation.absent)
        case .write(let new): sql = "UPDATE registers SET value = \(new) WHERE id = \(key)"
        case .exchange(let old, let new):
            sql = "UPDATE registers SET value = \(new) WHERE id = \(key) AND value = \(old)"
        }
        let count =
            switch way {
            case 0: try await shard.execute(sql)
            case 1: try await shard.execute(sql, mayShare: true)
            case 2: try await shard.transaction { try $0.execute(sql) }
            default:
                // What it reads first is what the others change.
                try await shard.transaction { transaction in
                    let found: Int? = try transaction.first("SELECT value FROM registers WHERE id = \(key)")
                    if case .exchange(let old, _) = call, found != old { return 0 }
                    return try transaction.execute(sql)
                }
            }
        return count == 1 ? .done : .refused
    }

    /// Reads each key once more, with patience: after a restart some connections have not been made again yet.
    mutating func readAll() async {
        for key in keys {
            await eventually {
                try await read(key)
                return true
            }
        }
    }

    private mutating func read(_ key: Int) async throws {
        calls += 1
        log.begins(number, calls, key: key, .read)
        do {
            log.ends(number, calls, try await perform(.read, key, 2))
        } catch {
            log.ends(number, calls, nil)
            throw error
        }
    }
}
