import Glibc

/// Strings as rows of bits, the highest of the first byte first.
extension CacheCore {
    /// An argument as the number of a bit; `nil` where it was refused.
    private func bitOffset(_ call: Call, _ index: Int) -> Int? {
        guard let offset = call.integer(index), offset >= 0, offset >> 3 < configuration.valueBytesMax else {
            refuse("-ERR bit offset is not an integer or out of range\r\n")
            return nil
        }
        return offset
    }

    func getbit(_ call: Call) {
        guard let offset = bitOffset(call, 2) else { return }
        switch typed(call[1], .string) {
        case .refused: return
        case .missing: out.pointee.integer(0)
        case .found(let entry): out.pointee.integer(Bits.get(entry.string, offset))
        }
    }

    func setbit(_ call: Call) {
        guard let offset = bitOffset(call, 2) else { return }
        guard let bit = call.integer(3), bit == 0 || bit == 1 else {
            return refuse("-ERR bit is not an integer or out of range\r\n")
        }
        let length = keys.pointee.peek(call[1]).map { $0.kind == .string ? $0.valueCount : 0 } ?? -1
        guard let entry = widen(call[1], to: offset >> 3 + 1) else { return }
        let place = entry.valueStart + offset >> 3
        let mask = UInt8(0x80) >> UInt8(offset & 7)
        let old = place.load(as: UInt8.self)
        place.storeBytes(of: bit == 1 ? old | mask : old & ~mask, as: UInt8.self)
        if entry.valueCount != length || (old & mask != 0) != (bit == 1) { touch(call[1], call) }
        out.pointee.integer(old & mask != 0 ? 1 : 0)
    }

    /// The string of a key with at least `length` bytes, made where it is missing; `nil` where it was refused.
    func widen(_ key: UnsafeRawBufferPointer, to length: Int) -> KeyEntry? {
        var slot = keys.pointee.slot(key)
        if let entry = slot.entry, entry.kind != .string {
            refuse(Refusal.wrongType)
            return nil
        }
        if slot.entry == nil {
            keys.pointee.setString(key, slot, UnsafeRawBufferPointer(start: nil, count: 0), expiresAt: KeyEntry.never)
            slot = keys.pointee.slot(key)
        }
        guard let entry = slot.entry else { return nil }
        return keys.pointee.resizeString(slot, entry, to: max(length, entry.valueCount))
    }

    /// The range that two arguments name in `length` units, the last included; `nil` where it is empty.
    private func range(_ first: Int, _ last: Int, _ length: Int) -> ClosedRange<Int>? {
        let start = max(0, first < 0 ? first + length : first)
        let end = min(length - 1, max(0, last < 0 ? last + length : last))
        return start <= end ? start...end : nil
    }

    func bitcount(_ call: Call) {
        var (first, last, isBits) = (0, -1, false)
        if call.count > 2 {
            guard call.count == 4 || call.count == 5 else { return refuse(Refusal.syntax) }
            guard let start = call.integer(2), let end = call.integer(3) else { return refuse(Refusal.notInteger) }
            (first, last) = (start, end)
            if call.count == 5 {
                isBits = call.isWord(4, "bit")
                guard isBits || call.isWord(4, "byte") else { return refuse(Refusal.syntax) }
            }
        }
        switch typed(call[1], .string) {
        case .refused: return
        case .missing: out.pointee.integer(0)
        case .found(let entry):
            let string = entry.string
            // Redis looks at the two before it counts from the end, and in BITPOS it does not.
            guard first >= 0 || last >= 0 || first <= last,
                let range = range(first, last, isBits ? string.count * 8 : string.count)
            else { return out.pointee.integer(0) }
            let bits = isBits ? range : range.lowerBound * 8...range.upperBound * 8 + 7
            out.pointee.integer(Bits.count(string, bits))
        }
    }

