extension Exchange {
    /// The request's body, decoded.
    ///
    /// The body is read up to the route's limit, and checked before it is decoded: its type, that it is exactly one JSON
    /// document, and that it is not nested deeper than ``JSONScanner/depthMax``.
    ///
    /// - Throws: A ``Problem``: 415 where it is not said to be JSON, 400 with the offset where it is not JSON or too
    ///   deep, 422 with the member's pointer where it is of another shape; ``BodyError``, such as 413.
    public func decodeBody<Value: Decodable>(_ type: Value.Type) async throws -> Value {
        guard let media = field(.contentType), MediaType.isJSON(media) else {
            throw Problem(.unsupportedMediaType, code: "json.mediaType", detail: "Send application/json.")
        }
        let bytes = try await body()
        var json = JSONBody()
        json.scanner.bytesMax = max(bytes.count, json.scanner.bytesMax)
        return try bytes.withUnsafeBytes { try json.decode(type, from: $0) }
    }

    /// Answers with `value` as JSON.
    ///
    /// - Throws: What the value's own encoding throws.
    public func answer(_ status: Status = .ok, encoding value: some Encodable) throws {
        var writer = ByteWriter()
        try JSONBody().encode(value, to: &writer)
        answer(status, type: MediaType.json, bytes: writer.bytes)
    }
}
