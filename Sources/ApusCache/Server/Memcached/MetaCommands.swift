import ApusCore

/// Memcached's meta commands.
///
/// - SeeAlso: memcached's doc/protocol.txt, "Meta Commands".
extension CacheCore {
    /// The flags and the decoded key of a meta command; `nil` where it was refused.
    private func readMeta(_ call: MemcachedCall, from first: Int) -> (flags: MetaFlags, key: UnsafeRawBufferPointer)? {
        stats.pointee.memcached.metas += 1
        guard call[1].count <= MemcachedParser.keyBytesMax else {
            refuse(MemcachedRefusal.badLine.text)
            return nil
        }
        switch MetaFlags.read(call, from: first) {
        case .failure(let refused):
            refuse(refused.text)
            return nil
        case .success(let flags):
            guard flags.isKeyBinary else { return (flags, call[1]) }
            let start = call.base + Int(call.words[1].start)
            guard let count = Base64.decode(start, call[1].count), count > 0 else {
                refuse("CLIENT_ERROR error decoding key\r\n")
                return nil
            }
            return (flags, UnsafeRawBufferPointer(start: start, count: count))
        }
    }

    // MARK: Answers

    private func code(_ code: StaticString) { out.pointee.append(code) }

    private func flag(_ letter: UInt8) {
        out.pointee.append(UInt8(ascii: " "))
        out.pointee.append(letter)
    }

    private func flag(_ letter: UInt8, _ number: Int) {
        flag(letter)
        out.pointee.append(number)
    }

    private func keyFlag(_ key: UnsafeRawBufferPointer, isBinary: Bool) {
        flag(UInt8(ascii: "k"))
        guard isBinary else { return out.pointee.append(key) }
        Base64.write(key, to: &out.pointee)
        flag(UInt8(ascii: "b"))
    }

    /// What a request is marked with and its key, which any answer repeats.
    private func echo(_ call: MemcachedCall, from first: Int, _ key: UnsafeRawBufferPointer, _ flags: MetaFlags) {
        for index in first..<max(first, call.count) {
            switch call[index][0] {
            case UInt8(ascii: "O"):
                out.pointee.append(UInt8(ascii: " "))
                out.pointee.append(call[index])
            case UInt8(ascii: "k"): keyFlag(key, isBinary: flags.isKeyBinary)
            default: break
            }
        }
    }

    private func timeFlag(_ entry: KeyEntry) { flag(UInt8(ascii: "t"), secondsLeft(entry.expiresAt) ?? -1) }

    private func versionFlag(_ version: UInt64) {
        flag(UInt8(ascii: "c"))
        out.pointee.append(unsigned: version)
    }

    // MARK: Get

    func metaGet(_ call: MemcachedCall) {
        guard let (flags, key) = readMeta(call, from: 2) else { return }
        var found = keys.pointee.read(key)
        if let entry = found, entry.kind != .string { return refuse(MemcachedRefusal.otherKind.text) }
        var isMade = false
        if flags.time == nil { stats.pointee.memcached.gets += 1 } else { stats.pointee.memcached.touches += 1 }
        if found == nil, let time = flags.vivifyTime {
            let slot = keys.pointee.slot(key)
            let empty = UnsafeRawBufferPointer(start: nil, count: 0)
            let made = keys.pointee.setItem(key, slot, empty, flags: 0, expiresAt: itemExpiry(time))
            if let version = flags.newVersion { made.extras?.version = version }
            touched(key, call.client)
            found = made
            isMade = true
        }
        guard var entry = found else {
            countLookUp(found: false, touches: flags.time != nil)
            if flags.isQuiet { return }
            code("EN")
            echo(call, from: 2, key, flags)
            return out.pointee.appendLineEnd()
        }
        countLookUp(found: true, touches: flags.time != nil)
        if needsExtras(call) { entry = keys.pointee.withExtras(key, entry) }
        if flags.wantsValue {
            code("VA ")
            out.pointee.append(entry.valueCount)
        } else {
            code("HD")
        }
        writeFlags(call, flags, entry, isMade: isMade)
        // What the answer says of earlier uses is said; this is one.
        if !flags.leavesNoMark { noteFetched(entry) }
        out.pointee.appendLineEnd()
        guard flags.wantsValue else { return }
        out.pointee.append(entry.valueStart, entry.valueCount)
        out.pointee.appendLineEnd()
    }

    /// Whether a request asks for what only an item of memcached's clients has.
    private func needsExtras(_ call: MemcachedCall) -> Bool {
        (2..<call.count).contains { [UInt8(ascii: "c"), UInt8(ascii: "l")].contains(call[$0][0]) }
    }

