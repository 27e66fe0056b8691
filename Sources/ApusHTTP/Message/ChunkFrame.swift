/// The bytes round the data of a chunked body.
public enum ChunkFrame {
    /// Most bytes ``writeHead(count:to:)`` writes: 16 digits, CR LF.
    public static let headBytesMax = 18
    /// What follows a chunk's data: CR LF.
    public static let tail: StaticString = "\r\n"
    /// The last chunk and an empty trailer section.
    public static let end: StaticString = "0\r\n\r\n"
    /// The last chunk alone; trailer lines and an empty line follow.
    public static let last: StaticString = "0\r\n"

    /// Writes the line before a chunk of `count` bytes, which must not be 0: that would end the body.
    ///
    /// - Returns: How many bytes were written, at most ``headBytesMax``.
    public static func writeHead(count: Int, to bytes: UnsafeMutableRawPointer) -> Int {
        precondition(count > 0, "a chunk without data ends the body")
        let digits = (64 - count.leadingZeroBitCount + 3) / 4
        var left = count
        for index in stride(from: digits - 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: left & 15)
            bytes.storeBytes(of: digit < 10 ? 0x30 + digit : 0x57 + digit, toByteOffset: index, as: UInt8.self)
            left >>= 4
        }
        bytes.storeBytes(of: 0x0D, toByteOffset: digits, as: UInt8.self)
        bytes.storeBytes(of: 0x0A, toByteOffset: digits + 1, as: UInt8.self)
        return digits + 2
    }
}
