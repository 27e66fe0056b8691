/// Names a process of the running system: a part and its replica, "storefront/1".
public struct PartName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The part as declared, "storefront".
    public let part: String
    /// Which replica, from 0.
    public let replica: Int

    /// A name from its two halves.
    public init(part: String, replica: Int) {
        self.part = part
        self.replica = replica
    }

    /// Reads "storefront/1"; nil when it is not a name and a replica.
    public init?(_ text: some StringProtocol) {
        let pieces = text.split(separator: "/", omittingEmptySubsequences: false)
        guard pieces.count == 2, !pieces[0].isEmpty, let replica = Int(pieces[1]), replica >= 0 else { return nil }
        self.init(part: String(pieces[0]), replica: replica)
    }

    /// "storefront/1".
    public var description: String { "\(part)/\(replica)" }

    /// By part, then by replica.
    public static func < (one: PartName, other: PartName) -> Bool {
        (one.part, one.replica) < (other.part, other.replica)
    }
}
