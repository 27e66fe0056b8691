import ApusCore
import ApusRuntime
import FoundationEssentials

/// An entry, or a claim of one, as it stands in a table.
struct Standing: Row, Sendable {
    enum State: Int, SQLScalar {
        /// Reserved, and perhaps claimed by now.
        case claiming = 1
        case held = 2
        /// Perhaps given back by now.
        case leaving = 3
        /// Of a claim: given back.
        case released = 4
        /// Of a claim: can never be made.
        case void = 5
    }

    let entry: String
    let owner: String
    let token: String
    let state: State
    /// Since when, in milliseconds since 1970.
    let since: Int64

    init(entry: String, owner: String, token: String, state: State, since: Int64) {
        (self.entry, self.owner, self.token, self.state, self.since) = (entry, owner, token, state, since)
    }

    init(from row: inout RowReader) throws {
        entry = try row.next()
        owner = try row.next()
        token = try row.next()
        state = try row.next()
        since = try row.next()
    }
}

/// What the owner's shard says about a claim.
struct Claim: Row, Sendable {
    let state: Standing.State
    /// Since when; a number that grows with every change, for a claim that is held.
    let since: Int64

    init(from row: inout RowReader) throws {
        state = try row.next()
        since = try row.next()
    }
}

/// Keys as text, so that they can be told apart in a table and read again.
enum ClaimText {
    /// The longest texts, in bytes: what MySQL takes into an index.
    static let entryMax = 200
    static let ownerMax = 400

    static func encode(_ key: some Encodable, most: Int) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(key), as: UTF8.self)
        guard text.utf8.count <= most else {
            throw StoreError(.valueInvalid, "a key of \(text.utf8.count) bytes as JSON; an index takes \(most)")
        }
        return text
    }

    static func decode<Key: Decodable>(_ text: String, as type: Key.Type) throws -> Key {
        do { return try JSONDecoder().decode(Key.self, from: Data(text.utf8)) } catch {
            throw StoreError(.rowMismatch, "a key in an index that is no \(Key.self)", cause: error)
        }
    }
}

/// A change came too late: somebody has taken it for dead.
private struct ChangeTooLate: Error {}

/// What becomes of an entry that somebody else has.
enum ClaimOutcome { case taken, busy, free }

extension UniqueIndex {
    var now: Int64 { clock.wallNanoseconds() / 1_000_000 }

    // MARK: One change

    /// An entry that its owner gives back, and what the claim was when that began.
    private struct Leaving: Sendable {
        var entry: Standing
        var claimedSince: Int64
    }

    func change<Value: Sendable>(
        claiming new: Entry?,
        releasing old: Entry?,
        _ owner: Owner,
        _ store: Store,
        _ deadline: Duration?,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
    ) async throws -> Value {
        let ownerText = try ClaimText.encode(owner, most: ClaimText.ownerMax)
        if let old, let new, try ClaimText.encode(old, most: .max) == ClaimText.encode(new, most: .max) {
            throw StoreError(.valueInvalid, "index \(name): an entry is replaced by itself")
        }
        let leaving = try await old.asyncMap { try await leave($0, owner, ownerText, store) }
        let coming: Standing?
        do {
            coming = try await new.asyncMap { try await reserve($0, ownerText, store) }
        } catch {
            await undo(nil, leaving, store)
            throw error
        }
        do {
            let value = try await store.shard(for: owner).transaction(deadline: deadline) { transaction in
                if let coming { try note(coming, transaction) }
                if let leaving { try free(leaving, transaction) }
                return try body(transaction)
            }
            await finish(coming, leaving, store)
            return value
        } catch {
            // What may have been done is settled by whoever needs to know.
            let code = (error as? StoreError)?.code
            if code != .outcomeUnknown, code != .inputOutput { await undo(coming, leaving, store) }
            guard error is ChangeTooLate else { throw error }
            throw StoreError(.busy, "index \(name): the change took longer than the index's patience, and was given up")
        }
    }

    /// In the owner's transaction: the entry is the owner's, unless the claim is void by now.
    private func note(_ claim: Standing, _ transaction: borrowing Transaction) throws {
        // Notes that a claim is void are not kept for ever.
        guard now - claim.since < Self.voidMilliseconds / 2 else { throw ChangeTooLate() }
        do { try transaction.execute(insertion(claim, as: .held)) } catch let error as StoreError {
            guard error.code == .uniqueViolation else { throw error }
            throw ChangeTooLate()
        }
    }

