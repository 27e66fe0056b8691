/// A member of a set: next, hash, length, the member.
struct MemberLayout: ChainLayout {
    static var keyOffset: Int { 16 }
}

/// A set of byte strings.
struct SetValue: ~Copyable {
    private var table = ChainTable<MemberLayout>()
    private var blockBytes = 0

    var count: Int { table.count }
    /// What it takes, in bytes.
    var weight: Int { blockBytes + table.arrayBytes + 64 }

    deinit { table.forEach { BlockMemory.free($0) } }

    @inline(__always)
    func contains(_ member: UnsafeRawBufferPointer, _ hash: UInt32) -> Bool {
        table.find(member.start, member.count, hash).pointee != nil
    }

    /// - Returns: True where the member is new.
    mutating func insert(_ member: UnsafeRawBufferPointer, _ hash: UInt32) -> Bool {
        guard table.find(member.start, member.count, hash).pointee == nil else { return false }
        let bytes = MemberLayout.keyOffset + member.count
        let block = BlockMemory.allocate(bytes)
        ChainTable<MemberLayout>.prepare(block, member.start, member.count, hash)
        table.insert(block)
        blockBytes += BlockMemory.weight(bytes)
        return true
    }

    /// - Returns: True where the member was there.
    mutating func remove(_ member: UnsafeRawBufferPointer, _ hash: UInt32) -> Bool {
        let link = table.find(member.start, member.count, hash)
        guard let block = link.pointee else { return false }
        take(link, block)
        return true
    }

    private mutating func take(_ link: ChainTable<MemberLayout>.Link, _ block: UnsafeMutableRawPointer) {
        blockBytes -= BlockMemory.weight(MemberLayout.keyOffset + ChainTable<MemberLayout>.keyCount(block))
        table.remove(link)
        BlockMemory.free(block)
    }

    func forEach(_ body: (UnsafeRawBufferPointer) -> Void) { table.forEach { body(ChainTable<MemberLayout>.key($0)) } }

    func scan(from position: UInt64, wanted: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> UInt64 {
        table.scan(from: position, wanted: wanted) { body(ChainTable<MemberLayout>.key($0)) }
    }

    func random(_ random: inout some RandomNumberGenerator) -> UnsafeRawBufferPointer? {
        table.random(&random).map { ChainTable<MemberLayout>.key($0) }
    }

    /// Forgets up to `most` members; true once there is none.
    mutating func release(_ most: Int) -> Bool {
        guard table.count > most else { return true }
        var victims: [UnsafeMutableRawPointer] = []
        _ = table.scan(from: 0, wanted: most) { victims.append($0) }
        for block in victims { take(table.link(to: block), block) }
        return false
    }
}