    func bitpos(_ call: Call) {
        guard let bit = call.integer(2) else { return refuse(Refusal.notInteger) }
        guard bit == 0 || bit == 1 else { return refuse("-ERR The bit argument must be 1 or 0.\r\n") }
        guard call.count <= 6 else { return refuse(Refusal.syntax) }
        var (first, last, isBits) = (0, -1, false)
        if call.count > 3 {
            guard let start = call.integer(3) else { return refuse(Refusal.notInteger) }
            first = start
        }
        if call.count > 4 {
            guard let end = call.integer(4) else { return refuse(Refusal.notInteger) }
            last = end
        }
        if call.count > 5 {
            isBits = call.isWord(5, "bit")
            guard isBits || call.isWord(5, "byte") else { return refuse(Refusal.syntax) }
        }
        switch typed(call[1], .string) {
        case .refused: return
        case .missing: out.pointee.integer(bit == 1 ? -1 : 0)
        case .found(let entry):
            let string = entry.string
            guard let range = range(first, last, isBits ? string.count * 8 : string.count) else {
                return out.pointee.integer(-1)
            }
            let bits = isBits ? range : range.lowerBound * 8...range.upperBound * 8 + 7
            if let found = Bits.first(bit, string, bits) { return out.pointee.integer(found) }
            // Behind a string of ones the first zero is where it would go on, unless an end was named.
            out.pointee.integer(bit == 0 && call.count <= 4 ? string.count * 8 : -1)
        }
    }

    func bitop(_ call: Call) {
        enum Operation { case and, or, xor, not }
        let operation: Operation
        if call.isWord(1, "and") {
            operation = .and
        } else if call.isWord(1, "or") {
            operation = .or
        } else if call.isWord(1, "xor") {
            operation = .xor
        } else if call.isWord(1, "not") {
            operation = .not
        } else {
            return refuse(Refusal.syntax)
        }
        if operation == .not, call.count != 4 {
            return refuse("-ERR BITOP NOT must be called with a single source key.\r\n")
        }
        var result: [UInt8] = []
        for index in 3..<call.count {
            let entry = keys.pointee.read(call[index])
            if let entry, entry.kind != .string { return refuse(Refusal.wrongType) }
            let string = entry?.string ?? UnsafeRawBufferPointer(start: nil, count: 0)
            if index == 3 {
                result = operation == .not ? string.map { ~$0 } : Array(string)
                continue
            }
            if result.count < string.count {
                result.append(contentsOf: repeatElement(0, count: string.count - result.count))
            }
            for place in result.indices {
                let byte = place < string.count ? string[place] : 0
                switch operation {
                case .and: result[place] &= byte
                case .or: result[place] |= byte
                case .xor, .not: result[place] ^= byte
                }
            }
        }
        let key = call[2]
        if result.isEmpty {
            if keys.pointee.remove(key) { touch(key, call) }
        } else {
            result.withUnsafeBytes {
                keys.pointee.setString(key, keys.pointee.slot(key), $0, expiresAt: KeyEntry.never)
            }
            touch(key, call)
        }
        out.pointee.integer(result.count)
    }
}

/// Bits of bytes, the highest of the first byte first.
enum Bits {
    static func get(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int {
        offset >> 3 < bytes.count ? Int(bytes[offset >> 3] >> UInt8(7 - offset & 7)) & 1 : 0
    }

    /// How many bits of a range are set.
    static func count(_ bytes: UnsafeRawBufferPointer, _ bits: ClosedRange<Int>) -> Int {
        var (place, end) = (bits.lowerBound, bits.upperBound + 1)
        var count = 0
        while place < end, place & 7 != 0 {
            count += get(bytes, place)
            place += 1
        }
        while end > place, end & 7 != 0 {
            end -= 1
            count += get(bytes, end)
        }
        var byte = place >> 3
        while byte + 8 <= end >> 3 {
            count += bytes.loadUnaligned(fromByteOffset: byte, as: UInt64.self).nonzeroBitCount
            byte += 8
        }
        while byte < end >> 3 {
            count += bytes[byte].nonzeroBitCount
            byte += 1
        }
        return count
    }

    /// The first bit of a range that is `bit`, or `nil`.
    static func first(_ bit: Int, _ bytes: UnsafeRawBufferPointer, _ bits: ClosedRange<Int>) -> Int? {
        let other: UInt8 = bit == 1 ? 0 : 0xFF
        var place = bits.lowerBound
        while place <= bits.upperBound {
            if place & 7 == 0, bytes[place >> 3] == other {
                place += 8
            } else if get(bytes, place) == bit {
                return place
            } else {
                place += 1
            }
        }
        return nil
    }
}
