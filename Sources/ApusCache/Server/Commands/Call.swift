/// A command that is being run, with its arguments.
//
// The arguments lie in the buffer that the command came in, which stays where it is until the command has run.
struct Call {
    let client: ClientPointer
    let base: UnsafeMutableRawPointer
    let arguments: UnsafeMutablePointer<RESPRange>
    /// Arguments with the name.
    let count: Int

    /// An argument; 0 is the name.
    @inline(__always)
    subscript(index: Int) -> UnsafeRawBufferPointer {
        let range = arguments[index]
        return UnsafeRawBufferPointer(start: base + Int(range.start), count: Int(range.count))
    }

    @inline(__always)
    var version: RESPVersion { client.pointee.version }

    /// Bytes from the first argument to the last.
    @inline(__always)
    var bytes: Int { Int(arguments[count &- 1].start) &+ Int(arguments[count &- 1].count) }

    /// An argument as an integer, or `nil`.
    @inline(__always)
    func integer(_ index: Int) -> Int? {
        let bytes = self[index]
        return RESPNumber.strict(bytes.start, 0, bytes.count)
    }

    /// An argument as a double, or `nil`; not a number is none.
    func double(_ index: Int) -> Double? { Self.double(self[index]) }

    static func double(_ bytes: UnsafeRawBufferPointer) -> Double? {
        if let whole = RESPNumber.strict(bytes.start, 0, bytes.count), whole.magnitude < 1 << 53 {
            return Double(whole)
        }
        guard let number = RESPNumber.double(bytes.start, 0, bytes.count), !number.isNaN else { return nil }
        return number
    }

    /// Whether an argument is a word, in upper or lower case; the word is in lower case.
    @inline(__always)
    func isWord(_ index: Int, _ word: StaticString) -> Bool {
        let bytes = self[index]
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        for place in 0..<bytes.count where bytes[place] | 0x20 != word.utf8Start[place] | 0x20 { return false }
        return true
    }

    /// An argument's bytes as text for a message: the first 128, what cannot be printed as question marks.
    static func shown(_ bytes: UnsafeRawBufferPointer) -> String {
        String(
            decoding: bytes.prefix(128).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") },
            as: UTF8.self
        )
    }

    /// A copy of an argument.
    func copy(_ index: Int) -> [UInt8] { Array(self[index]) }
}

/// What commands are refused with, as Redis says it.
enum Refusal {
    static let wrongType: StaticString =
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
    static let notInteger: StaticString = "-ERR value is not an integer or out of range\r\n"
    static let notFloat: StaticString = "-ERR value is not a valid float\r\n"
    static let syntax: StaticString = "-ERR syntax error\r\n"
    static let noKey: StaticString = "-ERR no such key\r\n"
    static let indexOutOfRange: StaticString = "-ERR index out of range\r\n"
    static let overflow: StaticString = "-ERR increment or decrement would overflow\r\n"
    static let notANumber: StaticString = "-ERR increment would produce NaN or Infinity\r\n"
    static let tooLong: StaticString = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"
    static let outOfMemory: StaticString = "-OOM command not allowed when used memory > 'maxmemory'.\r\n"
    static let notPositive: StaticString = "-ERR value is out of range, must be positive\r\n"
    static let countNotPositive: StaticString = "-ERR count should be greater than 0\r\n"
    static let numkeysNotPositive: StaticString = "-ERR numkeys should be greater than 0\r\n"
    static let scoreNotANumber: StaticString = "-ERR resulting score is not a number (NaN)\r\n"
    static let rangeNotFloat: StaticString = "-ERR min or max is not a float\r\n"
    static let rangeNotString: StaticString = "-ERR min or max not valid string range item\r\n"
}

extension CacheCore {
    /// Replies with a refusal.
    func refuse(_ refusal: StaticString) { out.pointee.append(refusal) }

    func ok() { out.pointee.append("+OK\r\n" as StaticString) }

    /// Refuses a command with too few or too many arguments.
    func refuseCount(_ call: Call) {
        out.pointee.error("ERR wrong number of arguments for '\(Call.shown(call[0]).lowercased())' command")
    }

    /// Refuses a subcommand.
    func refuseSubcommand(_ call: Call) {
        let name = Call.shown(call[0]).uppercased()
        out.pointee.error("ERR unknown subcommand '\(Call.shown(call[1]))'. Try \(name) HELP.")
    }

    /// The entry of a key if it is of a kind; a refusal is written where it is of another.
    enum Typed {
        case found(KeyEntry)
        case missing
        case refused
    }

    /// Looks a key up to read it.
    @inline(__always)
    func typed(_ key: UnsafeRawBufferPointer, _ kind: ValueKind) -> Typed {
        guard let entry = keys.pointee.read(key) else { return .missing }
        guard entry.kind == kind else {
            refuse(Refusal.wrongType)
            return .refused
        }
        return .found(entry)
    }

    /// Looks a key up to read it; `missing` replies where there is none.
    @inline(__always)
    func typed(_ key: UnsafeRawBufferPointer, _ kind: ValueKind, or missing: () -> Void) -> Typed {
        let found = typed(key, kind)
        if case .missing = found { missing() }
        return found
    }

    /// The entry of a key that is to be changed, made where it is missing; `nil` where it was refused.
    @inline(__always)
    func entry(_ key: UnsafeRawBufferPointer, making kind: ValueKind) -> KeyEntry? {
        let slot = keys.pointee.slot(key)
        guard let entry = slot.entry else { return keys.pointee.makeValue(key, slot, kind) }
        guard entry.kind == kind else {
            refuse(Refusal.wrongType)
            return nil
        }
        return entry
    }

    /// Says that a key has changed, to those who watch it or remember it.
    @inline(__always)
    func touch(_ key: UnsafeRawBufferPointer, _ call: Call) {
        if keys.pointee.isWatched { changed(key, by: call.client) }
    }
}
