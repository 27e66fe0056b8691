#if PostgreSQL
import ApusCore
import ApusObserve
import CLinux

/// The servers that have the same shards, and which of them is the primary as far as this process knows.
///
/// Another one may become it at any moment, by `store promote` or by what looks after the servers. A connection is made to the one that
/// says that it writes the latest timeline, and is of no use once a later one is known of. Whoever loses a connection, is refused a
/// write, or goes on for longer than ``lookAfter`` has all servers asked.
//
// `@unchecked Sendable` is sound because the word is only touched by atomic operations, and lives as long as this; everything else is
// behind locks.
final class PostgresMembers: @unchecked Sendable {
    /// Who is the primary, and the how manyth that this process knows of.
    struct Seat: Sendable, Equatable {
        let index: Int
        let timeline: Int64
        let generation: UInt64
    }

    /// How long nobody asks again while all goes well.
    static let lookAfter: Duration = .seconds(1)
    /// How often one asks at most while there is reason to.
    private static let lookEvery: Duration = .milliseconds(100)
    /// For how long one goes by what was heard; beyond that all servers are asked first.
    static let believedFor: Duration = .seconds(3)
    /// How long a server may take to be connected to, and to answer.
    private static let reachFor: Duration = .seconds(1)
    /// The same for the one that was the primary, where somebody waits for a connection to it.
    private static let waitFor: Duration = .seconds(2)
    private static let log = Log("store")

    private struct Known {
        var seat: Seat?
        var generation: UInt64 = 0
        /// The largest timeline that anybody was seen to write.
        var latest: Int64 = 0
        var system: Int64?
        /// A connection there failed, or nobody has asked yet.
        var isInDoubt = true
        var lookedAt = Instant(nanoseconds: .min)
        var isLookStarted = false
        /// Why there is no primary, with the fix.
        var problem: StoreError?
        /// Servers that were succeeded and take writes all the same: they are in the log.
        var old: Set<Int> = []
    }

    /// In the order of the URL, each with the database of the first shard.
    let places: [PostgresPlace]
    private let configuration: StoreConfiguration
    private let clock: any Clock
    private let stopper = ServerStopper()
    private let known = Lock(Known())
    private let roll: Lock<PostgresRollCall>
    private let watching = Lock<[@Sendable () -> Void]>([])
    private let word: UnsafeMutablePointer<UInt64>

    /// - Parameters:
    ///   - places: The server that the URL names, and those that follow it.
    ///   - schema: The first shard's.
    ///   - configuration: Bounds and sizes.
    ///   - clock: What deadlines go by.
    init(_ places: [PostgresPlace], schema: String, configuration: StoreConfiguration, clock: any Clock) {
        self.places = places
        self.configuration = configuration
        self.clock = clock
        roll = Lock(PostgresRollCall(places, schema: schema, configuration: configuration, clock: clock))
        word = .allocate(capacity: 1)
        word.initialize(to: 0)
    }

    deinit { word.deallocate() }

    /// Changes whenever another server, or the same one anew, becomes the primary.
    @inline(__always)
    var generation: UInt64 { apus_acquire_load(word) }

    /// The primary's place among ``places``; the URL's own where nobody has asked yet.
    var index: Int { known.withLock { $0.seat?.index ?? 0 } }
    /// The timeline that the primary writes.
    var timeline: Int64? { known.withLock { $0.seat?.timeline } }

    /// Has `body` called whenever ``generation`` has changed.
    func whenChanged(_ body: @escaping @Sendable () -> Void) { watching.withLock { $0.append(body) } }

    // MARK: Who it is

    /// Where a connection is to be made to.
    ///
    /// Asks all servers first where that is in doubt; blocks.
    ///
    /// - Throws: ``StoreError``: `unreachable` and the like where no server is known to take writes.
    func seat(by deadline: Int64) throws -> Seat {
        if let seat = known.withLock({ $0.isInDoubt ? nil : $0.seat }) { return seat }
        look(waitFor: Self.waitFor, by: deadline)
        return try known.withLock { known in
            if let problem = known.problem { throw problem }
            guard let seat = known.seat else { throw StoreError.expired(places[0].name) }
            return seat
        }
    }

    /// A connection there failed: the next one is not made before all servers have been asked.
    func doubt(_ seat: Seat) { known.withLock { if $0.seat == seat { $0.isInDoubt = true } } }

    /// Makes sure that a connection has led to the server that was meant.
    ///
    /// - Throws: ``StoreError``.
    func check(_ link: PostgresLink, _ seat: Seat, by deadline: Int64) throws {
        let session = PostgresSession(link, configuration: configuration, stopper: stopper, clock: clock)
        session.deadline = deadline
        let standing = try PostgresStanding.ask(session)
        guard !standing.isFollowing, standing.timeline == seat.timeline else {
            throw StoreError(.unreachable, "\(link.name) is the primary no more; the one that is will be looked for")
        }
    }

    /// Has all servers asked where that is due, and waits for it where the last time is long ago.
    func freshen() async {
        let (now, lookedAt) = (clock.now(), known.withLock { $0.lookedAt })
        if now < lookedAt + Self.lookAfter { return }
        if now < lookedAt + Self.believedFor { return lookSoon() }
        try? await StoreThread.run { [self] in look(by: .max) }
    }

