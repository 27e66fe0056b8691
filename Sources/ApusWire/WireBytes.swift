/// The compact binary form of values whose type is not known to be ``Wire``, such as what a cache keeps.
public enum WireBytes {
    /// A value as bytes of its own; a ``Wire`` type by its own function, any other by its `Encodable` conformance.
    ///
    /// - Throws: ``WireError``, or the type's own error.
    public static func of(_ value: some Encodable) throws -> [UInt8] {
        if let value = value as? any Wire { return try value.wireBytes() }
        var writer = WireWriter()
        try BinaryEncoder.encode(value, into: &writer)
        return writer.withBytes { Array($0) }
    }

    /// Reads a value that fills `bytes` exactly.
    ///
    /// - Throws: ``WireError``, with the path to the field.
    public static func value<Value: Decodable>(_ type: Value.Type, in bytes: [UInt8]) throws -> Value {
        if let wire = type as? any Wire.Type, let value = try wire.init(wireBytes: bytes) as? Value { return value }
        return try bytes.withUnsafeBytes { bytes in
            var reader = WireReader(unsafe: bytes)
            let value = try BinaryDecoder.decode(type, from: &reader)
            guard reader.isAtEnd else {
                throw WireError(.trailingBytes, detail: "\(reader.remaining) bytes after the value")
            }
            return value
        }
    }
}
