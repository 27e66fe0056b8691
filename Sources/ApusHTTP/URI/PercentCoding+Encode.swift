public import ApusCore

extension PercentCoding {
    /// `string` percent-encoded, but for unreserved characters.
    public static func encode(_ string: String) -> String {
        var writer = ByteWriter(capacity: string.utf8.count + 16)
        writer.append(percentEncoding: string)
        return writer.string
    }
}
