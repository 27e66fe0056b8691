/// A value that can travel between two processes.
///
/// Conforming costs nothing: every `Codable` type has both functions by default, through a compact binary
/// coder. A type on a hot path writes its own two functions and is an order of magnitude cheaper:
///
/// ```swift
/// extension Line: Wire {
///     func write(into writer: inout WireWriter) throws {
///         try writer.writeStructure { writer in
///             try writer.write(sku)
///             try writer.write(quantity)
///         }
///     }
///     init(from reader: inout WireReader) throws {
///         self = try reader.readStructure { reader in
///             Line(sku: try reader.read("sku"), quantity: try reader.read("quantity"))
///         }
///     }
/// }
/// ```
///
/// ## Versions
/// Fields have no names on the wire; they are read in the order in which they were written. A structure carries
/// its length, so a reader skips fields it does not know at the end, and reads an optional that an older writer
/// did not send as `nil`. **Add fields at the end, as optionals; never reorder or remove.** Everything else is
/// refused with a ``WireError`` that names the field.
///
/// A hand-written `Codable` conformance must decode in the order in which it encodes, as a synthesised one does.
/// Types that ask the format what comes next (a JSON value, for instance) cannot be coded.
public protocol Wire: Codable, Sendable {
    /// Appends the value to `writer`.
    ///
    /// - Throws: ``WireError`` for what the format cannot carry, or the type's own error.
    func write(into writer: inout WireWriter) throws
    /// Reads the value that ``write(into:)`` wrote.
    ///
    /// - Throws: ``WireError``, with the path to the field.
    init(from reader: inout WireReader) throws
}

extension Wire {
    /// Appends the value through its `Encodable` conformance.
    public func write(into writer: inout WireWriter) throws {
        try BinaryEncoder.encode(self, into: &writer)
    }

    /// Reads the value through its `Decodable` conformance.
    public init(from reader: inout WireReader) throws {
        self = try BinaryDecoder.decode(Self.self, from: &reader)
    }

    /// The value as bytes of its own.
    ///
    /// - Throws: What ``write(into:)`` throws.
    public func wireBytes() throws -> [UInt8] {
        var writer = WireWriter()
        try write(into: &writer)
        return writer.withBytes { Array($0) }
    }

    /// Reads a value that fills `bytes` exactly.
    ///
    /// - Throws: ``WireError``; with code `trailingBytes` where something is left over.
    public init(wireBytes bytes: [UInt8]) throws {
        self = try bytes.withUnsafeBytes { bytes in
            var reader = WireReader(unsafe: bytes)
            let value = try Self(from: &reader)
            guard reader.isAtEnd else {
                throw WireError(.trailingBytes, detail: "\(reader.remaining) bytes after the value")
            }
            return value
        }
    }
}
