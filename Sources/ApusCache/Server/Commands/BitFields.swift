/// Integers of any width within a string.
extension CacheCore {
    private enum Overflow { case wrap, saturate, fail }

    private struct FieldStep {
        enum Kind { case get, set, add }
        let kind: Kind
        let isSigned: Bool
        let bits: Int
        let offset: Int
        let value: Int
        let overflow: Overflow
    }

    func bitfield(_ call: Call, readOnly: Bool) {
        guard let steps = bitfieldSteps(call, readOnly: readOnly) else { return }
        let writes = steps.contains { $0.kind != .get }
        var length = 0
        var isChanged = false
        let entry: KeyEntry?
        if writes {
            length = keys.pointee.peek(call[1]).map { $0.kind == .string ? $0.valueCount : 0 } ?? -1
            let end = steps.filter { $0.kind != .get }.map { ($0.offset + $0.bits + 7) >> 3 }.max() ?? 0
            guard let widened = widen(call[1], to: end) else { return }
            entry = widened
        } else {
            switch typed(call[1], .string) {
            case .refused: return
            case .missing: entry = nil
            case .found(let found): entry = found
            }
        }
        out.pointee.array(steps.count)
        for step in steps {
            let old = read(entry, step)
            var new = old
            switch step.kind {
            case .get:
                out.pointee.integer(old)
                continue
            case .set: new = step.value
            case .add: new = old &+ step.value
            }
            guard let fitting = fit(new, old, step) else {
                out.pointee.null(call.version)
                continue
            }
            if let entry {
                if fitting != old || entry.valueCount != length { isChanged = true }
                write(entry, step, fitting)
            }
            out.pointee.integer(step.kind == .set ? old : fitting)
        }
        if isChanged { touch(call[1], call) }
    }

    private func bitfieldSteps(_ call: Call, readOnly: Bool) -> [FieldStep]? {
        var steps: [FieldStep] = []
        var overflow = Overflow.wrap
        var index = 2
        func stop(_ refusal: StaticString) -> [FieldStep]? {
            refuse(refusal)
            return nil
        }
        while index < call.count {
            if call.isWord(index, "overflow"), index + 1 < call.count, !readOnly {
                if call.isWord(index + 1, "wrap") {
                    overflow = .wrap
                } else if call.isWord(index + 1, "sat") {
                    overflow = .saturate
                } else if call.isWord(index + 1, "fail") {
                    overflow = .fail
                } else {
                    return stop("-ERR Invalid OVERFLOW type specified\r\n")
                }
                index += 2
                continue
            }
            let kind: FieldStep.Kind
            if call.isWord(index, "get") {
                kind = .get
            } else if call.isWord(index, "set") {
                kind = .set
            } else if call.isWord(index, "incrby") {
                kind = .add
            } else {
                return stop(Refusal.syntax)
            }
            guard index + (kind == .get ? 2 : 3) < call.count else { return stop(Refusal.syntax) }
            if readOnly, kind != .get { return stop("-ERR BITFIELD_RO only supports the GET subcommand\r\n") }
            guard let (isSigned, bits) = fieldType(call[index + 1]) else {
                return stop(
                    "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.\r\n"
                )
            }
            guard let offset = fieldOffset(call[index + 2], bits) else {
                return stop("-ERR bit offset is not an integer or out of range\r\n")
            }
            var value = 0
            if kind != .get {
                guard let given = call.integer(index + 3) else { return stop(Refusal.notInteger) }
                value = given
            }
            steps.append(
                FieldStep(
                    kind: kind,
                    isSigned: isSigned,
                    bits: bits,
                    offset: offset,
                    value: value,
                    overflow: overflow
                )
            )
            index += kind == .get ? 3 : 4
        }
        return steps
    }

    private func fieldType(_ bytes: UnsafeRawBufferPointer) -> (isSigned: Bool, bits: Int)? {
        guard let first = bytes.first, first | 0x20 == UInt8(ascii: "i") || first | 0x20 == UInt8(ascii: "u"),
            let bits = RESPNumber.strict(bytes.start, 1, bytes.count)
        else { return nil }
        let isSigned = first | 0x20 == UInt8(ascii: "i")
        return (1...(isSigned ? 64 : 63)).contains(bits) ? (isSigned, bits) : nil
    }

    private func fieldOffset(_ bytes: UnsafeRawBufferPointer, _ bits: Int) -> Int? {
        let isIndex = bytes.first == UInt8(ascii: "#")
        guard let number = RESPNumber.strict(bytes.start, isIndex ? 1 : 0, bytes.count), number >= 0 else { return nil }
        let (offset, overflow) = number.multipliedReportingOverflow(by: isIndex ? bits : 1)
        guard !overflow, offset < configuration.valueBytesMax * 8 - bits else { return nil }
        return offset
    }

    private func read(_ entry: KeyEntry?, _ step: FieldStep) -> Int {
        guard let entry else { return 0 }
        var value: UInt64 = 0
        let string = entry.string
        for bit in step.offset..<step.offset + step.bits { value = value << 1 | UInt64(Bits.get(string, bit)) }
        guard step.isSigned, step.bits < 64, value >> UInt64(step.bits - 1) & 1 == 1 else {
            return Int(truncatingIfNeeded: value)
        }
        return Int(truncatingIfNeeded: value | UInt64.max << UInt64(step.bits))
    }

    private func write(_ entry: KeyEntry, _ step: FieldStep, _ value: Int) {
        for bit in 0..<step.bits {
            let place = step.offset + bit
            let isSet = value >> (step.bits - 1 - bit) & 1 == 1
            let mask = UInt8(0x80) >> UInt8(place & 7)
            let old = entry.valueStart.load(fromByteOffset: place >> 3, as: UInt8.self)
            entry.valueStart.storeBytes(of: isSet ? old | mask : old & ~mask, toByteOffset: place >> 3, as: UInt8.self)
        }
    }

    /// What is kept of a value that may not fit; `nil` where the step fails.
    private func fit(_ new: Int, _ old: Int, _ step: FieldStep) -> Int? {
        let least = step.isSigned ? (step.bits == 64 ? Int.min : -1 << (step.bits - 1)) : 0
        let most = Int(truncatingIfNeeded: UInt64.max >> UInt64(64 - step.bits + (step.isSigned ? 1 : 0)))
        var isAbove = new > most
        var isBelow = new < least
        if step.kind == .add {
            // The sum itself may have left 64 bits.
            let (_, overflow) = old.addingReportingOverflow(step.value)
            if overflow { (isAbove, isBelow) = (step.value > 0, step.value < 0) }
        } else if !step.isSigned, new < 0 {
            // Redis takes what is set for unsigned, so that a negative number is a large one.
            (isAbove, isBelow) = (true, false)
        }
        guard isAbove || isBelow else { return new }
        switch step.overflow {
        case .fail: return nil
        case .saturate: return isAbove ? most : least
        case .wrap:
            let shift = 64 - step.bits
            return step.isSigned
                ? (new << shift) >> shift : Int(truncatingIfNeeded: (UInt64(bitPattern: Int64(new)) << shift) >> shift)
        }
    }
}
