import FoundationEssentials

/// Decodes request bodies and encodes answers as JSON through Codable.
///
/// For routes that are not hot: hot ones write with ``JSONWriter``. Dates are ISO 8601.
public struct JSONBody: Sendable {
    /// The check that runs before the decoder.
    public var scanner = JSONScanner()

    /// Starts from the defaults.
    public init() {}

    /// The value that `document` says.
    ///
    /// - Throws: A ``Problem``: 400 where it is not JSON, 413 where it is too large, 422 where it is JSON but not of the
    ///   type; it names the member, never its value.
    public func decode<Value: Decodable>(_ type: Value.Type, from document: UnsafeRawBufferPointer) throws -> Value {
        do throws(JSONFault) {
            try scanner.check(document)
        } catch {
            throw Problem(error)
        }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(type, from: Data(document))
        } catch let error as DecodingError {
            throw Problem(error)
        }
    }

    /// Appends `value` as JSON, members in a stable order.
    public func encode(_ value: some Encodable, to writer: inout ByteWriter) throws {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        data.withUnsafeBytes { writer.append($0) }
    }
}

extension Problem {
    /// The problem that answers a body that is no JSON within the limits.
    public init(_ fault: JSONFault) {
        self.init(
            fault.code == .tooLarge ? .contentTooLarge : .badRequest,
            code: "json.\(fault.code)",
            members: [.init("offset", .integer(fault.offset))]
        )
    }

    /// The problem that answers JSON of another shape: 422, naming the member.
    init(_ error: DecodingError) {
        let context: DecodingError.Context?
        var missing: (any CodingKey)?
        let code: String
        switch error {
        case .keyNotFound(let key, let at): (context, missing, code) = (at, key, "json.memberMissing")
        case .valueNotFound(_, let at): (context, code) = (at, "json.valueMissing")
        case .typeMismatch(_, let at): (context, code) = (at, "json.typeMismatch")
        case .dataCorrupted(let at): (context, code) = (at, "json.valueRefused")
        @unknown default: (context, code) = (nil, "json.valueRefused")
        }
        let path = (context?.codingPath ?? []) + (missing.map { [$0] } ?? [])
        let pointer = path.map { key in
            "/"
                + (key.intValue.map(String.init)
                    ?? key.stringValue.replacing("~", with: "~0").replacing("/", with: "~1"))
        }.joined()
        self.init(.unprocessableContent, code: code, members: [.init("pointer", .string(pointer))])
    }
}
