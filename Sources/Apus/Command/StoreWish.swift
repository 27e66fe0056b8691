import ApusStore

extension StoreCommand {
    /// What was asked for.
    struct Wish: Sendable {
        enum Work: Sendable, Equatable {
            case status
            case spread(Int)
            case gather(String, to: Int)
            case onto(String, shards: Int?)
            case goOn, back, finish
            case backup(into: String)
            case restore(from: String)
            case promote(Int, isPlanned: Bool, isForced: Bool)
        }
        let work: Work
        let store: String?
        let isDry: Bool
        let isJSON: Bool

        init(_ arguments: Arguments) throws(UsageError) {
            guard let verb = arguments.operands.first else { throw Self.noVerb }
            store = arguments.operands.dropFirst().first
            isJSON = arguments.has("json")
            isDry = arguments.has("dry-run")
            work = try verb == "promote" ? Self.promotion(arguments) : Self.work(verb, arguments)
            if verb != "promote", ["shard", "planned", "force"].contains(where: arguments.has) {
                throw UsageError("--shard, --planned and --force go with store promote")
            }
            if isDry {
                switch work {
                case .spread, .gather, .onto: break
                default: throw UsageError("--dry-run goes with --to, --move or --onto")
                }
            }
        }

        private static let noVerb = UsageError("store needs status, reshard, backup, restore or promote")

        private static func work(_ verb: String, _ arguments: Arguments) throws(UsageError) -> Work {
            let moves = try moves(arguments)
            let (into, from) = (arguments.value("into"), arguments.value("from"))
            switch verb {
            case "status":
                guard moves.isEmpty, into == nil, from == nil else { throw UsageError("store status takes no wishes") }
                return .status
            case "reshard":
                guard moves.count == 1, let work = moves.first, into == nil, from == nil else {
                    throw UsageError("store reshard needs one of --to, --move, --onto, --continue, --back and --finish")
                }
                return work
            case "backup":
                guard moves.isEmpty, let into, !into.isEmpty, from == nil else {
                    throw UsageError("store backup needs --into FOLDER and nothing else")
                }
                return .backup(into: into)
            case "restore":
                guard moves.isEmpty, into == nil, let from, !from.isEmpty else {
                    throw UsageError("store restore needs --from FOLDER and nothing else")
                }
                return .restore(from: from)
            default: throw noVerb
            }
        }

        private static func promotion(_ arguments: Arguments) throws(UsageError) -> Work {
            guard let text = arguments.value("shard"), try moves(arguments).isEmpty, !arguments.has("into"),
                !arguments.has("from")
            else {
                throw UsageError("store promote needs --shard N, and takes --planned and --force")
            }
            let shard = try number(text, "--shard takes the number of a shard")
            return .promote(shard, isPlanned: arguments.has("planned"), isForced: arguments.has("force"))
        }

        /// What is said about resharding.
        private static func moves(_ arguments: Arguments) throws(UsageError) -> [Work] {
            var moves: [Work] = []
            let shards: Int? =
                if let text = arguments.value("to") { try number(text, "--to takes a number of shards") } else { nil }
            if let url = arguments.value("onto") {
                moves.append(.onto(url, shards: shards))
            } else if let shards {
                moves.append(.spread(shards))
            }
            if let text = arguments.value("move") {
                let parts = text.split(separator: "=", omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty else {
                    throw UsageError("--move takes SLOT=SHARD, FIRST-LAST=SHARD or NAME=SHARD, not \"\(text)\"")
                }
                moves.append(.gather(String(parts[0]), to: try number(parts[1], "--move takes the number of a shard")))
            }
            if arguments.has("continue") { moves.append(.goOn) }
            if arguments.has("back") { moves.append(.back) }
            if arguments.has("finish") { moves.append(.finish) }
            return moves
        }

        private static func number(_ text: some StringProtocol, _ what: String) throws(UsageError) -> Int {
            guard let number = Int(text), number >= 0 else { throw UsageError("\(what), not \"\(text)\"") }
            return number
        }
    }
}
