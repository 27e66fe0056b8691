import ApusCore
import ApusLoad
import ApusRuntime
import ApusStore
import Glibc

/// `store`: where a store's rows lie, moving them to other shards while the system serves, copies of all of them, and promotions.
///
/// But for the last, it opens the store beside the system's own processes, as one more of them: it works on a system that runs and on one that
/// does not.
enum StoreCommand {
    static func run(_ invocation: Invocation) throws -> Never {
        let wish = try Wish(invocation.arguments)
        // Before any other thread is started: a signal that some thread does not block would end the process there.
        let signals = try Signals.block([SIGINT, SIGTERM])
        Program.run(loopCount: 1) { group in
            let loop = group.loops[0]
            let work = Task(executorPreference: loop) { await answer(wish, invocation) }
            let stopping = Task(executorPreference: loop) {
                let count = Lock(0)
                try? await signals.run(on: loop) { number in
                    let isSecond = count.withLock { count in
                        count += 1
                        return count > 1
                    }
                    if isSecond { exit(128 + number) }
                    work.cancel()
                }
            }
            let code = await work.value
            stopping.cancel()
            return code
        }
    }

    private static func answer(_ wish: Wish, _ invocation: Invocation) async -> Int32 {
        do {
            _ = try invocation.configure()
            let store = try store(wish.store, invocation)
            if case .restore(let backup) = wish.work {
                StandardStreams.write(try await restored(store, from: backup, wish, invocation))
                return 0
            }
            if case .promote = wish.work {
                StandardStreams.write(try await promoted(store, wish, invocation))
                return 0
            }
            guard let folder = Files.resolve(invocation.dataFolder) else {
                throw StartFailure("the data folder \(invocation.dataFolder) is missing; name another with --data")
            }
            let place = "\(folder)/\(store.folderName)"
            try await store.open(BlockSite(url: invocation.declared.url(of: store), dataFolder: place))
            do {
                StandardStreams.write(try await document(wish, store, invocation))
                await store.close()
                return 0
            } catch {
                await store.close()
                throw error
            }
        } catch let error as UsageError {
            SystemProgram.complain("\(invocation.system): \(error)")
            return SystemProgram.usage
        } catch is CancellationError {
            SystemProgram.complain("\(invocation.system): stopped\(afterwards(wish, invocation.program))")
            return SystemProgram.failure
        } catch {
            SystemProgram.complain("\(invocation.system): \(StartFailure(wrapping: error, doing: "store"))")
            return SystemProgram.failure
        }
    }

    /// What is there after Ctrl-C.
    private static func afterwards(_ wish: Wish, _ program: String) -> String {
        switch wish.work {
        case .backup: ", and there is no backup"
        case .restore: "; no program opens the store until it is restored: begin again"
        case .promote: ", and no replica was promoted"
        default: ", and every row is on one shard; go on with \(program) store reshard --continue"
        }
    }

    private static func store(_ name: String?, _ invocation: Invocation) throws(UsageError) -> Store {
        let stores = invocation.declared.blocks.compactMap { $0 as? Store }
        let names = stores.map(\.name).joined(separator: ", ")
        guard !stores.isEmpty else { throw UsageError("\(invocation.system) has no store") }
        guard let name else {
            guard stores.count == 1 else { throw UsageError("which of \(names)? name one") }
            return stores[0]
        }
        guard let store = stores.first(where: { $0.name == name }) else {
            throw UsageError("there is no store \"\(name)\"; there is \(names)")
        }
        return store
    }

    // MARK: Answers

    private static func document(_ wish: Wish, _ store: Store, _ invocation: Invocation) async throws -> String {
        let view = ProgressLine(isQuiet: wish.isJSON)
        let program = "\(invocation.program) store reshard"
        switch wish.work {
        case .status:
            let status = try await StoreStatus(store)
            return wish.isJSON ? try JSONDocument.encode(status) + "\n" : status.text(store.name, program)
        case .spread, .gather:
            let plan = try plan(wish.work, store)
            guard plan.slots > 0 else {
                return wish.isJSON
                    ? try JSONDocument.encode(MoveReport()) + "\n" : "\(store.name): all slots lie there already\n"
            }
            if wish.isDry { return try await estimated(plan, store, wish, view) }
            return try await moved(wish, view, program) { try await store.reshard(plan) { show($0, view) } }
        case .onto(let text, let shards):
            // A password on a command line is seen by everybody on the machine.
            let url = Secret(text == "-" ? readLine() ?? "" : text)
            return try await namingOption {
                if wish.isDry {
                    return try await estimated(try store.reshardPlan(onto: url, shards: shards), store, wish, view)
                }
                return try await moved(wish, view, program) {
                    try await store.reshard(onto: url, shards: shards) { show($0, view) }
                }
            }
        case .goOn: return try await moved(wish, view, program) { try await store.reshard(nil) { show($0, view) } }
        case .back: return try await moved(wish, view, program) { try await store.reshardBack { show($0, view) } }
        case .finish:
            let status = try await store.resharding()
            try await store.finishResharding()
            if wish.isJSON { return "{\"done\":\"finish\"}\n" }
            guard let status, let server = status.server, !status.isBack else {
                return "\(store.name): finished; the way back is forgotten\n"
            }
            return """
                \(store.name): finished; the rows are on \(server) for good
                Name it by STORE_URL at the next start; until then who opens the files' folder is led on to it.

                """
        case .backup(let folder): return try await backedUp(store, into: folder, wish, view)
        case .restore, .promote: throw UsageError("that is not for a store that is open")
        }
    }