    /// Answers the flags in the order in which they were given, and then says who is to load the value.
    private func writeFlags(_ call: MemcachedCall, _ flags: MetaFlags, _ entry: KeyEntry, isMade: Bool) {
        var wins = isMade
        for index in 2..<max(2, call.count) {
            switch call[index][0] {
            case UInt8(ascii: "T"):
                keys.pointee.setExpiry(entry, itemExpiry(flags.time ?? 0))
                touched(entry.key, call.client)
            case UInt8(ascii: "R"):
                if !isMade, !entry.marks.contains(.winnerTold), isRunningOut(entry, flags.recacheTime ?? 0) {
                    wins = true
                }
            case UInt8(ascii: "s"): flag(UInt8(ascii: "s"), entry.valueCount)
            case UInt8(ascii: "t"): timeFlag(entry)
            case UInt8(ascii: "c"): versionFlag(entry.extras?.version ?? 0)
            case UInt8(ascii: "f"): flag(UInt8(ascii: "f"), Int(entry.extras?.flags ?? 0))
            case UInt8(ascii: "l"):
                let used = entry.extras?.usedAt ?? keys.pointee.seconds
                flag(UInt8(ascii: "l"), Int(keys.pointee.seconds &- used))
            case UInt8(ascii: "h"): flag(UInt8(ascii: "h"), entry.marks.contains(.fetched) ? 1 : 0)
            case UInt8(ascii: "O"):
                out.pointee.append(UInt8(ascii: " "))
                out.pointee.append(call[index])
            case UInt8(ascii: "k"): keyFlag(entry.key, isBinary: entry.marks.contains(.binaryKey))
            default: break
            }
        }
        if entry.marks.contains(.winnerTold) { flag(UInt8(ascii: "Z")) }
        if entry.marks.contains(.stale) {
            flag(UInt8(ascii: "X"))
            if !entry.marks.contains(.winnerTold) { wins = true }
        }
        if wins {
            flag(UInt8(ascii: "W"))
            entry.marks.insert(.winnerTold)
        }
    }

    /// Whether less life is left than a client wants to have when it begins to load anew.
    private func isRunningOut(_ entry: KeyEntry, _ time: Int) -> Bool {
        guard time > 0, let left = secondsLeft(entry.expiresAt), let wanted = secondsLeft(itemExpiry(time)) else {
            return false
        }
        return left < wanted
    }

    // MARK: Set

    func metaSet(_ call: MemcachedCall) {
        guard let (flags, key) = readMeta(call, from: 3) else { return }
        guard call.isDataWhole else { return refuse(MemcachedRefusal.badData.text) }
        var order = StoreOrder()
        switch flags.mode {
        case nil, UInt8(ascii: "S"): order.mode = flags.version == nil ? .set : .compare
        case UInt8(ascii: "R"): order.mode = flags.version == nil ? .replace : .compare
        case UInt8(ascii: "E"): order.mode = .add
        case UInt8(ascii: "A"): order.mode = .append
        case UInt8(ascii: "P"): order.mode = .prepend
        default: return refuse("CLIENT_ERROR invalid mode for ms M token\r\n")
        }
        order.flags = flags.clientFlags
        order.expiresAt = itemExpiry(flags.time ?? 0)
        order.version = flags.version ?? 0
        order.isStaleWelcome = flags.invalidates
        order.isKeyBinary = flags.isKeyBinary
        order.newVersion = flags.newVersion
        var version: UInt64 = 0
        switch store(key, call.value, order, call.client) {
        case .stored(let entry):
            if flags.isQuiet { return }
            version = entry.extras?.version ?? 0
            code("HD")
        case .notStored: code("NS")
        case .exists: code("EX")
        case .notFound: code("NF")
        case .refused(let refusal): return refuse(refusal.text)
        }
        for index in 3..<max(3, call.count) {
            switch call[index][0] {
            case UInt8(ascii: "O"):
                out.pointee.append(UInt8(ascii: " "))
                out.pointee.append(call[index])
            case UInt8(ascii: "k"): keyFlag(key, isBinary: flags.isKeyBinary)
            case UInt8(ascii: "c"): versionFlag(version)
            default: break
            }
        }
        out.pointee.appendLineEnd()
    }

    // MARK: Delete

    func metaDelete(_ call: MemcachedCall) {
        guard let (flags, key) = readMeta(call, from: 2) else { return }
        let slot = keys.pointee.slot(key)
        if let entry = slot.entry {
            let version = entry.kind == .string ? entry.extras?.version ?? 0 : 0
            if let wanted = flags.version, wanted != version {
                stats.pointee.memcached.deleteMisses += 1
                code("EX")
            } else {
                if flags.invalidates, entry.kind == .string {
                    invalidate(key, entry, flags)
                } else {
                    stats.pointee.memcached.deleteHits += 1
                    keys.pointee.remove(entry, at: slot.link)
                }
                touched(key, call.client)
                if flags.isQuiet { return }
                code("HD")
            }
        } else {
            stats.pointee.memcached.deleteMisses += 1
            code("NF")
        }
        echo(call, from: 2, key, flags)
        out.pointee.appendLineEnd()
    }

