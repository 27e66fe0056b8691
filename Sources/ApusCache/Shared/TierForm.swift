import ApusCore
import ApusWire

/// The bytes of an entry on a shared tier's server: a head of 22 bytes, then the value in its compact binary form.
///
///     1  kind: V value, N known to have none, L lease
///     1  version of this form: 1
///     8  usable until, milliseconds since 1970, big-endian; all ones for ever. Of a lease: its random token
///     8  being refreshed until, milliseconds since 1970; 0 for not. Of a lease: its end, 0 where the server ends it in time
///     4  microseconds it took to load, at most 71 minutes
struct TierForm: Equatable {
    enum Kind: UInt8 {
        case value = 0x56
        case absent = 0x4E
        case lease = 0x4C
    }

    static let version: UInt8 = 1
    static let headCount = 22

    var kind: Kind
    /// Milliseconds since 1970; of a lease its token.
    var until: UInt64
    var refreshingUntil: UInt64 = 0
    var loadMicroseconds: UInt32 = 0
    var payload: ArraySlice<UInt8> = []

    init(_ kind: Kind, until: UInt64, loadMicroseconds: UInt32 = 0, payload: ArraySlice<UInt8> = []) {
        self.kind = kind
        self.until = until
        self.loadMicroseconds = loadMicroseconds
        self.payload = payload
    }

    /// `nil` for bytes that are no entry of this version.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headCount, let kind = Kind(rawValue: bytes[0]), bytes[1] == Self.version else {
            return nil
        }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        self.kind = kind
        until = number(2..<10)
        refreshingUntil = number(10..<18)
        loadMicroseconds = UInt32(truncatingIfNeeded: number(18..<22))
        payload = bytes[Self.headCount...]
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headCount + payload.count)
        bytes.append(kind.rawValue)
        bytes.append(Self.version)
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: until >> shift)) }
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: refreshingUntil >> shift))
        }
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: loadMicroseconds >> shift))
        }
        bytes.append(contentsOf: payload)
        return bytes
    }
}
