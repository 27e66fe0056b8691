/// How a time is written: seconds or milliseconds, from now or since 1970.
enum LifeUnit {
    case seconds, milliseconds, unixSeconds, unixMilliseconds

    /// The unit that an option of `SET` and `GETEX` names.
    init?(_ call: Call, _ index: Int) {
        if call.isWord(index, "ex") {
            self = .seconds
        } else if call.isWord(index, "px") {
            self = .milliseconds
        } else if call.isWord(index, "exat") {
            self = .unixSeconds
        } else if call.isWord(index, "pxat") {
            self = .unixMilliseconds
        } else {
            return nil
        }
    }

    var isUnix: Bool { self == .unixSeconds || self == .unixMilliseconds }
    var isSeconds: Bool { self == .seconds || self == .unixSeconds }
}

/// Lives of keys.
extension CacheCore {
    /// When a life that was written ends, which for `SET` must be in the future (`positive`); `nil` where it was refused.
    func life(_ call: Call, _ index: Int, _ unit: LifeUnit, _ name: StaticString, positive: Bool = true) -> Int64? {
        guard var time = call.integer(index) else {
            refuse(Refusal.notInteger)
            return nil
        }
        func invalid() -> Int64? {
            out.pointee.error("ERR invalid expire time in '\(name)' command")
            return nil
        }
        if positive, time <= 0 { return invalid() }
        if unit.isSeconds {
            guard time.magnitude <= UInt(Int64.max / 1000) else { return invalid() }
            time *= 1000
        }
        let (base, overflow) =
            unit.isUnix
            ? time.subtractingReportingOverflow(Int(wallOffset)) : time.addingReportingOverflow(Int(now))
        // The last moment is kept for lives without an end.
        guard !overflow, base < Int(KeyEntry.never) else { return invalid() }
        return Int64(base)
    }

    func expire(_ call: Call, _ unit: LifeUnit, _ name: StaticString) {
        guard let time = life(call, 2, unit, name, positive: false) else { return }
        var (onlyWithout, onlyWith, onlyLater, onlySooner) = (false, false, false, false)
        for index in 3..<max(3, call.count) {
            if call.isWord(index, "nx") {
                onlyWithout = true
            } else if call.isWord(index, "xx") {
                onlyWith = true
            } else if call.isWord(index, "gt") {
                onlyLater = true
            } else if call.isWord(index, "lt") {
                onlySooner = true
            } else {
                return out.pointee.error("ERR Unsupported option \(Call.shown(call[index]))")
            }
        }
        if onlyWithout, onlyWith || onlyLater || onlySooner {
            return refuse("-ERR NX and XX, GT or LT options at the same time are not compatible\r\n")
        }
        if onlyLater, onlySooner { return refuse("-ERR GT and LT options at the same time are not compatible\r\n") }
        let slot = keys.pointee.slot(call[1])
        guard let entry = slot.entry else { return out.pointee.integer(0) }
        let old = entry.expiresAt
        let has = old != KeyEntry.never
        if onlyWithout && has || onlyWith && !has || onlyLater && (!has || time <= old) || onlySooner && time >= old {
            return out.pointee.integer(0)
        }
        if time <= now {
            keys.pointee.remove(entry, at: slot.link)
        } else {
            keys.pointee.setExpiry(entry, time)
            keys.pointee.changed(entry, from: entry.weight)
        }
        touch(call[1], call)
        out.pointee.integer(1)
    }

    /// `TTL` and its kin.
    func timeLeft(_ call: Call, _ unit: LifeUnit) {
        guard let entry = keys.pointee.peek(call[1]) else { return out.pointee.integer(-2) }
        guard entry.expiresAt != KeyEntry.never else { return out.pointee.integer(-1) }
        let time = unit.isUnix ? entry.expiresAt + wallOffset : max(0, entry.expiresAt - now)
        out.pointee.integer(Int(unit.isSeconds ? (time + 500) / 1000 : time))
    }

    func persist(_ call: Call) {
        guard let entry = keys.pointee.peek(call[1]), entry.expiresAt != KeyEntry.never else {
            return out.pointee.integer(0)
        }
        keys.pointee.setExpiry(entry, KeyEntry.never)
        touch(call[1], call)
        out.pointee.integer(1)
    }
}