    /// Marks an item as old: it may be shown until one client, who is told so, has stored it again.
    private func invalidate(_ key: UnsafeRawBufferPointer, _ old: KeyEntry, _ flags: MetaFlags) {
        let entry = keys.pointee.withExtras(key, old)
        if let time = flags.time { keys.pointee.setExpiry(entry, itemExpiry(time)) }
        entry.marks.insert(.stale)
        entry.marks.remove(.winnerTold)
        keys.pointee.giveVersion(entry)
        if let version = flags.newVersion { entry.extras?.version = version }
    }

    // MARK: Arithmetic

    func metaArithmetic(_ call: MemcachedCall) {
        guard let (flags, key) = readMeta(call, from: 2) else { return }
        let isUp: Bool
        switch flags.mode {
        case nil, UInt8(ascii: "I"), UInt8(ascii: "i"), UInt8(ascii: "+"): isUp = true
        case UInt8(ascii: "D"), UInt8(ascii: "d"), UInt8(ascii: "-"): isUp = false
        default: return refuse("CLIENT_ERROR invalid mode for ma M token\r\n")
        }
        switch count(key, by: flags.delta, up: isUp, version: flags.version ?? 0, call.client) {
        case .counted(let sum, let entry):
            if !flags.isQuiet { writeCount(call, flags, key, sum, entry) } else { keepLife(flags, entry) }
        case .exists:
            code("EX")
            echo(call, from: 2, key, flags)
            out.pointee.appendLineEnd()
        case .notANumber: refuse(Self.notANumber)
        case .notFound:
            guard let time = flags.vivifyTime else {
                code("NF")
                echo(call, from: 2, key, flags)
                return out.pointee.appendLineEnd()
            }
            var order = StoreOrder()
            order.mode = .add
            order.expiresAt = itemExpiry(time)
            order.isKeyBinary = flags.isKeyBinary
            let outcome = withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { digits in
                let start = UnsafeMutableRawPointer(mutating: UnsafeRawBufferPointer(digits).start)
                let count = Decimal.write(flags.initial, to: start)
                return store(key, UnsafeRawBufferPointer(start: start, count: count), order, call.client)
            }
            guard case .stored(let entry) = outcome else { return refuse(MemcachedRefusal.outOfMemory.text) }
            writeCount(call, flags, key, flags.initial, entry)
        }
    }

    private func keepLife(_ flags: MetaFlags, _ entry: KeyEntry) {
        if let time = flags.time { keys.pointee.setExpiry(entry, itemExpiry(time)) }
    }

    private func writeCount(
        _ call: MemcachedCall,
        _ flags: MetaFlags,
        _ key: UnsafeRawBufferPointer,
        _ sum: UInt64,
        _ entry: KeyEntry
    ) {
        if let version = flags.newVersion { entry.extras?.version = version }
        if flags.wantsValue {
            code("VA ")
            out.pointee.append(Decimal.count(sum))
        } else {
            code("HD")
        }
        for index in 2..<max(2, call.count) {
            switch call[index][0] {
            case UInt8(ascii: "c"): versionFlag(entry.extras?.version ?? 0)
            case UInt8(ascii: "t"): timeFlag(entry)
            case UInt8(ascii: "T"): keepLife(flags, entry)
            case UInt8(ascii: "O"):
                out.pointee.append(UInt8(ascii: " "))
                out.pointee.append(call[index])
            case UInt8(ascii: "k"): keyFlag(key, isBinary: flags.isKeyBinary)
            default: break
            }
        }
        out.pointee.appendLineEnd()
        guard flags.wantsValue else { return }
        out.pointee.append(unsigned: sum)
        out.pointee.appendLineEnd()
    }

    // MARK: Debug

    func metaDebug(_ call: MemcachedCall) {
        stats.pointee.memcached.metas += 1
        guard call[1].count <= MemcachedParser.keyBytesMax else { return refuse(MemcachedRefusal.badLine.text) }
        var key = call[1]
        if call.count > 2, call[2].isWord("b") {
            let start = call.base + Int(call.words[1].start)
            guard let count = Base64.decode(start, key.count), count > 0 else {
                return refuse(MemcachedRefusal.badLine.text)
            }
            key = UnsafeRawBufferPointer(start: start, count: count)
        }
        guard let entry = keys.pointee.peek(key) else { return code("EN\r\n") }
        let extras = entry.kind == .string ? entry.extras : nil
        code("ME ")
        if entry.marks.contains(.binaryKey) { Base64.write(key, to: &out.pointee) } else { out.pointee.append(key) }
        let used = Int(keys.pointee.seconds &- (extras?.usedAt ?? keys.pointee.seconds))
        out.pointee.append(
            " exp=\(secondsLeft(entry.expiresAt) ?? -1) la=\(used) cas=\(extras?.version ?? 0) "
                + "fetch=\(entry.marks.contains(.fetched) ? "yes" : "no") cls=1 size=\(entry.weight)\r\n"
        )
    }
}
