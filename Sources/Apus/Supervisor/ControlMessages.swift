import ApusDashboard
import ApusRuntime

/// What the supervisor tells a process, a line of JSON each.
enum Order: Codable, Sendable, Equatable {
    /// Where the others are; answered by ``Report/seen(version:)`` once all loops know.
    case members(Membership, version: Int)
    /// Serve on, and say that it will not be for long.
    case leave
    /// Finish what you have and end.
    case drain
    /// Say that you live, from all loops.
    case ping(Int)
    /// Give what you measure, as text.
    case metrics(question: Int)
}

/// What a process tells the supervisor, a line of JSON each.
enum Report: Codable, Sendable, Equatable {
    /// It serves.
    case ready(ProcessAddresses, blocks: [BlockFact])
    /// How far a setup is.
    case progress(SetupSite.Progress)
    /// The members of that version are known to all loops.
    case seen(version: Int)
    /// It lives; and what keeps it from being ready, if anything.
    case pong(Int, problems: [String])
    /// What was measured.
    case metrics(question: Int, String)
}