    private static func estimated(
        _ plan: MovePlan,
        _ store: Store,
        _ wish: Wish,
        _ view: ProgressLine
    ) async throws -> String {
        let estimate = try await store.reshardEstimate(plan) { show($0, view) }
        view.end()
        return wish.isJSON ? try JSONDocument.encode(estimate) + "\n" : text(estimate, store.name)
    }

    /// What is wrong with a server's URL is wrong with the option that named it.
    private static func namingOption<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch let error as ConfigurationError where error.field == "STORE_URL" {
            throw ConfigurationError(field: "--onto", value: error.value, accepted: error.accepted)
        }
    }

    private static func plan(_ work: Wish.Work, _ store: Store) throws -> MovePlan {
        guard case .gather(let what, let shard) = work else {
            guard case .spread(let shards) = work else { return try store.reshardPlan(shards: 1) }
            return try store.reshardPlan(shards: shards)
        }
        let ends = what.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        // No store has so many slots; the sum has room.
        let most = 1 << 20
        if ends.count == 1, let slot = ends[0], slot < most {
            return try store.reshardPlan(slots: slot..<slot + 1, to: shard)
        }
        if ends.count == 2, let first = ends[0], let last = ends[1], first <= last, last < most {
            return try store.reshardPlan(slots: first..<last + 1, to: shard)
        }
        return try store.reshardPlan(name: what, to: shard)
    }

    private static func moved(
        _ wish: Wish,
        _ view: ProgressLine,
        _ program: String,
        _ work: () async throws -> MoveReport
    ) async throws -> String {
        let report: MoveReport
        do {
            report = try await work()
        } catch {
            view.end()
            throw error
        }
        view.end()
        if wish.isJSON { return try JSONDocument.encode(report) + "\n" }
        return """
            \(report.rows) rows moved in \(Shown.duration(Double(report.nanoseconds) / 1e9)), \(report.steps) steps, \
            the longest \(Shown.duration(Double(report.pause) / 1e9))
            to keep it: \(program) --finish; to undo it: \(program) --back

            """
    }

    private static func show(_ progress: MoveProgress, _ view: ProgressLine) {
        if progress.isCounting { return view.show("looking through a shard: \(progress.rows) rows", percent: nil) }
        let percent = progress.slotsInAll == 0 ? 100 : progress.slots * 100 / progress.slotsInAll
        view.show(
            "\(percent) %: \(progress.slots) of \(progress.slotsInAll) slots, \(progress.rows) rows, "
                + "longest step \(Shown.duration(Double(progress.pause) / 1e9))",
            percent: percent
        )
    }

    private static func text(_ estimate: MoveEstimate, _ store: String) -> String {
        let from = Set(estimate.plan.moves.map(\.from)).sorted().map(String.init).joined(separator: ", ")
        let to = Set(estimate.plan.moves.map(\.to)).sorted().map(String.init).joined(separator: ", ")
        return """
            \(store): \(estimate.plan.slots) slots would move from shard \(from) to shard \(to)
              rows         \(estimate.rows)
              bytes        about \(max(1, estimate.bytes >> 10)) KiB
              time         about \(Shown.duration(estimate.seconds))
              largest key  \(estimate.largestKey) rows in one step: its shard's writers wait about \(Shown.duration(estimate.pause))
            Nothing was moved.

            """
    }
}

/// What `store status` says.
struct StoreStatus: Codable {
    struct Shard: Codable {
        var shard: Int
        var slots: Int
    }
    var version: Int
    var slots: Int
    var shards: [Shard]
    var followers: [FollowerStatus]
    var resharding: MoveStatus?

    init(_ store: Store) async throws {
        let map = try store.map
        version = map.version
        slots = map.sharding.slots
        var counts = Array(repeating: 0, count: map.shards)
        for slot in 0..<slots { counts[map.shard(ofSlot: slot)] += 1 }
        shards = counts.enumerated().map { Shard(shard: $0.offset, slots: $0.element) }
        followers = store.followers
        resharding = try await store.resharding()
    }

    func text(_ name: String, _ program: String) -> String {
        var table = TextTable(["SHARD", "SLOTS"], shards.map { ["\(name)/\($0.shard)", "\($0.slots)"] }).text
        if !followers.isEmpty {
            let rows = followers.map {
                [
                    "\(name)/\($0.shard)", $0.isSound ? "sound" : "lost", "\($0.lag)", $0.isAwaited ? "yes" : "no",
                    $0.path,
                ]
            }
            table += TextTable(["FOLLOWER OF", "STATE", "LAG", "AWAITED", "FILE"], rows).text
        }
        guard let resharding else { return table }
        let way = resharding.isBack ? "back" : "on"
        let server = resharding.server.map { resharding.isBack ? " back from \($0)" : " onto \($0)" } ?? ""
        let state =
            resharding.isDone
            ? "done; keep it with \(program) --finish, or undo it with \(program) --back"
            : "under way; go \(way) with \(program) --continue where it stands still"
        return table + "resharding\(server): \(resharding.slots) of \(resharding.plan.slots) slots moved, \(state)\n"
    }
}
