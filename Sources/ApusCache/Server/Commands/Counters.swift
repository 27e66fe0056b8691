import ApusCore
import Glibc

/// Strings that are numbers.
extension CacheCore {
    @inline(__always)
    func increment(_ call: Call, by delta: Int) {
        let key = call[1]
        let slot = keys.pointee.slot(key)
        guard let entry = slot.entry else { return startCounter(call, slot, delta) }
        guard entry.kind == .string else { return refuse(Refusal.wrongType) }
        guard let old = RESPNumber.strict(entry.valueStart, 0, entry.valueCount) else {
            return refuse(Refusal.notInteger)
        }
        let (sum, overflow) = old.addingReportingOverflow(delta)
        if overflow { return refuse(Refusal.overflow) }
        if entry.room >= Decimal.digitsMax + 1 {
            let before = entry.weight
            entry.valueCount = RESPBuffer.decimal(sum, to: entry.valueStart)
            entry.wasEdited = false
            keys.pointee.changed(entry, from: before)
        } else {
            setNumber(key, slot, sum, expiresAt: entry.expiresAt)
        }
        touch(key, call)
        out.pointee.integer(sum)
    }

    @inline(never)
    private func startCounter(_ call: Call, _ slot: Keyspace.Slot, _ delta: Int) {
        setNumber(call[1], slot, delta, expiresAt: KeyEntry.never)
        touch(call[1], call)
        out.pointee.integer(delta)
    }

    /// Keeps a number with room for any other.
    private func setNumber(_ key: UnsafeRawBufferPointer, _ slot: Keyspace.Slot, _ number: Int, expiresAt: Int64) {
        withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { digits in
            let count = RESPBuffer.decimal(
                number,
                to: UnsafeMutableRawPointer(mutating: UnsafeRawBufferPointer(digits).start)
            )
            let value = UnsafeRawBufferPointer(start: digits.baseAddress, count: count)
            guard slot.entry == nil else {
                return keys.pointee.setString(key, slot, value, expiresAt: expiresAt)
            }
            let room = Decimal.digitsMax + 1
            let entry = keys.pointee.makeString(key, slot.hash, valueCount: room, expiresAt: expiresAt)
            memcpy(entry.valueStart, value.start, count)
            entry.valueCount = count
            keys.pointee.insert(entry)
        }
    }

    func incrby(_ call: Call, sign: Int) {
        guard let delta = call.integer(2) else { return refuse(Refusal.notInteger) }
        if sign < 0, delta == .min { return refuse("-ERR decrement would overflow\r\n") }
        increment(call, by: delta * sign)
    }

    func incrbyfloat(_ call: Call) {
        let key = call[1]
        let slot = keys.pointee.slot(key)
        if let entry = slot.entry, entry.kind != .string { return refuse(Refusal.wrongType) }
        guard let delta = LongDouble.read(call[2]) else { return refuse(Refusal.notFloat) }
        var old: LongDouble.Value = 0
        if let entry = slot.entry {
            guard let value = LongDouble.read(entry.string) else { return refuse(Refusal.notFloat) }
            old = value
        }
        let sum = old + delta
        guard sum.isFinite else { return refuse(Refusal.notANumber) }
        let text = LongDouble.text(sum)
        text.withUnsafeBytes {
            keys.pointee.setString(key, slot, $0, expiresAt: slot.entry?.expiresAt ?? KeyEntry.never)
        }
        touch(key, call)
        out.pointee.bulk(text)
    }
}

/// The numbers that Redis adds up with more digits than a double has, so that 0.1 and 0.2 are 0.3.
enum LongDouble {
    #if arch(x86_64)
    typealias Value = Float80
    #else
    typealias Value = Double
    #endif

    /// The number that bytes name, or `nil`.
    static func read(_ bytes: UnsafeRawBufferPointer) -> Value? {
        guard !bytes.isEmpty, bytes.count < 256,
            bytes.allSatisfy({ (0x30...0x39).contains($0) || "+-.eEinfINF".utf8.contains($0) }),
            let value = Value(String(decoding: bytes, as: UTF8.self)), !value.isNaN
        else { return nil }
        return value
    }

    /// The number with up to seventeen digits behind the point and no zeros at the end.
    static func text(_ value: Value) -> [UInt8] {
        // The largest long double has 4,933 digits before its point.
        var buffer = [CChar](repeating: 0, count: 5120)
        #if arch(x86_64)
        let format = "%.17Lf"
        #else
        let format = "%.17g"
        #endif
        let count = withVaList([value]) { vsnprintf(&buffer, buffer.count, format, $0) }
        var text = buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }
        if text.contains(UInt8(ascii: ".")), !text.contains(UInt8(ascii: "e")) {
            while text.last == UInt8(ascii: "0") { text.removeLast() }
            if text.last == UInt8(ascii: ".") { text.removeLast() }
        }
        return text == Array("-0".utf8) ? [UInt8(ascii: "0")] : text
    }
}
