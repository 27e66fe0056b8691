/// The slots of a Redis Cluster, by which keys are told to nodes.
///
/// A slot is CRC16 (XMODEM) of the key modulo 16,384. Where the key has a `{`, and a `}` behind it with something in between,
/// only what stands between the first of each counts, so that keys can be made to live together.
///
/// - SeeAlso: Redis, "Redis cluster specification", "Key distribution model" and "Hash tags".
enum ClusterSlot {
    /// How many there are.
    static let count = 16_384

    /// The slot of a key.
    static func of(_ key: some Collection<UInt8>) -> Int {
        var tagged = key[...]
        if let open = key.firstIndex(of: UInt8(ascii: "{")) {
            let rest = key[key.index(after: open)...]
            if let close = rest.firstIndex(of: UInt8(ascii: "}")), close != rest.startIndex { tagged = rest[..<close] }
        }
        return Int(crc16(tagged)) % count
    }

    /// CRC16 with the polynomial 0x1021, from zero, without reflection.
    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var sum: UInt16 = 0
        for byte in bytes { sum = sum << 8 ^ table[Int(UInt8(truncatingIfNeeded: sum >> 8) ^ byte)] }
        return sum
    }

    private static let table: [UInt16] = (0..<256).map { index in
        var sum = UInt16(index) << 8
        for _ in 0..<8 { sum = sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1 }
        return sum
    }
}