    /// In the owner's transaction: the entry is the owner's no more, unless somebody has taken the change for dead.
    private func free(_ leaving: Leaving, _ transaction: borrowing Transaction) throws {
        let count = try transaction.execute(
            """
            UPDATE \(identifier: claims) SET state = \(Standing.State.released), since = \(now)
            WHERE token = \(leaving.entry.token) AND state = \(Standing.State.held) AND since = \(leaving.claimedSince)
            """
        )
        guard count == 1 else { throw ChangeTooLate() }
    }

    private func insertion(_ claim: Standing, as state: Standing.State) -> SQL {
        """
        INSERT INTO \(identifier: claims) (entry, owner, token, state, since)
        VALUES (\(claim.entry), \(claim.owner), \(claim.token), \(state), \(now))
        """
    }

    private static func notHeld(_ name: String) -> StoreError {
        StoreError(.rowMissing, "index \(name): the owner has not this entry")
    }

    private static func underWay(_ name: String) -> StoreError {
        StoreError(.busy, "index \(name): somebody changes the entry at this moment")
    }

    /// After the transaction, whatever becomes of the caller; what fails is settled later.
    private func finish(_ coming: Standing?, _ leaving: Leaving?, _ store: Store) async {
        await Task(executorPreference: EventLoop.current) {
            if let coming { _ = try? await set(coming, to: .held, store) }
            if let leaving { try? await finish(leaving.entry, store) }
        }.value
    }

    /// Nothing was changed: takes the reservation back, whatever becomes of the caller.
    private func undo(_ coming: Standing?, _ leaving: Leaving?, _ store: Store) async {
        await Task(executorPreference: EventLoop.current) {
            if let coming { try? await drop(coming, store) }
            if let leaving { _ = try? await set(leaving.entry, to: .held, store) }
        }.value
    }

    // MARK: On the entry's shard

    private func entryShard(_ text: String, _ store: Store) throws -> Shard<Entry> {
        try store.shard(for: try ClaimText.decode(text, as: Entry.self))
    }

    func standing(_ entry: Entry, _ text: String, _ store: Store) async throws -> Standing? {
        try await store.shard(for: entry).first(
            "SELECT entry, owner, token, state, since FROM \(identifier: name) WHERE entry = \(text)"
        )
    }

    private func reserve(_ entry: Entry, _ owner: String, _ store: Store) async throws -> Standing {
        let text = try ClaimText.encode(entry, most: ClaimText.entryMax)
        let ours = Standing(
            entry: text,
            owner: owner,
            token: SecureRandom.token(bits: 128),
            state: .claiming,
            since: now
        )
        for _ in 0..<Self.attemptsMax {
            do {
                _ = try await store.shard(for: entry).execute(
                    """
                    INSERT INTO \(identifier: name) (entry, owner, token, state, since)
                    VALUES (\(ours.entry), \(ours.owner), \(ours.token), \(ours.state), \(ours.since))
                    """
                )
                return ours
            } catch let error as StoreError {
                guard error.code == .uniqueViolation else {
                    // It may be there all the same.
                    await undo(ours, nil, store)
                    throw error
                }
                guard let found = try await standing(entry, text, store) else { continue }
                switch try await settle(found, store) {
                case .taken: throw StoreError(.uniqueViolation, "index \(name): the entry is taken", cause: error)
                case .busy: throw Self.underWay(name)
                case .free: continue
                }
            }
        }
        throw StoreError(.busy, "index \(name): others claimed the entry \(Self.attemptsMax) times")
    }

    private static var attemptsMax: Int { 16 }

    /// Has whoever looks for an entry ask its owner's shard, from before the owner gives it back.
    private func leave(_ entry: Entry, _ owner: Owner, _ ownerText: String, _ store: Store) async throws -> Leaving {
        let text = try ClaimText.encode(entry, most: ClaimText.entryMax)
        for _ in 0..<Self.attemptsMax {
            guard let found = try await standing(entry, text, store), found.owner == ownerText,
                let claim = try await claim(found.token, of: owner, store), claim.state == .held
            else { throw Self.notHeld(name) }
            // One at a time; what was left under way is settled first.
            if found.state == .leaving {
                guard isOld(found) else { throw Self.underWay(name) }
                _ = try await settle(found, store)
                continue
            }
            let since = now
            guard try await set(found, to: .leaving, since: since, store) else { continue }
            let leaving = Standing(entry: text, owner: ownerText, token: found.token, state: .leaving, since: since)
            return Leaving(entry: leaving, claimedSince: claim.since)
        }
        throw Self.underWay(name)
    }

