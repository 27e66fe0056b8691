import COpenSSL

/// SHA-256 (FIPS 180-4) and its keyed form, by OpenSSL.
public enum SHA256 {
    /// The digest's length in bytes.
    public static let byteCount = 32

    /// The digest of `bytes`.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { room, count in
            _ = COpenSSL.SHA256(bytes, bytes.count, room.baseAddress)
            count = byteCount
        }
    }

    /// The authentication code of `message` under `key` (RFC 2104).
    public static func authenticationCode(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { room, count in
            _ = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, room.baseAddress, nil)
            count = byteCount
        }
    }
}
