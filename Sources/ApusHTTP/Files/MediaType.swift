/// Media types: which one a file has, and whether a body has the one expected.
public enum MediaType {
    /// The type `application/json`.
    public static let json: StaticString = "application/json"
    /// The type `text/html; charset=utf-8`.
    public static let html: StaticString = "text/html; charset=utf-8"
    /// The type `text/plain; charset=utf-8`.
    public static let plainText: StaticString = "text/plain; charset=utf-8"
    /// The type `application/x-www-form-urlencoded`.
    public static let form: StaticString = "application/x-www-form-urlencoded"
    /// The type `application/octet-stream`.
    public static let bytes: StaticString = "application/octet-stream"

    /// The type of a file by the extension of its name, in any case; ``bytes`` where it is not known.
    ///
    /// Browsers must not guess a better one: send `X-Content-Type-Options: nosniff` with it.
    public static func ofFile(_ path: String) -> StaticString {
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return bytes }
        switch path[path.index(after: dot)...].lowercased() {
        case "html", "htm": return html
        case "css": return "text/css; charset=utf-8"
        case "js", "mjs": return "text/javascript; charset=utf-8"
        case "json", "map": return json
        case "txt", "log", "md": return plainText
        case "csv": return "text/csv; charset=utf-8"
        case "xml": return "application/xml"
        case "svg": return "image/svg+xml"
        case "png": return "image/png"
        case "jpg", "jpeg": return "image/jpeg"
        case "gif": return "image/gif"
        case "webp": return "image/webp"
        case "avif": return "image/avif"
        case "ico": return "image/x-icon"
        case "woff": return "font/woff"
        case "woff2": return "font/woff2"
        case "ttf": return "font/ttf"
        case "wasm": return "application/wasm"
        case "pdf": return "application/pdf"
        case "webmanifest": return "application/manifest+json"
        case "mp4": return "video/mp4"
        case "webm": return "video/webm"
        case "mp3": return "audio/mpeg"
        case "gz": return "application/gzip"
        case "zip": return "application/zip"
        case "zst": return "application/zstd"
        default: return bytes
        }
    }

    /// Whether a `Content-Type` value names `type`, in any case, with or without parameters.
    public static func matches(_ field: UnsafeRawBufferPointer, _ type: StaticString) -> Bool {
        var end = field.firstIndex(of: UInt8(ascii: ";")) ?? field.count
        while end > 0, FieldParser.isSpace(field[end - 1]) { end -= 1 }
        return ASCII.equalIgnoringCase(UnsafeRawBufferPointer(rebasing: field[..<end]), type)
    }

    /// Whether a `Content-Type` value is JSON: `application/json` or a type that ends in `+json`.
    public static func isJSON(_ field: UnsafeRawBufferPointer) -> Bool {
        if matches(field, json) { return true }
        var end = field.firstIndex(of: UInt8(ascii: ";")) ?? field.count
        while end > 0, FieldParser.isSpace(field[end - 1]) { end -= 1 }
        return end > 5
            && ASCII.equalIgnoringCase(UnsafeRawBufferPointer(rebasing: field[(end - 5)..<end]), "+json")
    }
}