    /// Has all servers asked on a thread of its own, unless that is under way or was done just now.
    func lookSoon() {
        let now = clock.now()
        let mustStart = known.withLock { known in
            guard !known.isLookStarted, now >= known.lookedAt + Self.lookEvery else { return false }
            known.isLookStarted = true
            return true
        }
        guard mustStart else { return }
        do {
            try StoreThread.start("store-look") { [self] in
                look(by: .max)
                known.withLock { $0.isLookStarted = false }
            }
        } catch {
            known.withLock { $0.isLookStarted = false }
        }
    }

    // MARK: Asking

    /// Asks the servers; blocks.
    private func look(waitFor: Duration = PostgresMembers.reachFor, by deadline: Int64) {
        let called = clock.now()
        let (isChanged, isNews) = roll.withLock { roll -> (Bool, Bool) in
            // Somebody else has asked meanwhile.
            if roll.isClosed || known.withLock({ $0.lookedAt >= called && !$0.isInDoubt }) { return (false, false) }
            let (seat, system, isInDoubt) = known.withLock { ($0.seat, $0.system, $0.isInDoubt) }
            let last = seat?.index ?? 0
            var answers = [PostgresStanding?](repeating: nil, count: places.count)
            var problem: StoreError?
            for index in places.indices.filter({ $0 != last }) + [last] {
                // One that was promoted later is the primary, whatever the one before it says.
                if index == last, let seat, case .primary(_, let timeline) = PostgresChoice.of(answers, system: system),
                    timeline > seat.timeline
                {
                    break
                }
                let end = (clock.now() + (index == last ? waitFor : Self.reachFor)).nanoseconds
                do {
                    answers[index] = try roll.ask(index, by: min(deadline, end), evenIf: isInDoubt)
                } catch {
                    if index == last { problem = StoreError(wrapping: error, "connect") }
                }
            }
            return settle(answers, problem, askedAt: called)
        }
        if isChanged { for body in watching.withLock({ $0 }) { body() } }
        if isNews { tell() }
    }

    /// Goes by what the servers have said.
    ///
    /// - Returns: Whether there is another primary, and whether there is something to be told.
    private func settle(_ answers: [PostgresStanding?], _ problem: StoreError?, askedAt: Instant) -> (Bool, Bool) {
        known.withLock { known in
            known.lookedAt = askedAt
            known.system = known.system ?? PostgresChoice.system(answers)
            let choice = PostgresChoice.of(answers, system: known.system, known: known.latest)
            switch choice {
            case .primary(let index, let timeline): return sit(index, timeline, answers, &known)
            case .several(let all) where known.seat.map { all.contains($0.index) } == true:
                // Those who work with one of them go on.
                known.isInDoubt = false
                known.problem = nil
            case .several(let all):
                known.problem = StoreError(
                    .wrongShard,
                    "\(names(all)) take writes on the same timeline; only one of them can be right: stop the others"
                )
            case .nobody(let old):
                known.problem = nobody(old, answers, problem)
                known.isInDoubt = true
                // Who has connections uses them until they end, unless they lead to one that was succeeded.
                guard let seat = known.seat, old.contains(seat.index) else { break }
                known.seat = nil
                known.old = Set(old)
                advance(&known)
                return (true, true)
            }
            return (false, false)
        }
    }

    private func sit(_ index: Int, _ timeline: Int64, _ answers: [PostgresStanding?], _ known: inout Known) -> (
        Bool, Bool
    ) {
        known.isInDoubt = false
        known.problem = nil
        let old = PostgresChoice.ours(answers, system: known.system).filter {
            guard let answer = answers[$0], answer.timeline != timeline else { return false }
            return !answer.isFollowing && !answer.isFenced
        }
        let isNews = !known.old.isSuperset(of: old)
        known.old = Set(old)
        if let seat = known.seat, seat.index == index, seat.timeline == timeline { return (false, isNews) }
        let isFirst = known.generation == 0
        known.latest = max(known.latest, timeline)
        advance(&known)
        known.seat = Seat(index: index, timeline: timeline, generation: known.generation)
        return (true, isNews || !isFirst)
    }

    /// Connections that were made so far are of no use from here on.
    private func advance(_ known: inout Known) {
        known.generation += 1
        apus_release_store(word, known.generation)
    }

    private func nobody(_ old: [Int], _ answers: [PostgresStanding?], _ problem: StoreError?) -> StoreError {
        if !old.isEmpty {
            return StoreError(
                .unreachable,
                "\(names(old)) was succeeded by another server, which does not answer: start that one, and have this one follow it",
                cause: problem
            )
        }
        let following = answers.count { $0?.isFollowing == true }
        let advice =
            following > 0 ? "; \(following) of its replicas answer: make one the primary with store promote" : ""
        let what = problem?.detail ?? "\(places[0].name) takes no writes"
        return StoreError(problem?.code ?? .unreachable, what + advice, cause: problem)
    }

    private func names(_ indices: [Int]) -> String { indices.map { places[$0].server }.joined(separator: " and ") }

    /// Says in the log who is the primary now, and who takes itself for it.
    private func tell() {
        let (seat, old) = known.withLock { ($0.seat, $0.old) }
        Self.log.write(
            .warning,
            old.isEmpty
                ? "another database server is the primary"
                : "a database server that was succeeded takes writes; it is left out",
            [
                "primary": .string(seat.map { places[$0.index].server } ?? ""),
                "timeline": .int(Int(seat?.timeline ?? 0)),
                "succeeded": .string(names(old.sorted())),
            ]
        )
    }

    /// Ends the connections.
    func close() {
        roll.withLock { $0.close() }
    }
}
#endif