    /// Changes an entry that is still as it was found; false where it is not.
    private func set(
        _ found: Standing,
        to state: Standing.State,
        since: Int64? = nil,
        _ store: Store
    ) async throws -> Bool {
        let since = since ?? now
        let count = try await entryShard(found.entry, store).execute(
            """
            UPDATE \(identifier: name) SET state = \(state), since = \(since)
            WHERE entry = \(found.entry) AND token = \(found.token) AND state = \(found.state) AND since = \(found.since)
            """
        )
        return count == 1
    }

    private func drop(_ claim: Standing, _ store: Store) async throws {
        _ = try await entryShard(claim.entry, store).execute(
            "DELETE FROM \(identifier: name) WHERE entry = \(claim.entry) AND token = \(claim.token)"
        )
    }

    // MARK: On the owner's shard

    /// What the truth is about a claim; `nil` where nothing is known of it.
    func claim(_ token: String, of owner: Owner, _ store: Store) async throws -> Claim? {
        try await store.shard(for: owner).first("SELECT state, since FROM \(identifier: claims) WHERE token = \(token)")
    }

    private func forget(_ claim: Standing, of owner: Owner, _ store: Store) async throws {
        _ = try await store.shard(for: owner).execute(
            """
            DELETE FROM \(identifier: claims)
            WHERE token = \(claim.token) AND state = \(Standing.State.released)
            """
        )
    }

    /// An entry was given back: it goes, and then the note of it.
    func finish(_ claim: Standing, _ store: Store) async throws {
        try await drop(claim, store)
        try await forget(claim, of: try ClaimText.decode(claim.owner, as: Owner.self), store)
    }

    // MARK: Settling

    /// Whether a change has been under way for so long that whoever began it is taken for dead.
    private func isOld(_ found: Standing) -> Bool { abs(now - found.since) >= patience.nanoseconds / 1_000_000 }

    /// Finds out what became of an entry that somebody else has, or wanted.
    func settle(_ found: Standing, _ store: Store) async throws -> ClaimOutcome {
        let owner = try ClaimText.decode(found.owner, as: Owner.self)
        while true {
            switch try await claim(found.token, of: owner, store)?.state {
            case .held:
                switch found.state {
                case .claiming: _ = try await set(found, to: .held, store)
                case .leaving where isOld(found):
                    // From now on it cannot be given back by whoever began to; unless it is given back after all.
                    guard try await renew(found, owner, store) else { continue }
                    _ = try await set(found, to: .held, store)
                default: break
                }
                return .taken
            case .released:
                try await finish(found, store)
                return .free
            case .void:
                try await drop(found, store)
                return .free
            case .none, .claiming, .leaving:
                if found.state == .claiming, !isOld(found) { return .busy }
                // From now on the claim cannot be made; unless it is there after all.
                guard try await makeVoid(found, owner, store) else { continue }
                try await drop(found, store)
                return .free
            }
        }
    }

    /// Writes down that a claim is void; false where something is known of it.
    private func makeVoid(_ claim: Standing, _ owner: Owner, _ store: Store) async throws -> Bool {
        do {
            _ = try await store.shard(for: owner).execute(insertion(claim, as: .void))
            return true
        } catch let error as StoreError where error.code == .uniqueViolation {
            return false
        }
    }

    /// Makes a claim that is held another one to whoever looked at it before; false where it is not held any more.
    private func renew(_ claim: Standing, _ owner: Owner, _ store: Store) async throws -> Bool {
        let count = try await store.shard(for: owner).execute(
            """
            UPDATE \(identifier: claims) SET since = since + 1
            WHERE token = \(claim.token) AND state = \(Standing.State.held)
            """
        )
        return count == 1
    }
}

extension Optional {
    /// What `body` makes of the value, if there is one.
    fileprivate func asyncMap<Result>(_ body: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let value = self else { return nil }
        return try await body(value)
    }
}
