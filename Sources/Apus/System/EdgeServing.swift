import ApusCore
import ApusRuntime

/// An edge as a process runs it.
protocol EdgeServing: Serving {
    /// Takes where the replicas of its web part are.
    func update(_ membership: Membership)
}

/// Makes edges.
enum EdgeMaker {
    static func make(_ part: Part, _ health: RoleHealth) throws -> any EdgeServing {
        throw ConfigurationError(field: "edge", value: part.name, accepted: "--one-process")
    }
}
