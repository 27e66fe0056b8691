/// Keys whose time is up go when somebody asks for them, and by a sweep that passes every key now and then.
extension Keyspace {
    /// Looks at about `wanted` keys for ones whose time is up, and takes those out.
    ///
    /// - Returns: How many went of how many that were looked at.
    mutating func sweep(_ wanted: Int) -> (expired: Int, seen: Int) {
        guard expiring > 0 else { return (0, 0) }
        var due: [UnsafeMutableRawPointer] = []
        var seen = 0
        let now = now
        sweepPosition = table.scan(from: sweepPosition, wanted: wanted) { block in
            seen += 1
            if KeyEntry(base: block).expiresAt <= now { due.append(block) }
        }
        for block in due {
            let entry = KeyEntry(base: block)
            expired += 1
            tellGone(entry)
            remove(entry, at: table.link(to: block))
        }
        return (due.count, seen)
    }
}
