import COpenSSL

/// MD5 (RFC 1321), by OpenSSL: for circles and checksums that others have fixed, never for secrets.
public enum MD5 {
    /// The digest's length in bytes.
    public static let byteCount = 16

    /// The digest of `bytes`.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { room, count in
            var length = UInt32(byteCount)
            _ = EVP_Digest(bytes, bytes.count, room.baseAddress, &length, EVP_md5(), nil)
            count = byteCount
        }
    }
}
