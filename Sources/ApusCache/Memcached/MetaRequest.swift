import ApusCore

/// Meta commands as a client writes them.
///
/// - SeeAlso: memcached's doc/protocol.txt, "Meta Commands" (1.6).
struct MetaRequest {
    enum Kind: Equatable {
        case get
        /// Makes an empty item that lives so many seconds where there is none, and tells one caller so.
        case lease(seconds: Int, early: Int?)
        case set(MetaMode, flags: UInt32, seconds: Int, version: UInt64?, keepsAsStale: Bool)
        /// As `set`, and says the version that the new item has.
        case place(MetaMode, flags: UInt32, seconds: Int, version: UInt64?)
        case delete(version: UInt64?)
        case invalidate(seconds: Int?)
        /// Adds to a number; where there is none it begins at `first` and lives so many seconds, for ever with 0.
        case count(by: UInt64, first: UInt64, seconds: Int)
    }

    enum MetaMode: Equatable { case set, add }

    var kind: Kind

    /// Whether it may be sent to another server in the place of one that is gone.
    var isForGutter: Bool {
        switch kind {
        case .get, .lease, .invalidate: true
        case .set(_, _, _, let version, _), .delete(let version): version == nil
        // A version is one server's own, and a number that is counted in two places is wrong in both.
        case .place, .count: false
        }
    }

    /// Whether it takes a value away.
    var deletes: Bool {
        switch kind {
        case .delete, .invalidate: true
        case .get, .lease, .set, .place, .count: false
        }
    }

    /// The same for the gutter, where nothing lives long.
    func shortened(to seconds: Int) -> MetaRequest {
        switch kind {
        case .get, .delete, .place, .count: self
        case .lease(let given, let early): MetaRequest(kind: .lease(seconds: min(given, seconds), early: early))
        case .set(let mode, let flags, let given, let version, let keeps):
            MetaRequest(
                kind: .set(
                    mode,
                    flags: flags,
                    seconds: given == 0 ? seconds : min(given, seconds),
                    version: version,
                    keepsAsStale: keeps
                )
            )
        // There is no other value to show meanwhile for long.
        case .invalidate: MetaRequest(kind: .delete(version: nil))
        }
    }

    /// Writes the command to a buffer.
    func write(_ key: [UInt8], _ value: [UInt8], to buffer: inout RESPBuffer) {
        switch kind {
        case .get:
            buffer.append("mg " as StaticString)
            buffer.append(key)
            buffer.append(" v f c\r\n" as StaticString)
        case .lease(let seconds, let early):
            buffer.append("mg " as StaticString)
            buffer.append(key)
            buffer.append(" v f c N" as StaticString)
            buffer.append(seconds)
            if let early {
                buffer.append(" R" as StaticString)
                buffer.append(early)
            }
            buffer.appendLineEnd()
        case .set(let mode, let flags, let seconds, let version, let keepsAsStale):
            writeStore(key, mode, flags, seconds, version, value.count, to: &buffer)
            if version != nil, keepsAsStale { buffer.append(" I" as StaticString) }
            buffer.appendLineEnd()
            buffer.append(value)
            buffer.appendLineEnd()
        case .place(let mode, let flags, let seconds, let version):
            writeStore(key, mode, flags, seconds, version, value.count, to: &buffer)
            buffer.append(" c\r\n" as StaticString)
            buffer.append(value)
            buffer.appendLineEnd()
        case .delete(let version):
            buffer.append("md " as StaticString)
            buffer.append(key)
            if let version {
                buffer.append(" C" as StaticString)
                buffer.append(unsigned: version)
            }
            buffer.appendLineEnd()
        case .invalidate(let seconds):
            buffer.append("md " as StaticString)
            buffer.append(key)
            buffer.append(" I" as StaticString)
            if let seconds {
                buffer.append(" T" as StaticString)
                buffer.append(seconds)
            }
            buffer.appendLineEnd()
        case .count(let step, let first, let seconds):
            buffer.append("ma " as StaticString)
            buffer.append(key)
            buffer.append(" v N" as StaticString)
            buffer.append(seconds)
            buffer.append(" J" as StaticString)
            buffer.append(unsigned: first)
            buffer.append(" D" as StaticString)
            buffer.append(unsigned: step)
            buffer.appendLineEnd()
        }
    }

    private func writeStore(
        _ key: [UInt8],
        _ mode: MetaMode,
        _ flags: UInt32,
        _ seconds: Int,
        _ version: UInt64?,
        _ count: Int,
        to buffer: inout RESPBuffer
    ) {
        buffer.append("ms " as StaticString)
        buffer.append(key)
        buffer.append(UInt8(ascii: " "))
        buffer.append(count)
        if mode == .add { buffer.append(" ME" as StaticString) }
        if flags != 0 {
            buffer.append(" F" as StaticString)
            buffer.append(Int(flags))
        }
        if seconds != 0 {
            buffer.append(" T" as StaticString)
            buffer.append(seconds)
        }
        if let version {
            buffer.append(" C" as StaticString)
            buffer.append(unsigned: version)
        }
    }

    /// Whether a key can be sent: 1 to 250 bytes, none of them a space or a control character.
    static func isKey(_ key: [UInt8]) -> Bool {
        guard !key.isEmpty, key.count <= 250 else { return false }
        for byte in key where byte <= 0x20 || byte == 0x7F { return false }
        return true
    }
}

/// An answer with a copy of its value.
struct MetaAnswer: Sendable {
    var response: MetaResponse
    var value: [UInt8]
}
