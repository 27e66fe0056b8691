/// Which node of a cluster has which slots.
struct ClusterMap: Sendable {
    /// The nodes with slots.
    private(set) var nodes: [RESPNode] = []
    // The place of each slot's node in `nodes`; beyond it where no node has it.
    private var owners = [UInt16](repeating: .max, count: ClusterSlot.count)

    init() {}

    /// Reads the reply to `CLUSTER SLOTS`; `nil` where it is something else, or names no slots.
    ///
    /// - Parameters:
    ///   - reply: Ranges, each with its first and last slot and its nodes, the master first.
    ///   - asked: Who answered; it is meant where a node's host is empty.
    init?(_ reply: RESPValue, of asked: RESPNode) {
        guard let ranges = reply.elements else { return nil }
        for range in ranges {
            guard let parts = range.elements, parts.count >= 3, let first = parts[0].integer,
                let last = parts[1].integer,
                (0..<ClusterSlot.count).contains(first), (first..<ClusterSlot.count).contains(last),
                let master = parts[2].elements, master.count >= 2, let port = master[1].integer,
                let node = Self.node(master[0], port, asked)
            else { return nil }
            let index = add(node)
            for slot in first...last { owners[slot] = index }
        }
        if nodes.isEmpty { return nil }
    }

    private static func node(_ host: RESPValue, _ port: Int, _ asked: RESPNode) -> RESPNode? {
        guard let port = UInt16(exactly: port), port > 0 else { return nil }
        let name = host.text ?? ""
        return .host(name.isEmpty || name == "?" ? asked.hostName ?? "" : name, port: port)
    }

    private mutating func add(_ node: RESPNode) -> UInt16 {
        if let index = nodes.firstIndex(of: node) { return UInt16(index) }
        nodes.append(node)
        return UInt16(nodes.count - 1)
    }

    /// Who has a slot.
    func node(ofSlot slot: Int) -> RESPNode? {
        let index = Int(owners[slot])
        return index < nodes.count ? nodes[index] : nil
    }

    /// One slot has moved.
    mutating func move(_ slot: Int, to node: RESPNode) {
        guard owners.indices.contains(slot), nodes.count < Int(UInt16.max) else { return }
        owners[slot] = add(node)
    }
}

/// What a node of a cluster says of a command that it does not serve.
enum ClusterRedirect: Equatable {
    /// The slot has another node from now on.
    case moved(slot: Int, to: RESPNode)
    /// The slot is on its way; this key is there already.
    case ask(RESPNode)
    /// Not now, but soon.
    case later

    /// Reads an error reply; `nil` for any other.
    init?(_ failure: RESPFailure, from asked: RESPNode) {
        switch failure.code {
        case "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN": self = .later
        case "MOVED", "ASK":
            let words = failure.text.split(separator: " ")
            guard words.count == 3, let slot = Int(words[1]), (0..<ClusterSlot.count).contains(slot),
                let colon = words[2].lastIndex(of: ":"), let port = UInt16(words[2][words[2].index(after: colon)...])
            else { return nil }
            // Without a host the one that answered is meant.
            let host = colon == words[2].startIndex ? asked.hostName ?? "" : String(words[2][..<colon])
            let node = RESPNode.host(host, port: port)
            self = failure.code == "ASK" ? .ask(node) : .moved(slot: slot, to: node)
        default: return nil
        }
    }
}
