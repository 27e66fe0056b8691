/// What a store on files is asked about followers.
enum Following: Sendable, Hashable {
    /// Nothing: a store that has followers is not opened without them.
    case unsaid
    /// It has none from now on.
    case ended
    case place(FollowPlace)

    var place: FollowPlace? { if case .place(let place) = self { place } else { nil } }
}

/// Where the followers of a store's shards are, and what a commit waits for.
struct FollowPlace: Sendable, Hashable {
    enum Mode: String, Sendable {
        /// A commit is acknowledged when it is on the shard's disk; the follower has it a moment later.
        case async
        /// A commit is acknowledged when it is on the follower's disk as well.
        case sync
    }

    let folder: String
    let mode: Mode
    /// Whether writes go on while there is no sound follower; always so where nobody waits for it.
    let goesOnAlone: Bool

    init(folder: String, mode: Mode = .async, goesOnAlone: Bool = false) {
        self.folder = folder
        self.mode = mode
        self.goesOnAlone = goesOnAlone || mode == .async
    }
}
