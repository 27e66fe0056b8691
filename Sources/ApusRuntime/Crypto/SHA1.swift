import COpenSSL

/// SHA-1 (FIPS 180-4), by OpenSSL: for names that others have fixed, such as those of scripts, never for secrets.
public enum SHA1 {
    /// The digest's length in bytes.
    public static let byteCount = 20

    /// The digest of `bytes`.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { room, count in
            var length = UInt32(byteCount)
            _ = EVP_Digest(bytes, bytes.count, room.baseAddress, &length, EVP_sha1(), nil)
            count = byteCount
        }
    }
}
