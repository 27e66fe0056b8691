/// Reads a `Decodable` value from a row by the names of its columns.
struct RowDecoder: Decoder {
    var reader: RowReader
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func decode<Value: Decodable>(_ type: Value.Type, _ row: inout RowReader) throws -> Value {
        do {
            return try Value(from: RowDecoder(reader: row))
        } catch let error as DecodingError {
            throw StoreError(.rowMismatch, "the row does not fit \(Value.self)", cause: error)
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed<Key>(reader: reader))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw StoreError(.rowMismatch, "a row has named columns; it is no list")
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(reader: reader) }

    /// One column's value for a type that the engine knows, else `nil`.
    static func scalar<Value>(_ type: Value.Type, _ reader: inout RowReader) throws -> Value? {
        guard let scalar = type as? any SQLScalar.Type else { return nil }
        return try scalar.read(&reader) as? Value
    }
}

/// A row's columns under their names.
private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let reader: RowReader
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] {
        (Int32(reader.first)..<reader.count).compactMap { Key(stringValue: reader.name(of: $0)) }
    }

    /// The reader in front of `key`'s column.
    private func at(_ key: Key) throws -> RowReader {
        guard let column = reader.column(named: key.stringValue) else {
            throw StoreError(.rowMismatch, "the row has no column \"\(key.stringValue)\"")
        }
        var reader = reader
        reader.column = column
        return reader
    }

    func contains(_ key: Key) -> Bool { reader.column(named: key.stringValue) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        var reader = try at(key)
        return try reader.skipNull()
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try read(key) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try read(key) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try read(key) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try read(key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try read(key) }

    private func read<Value: SQLScalar>(_ key: Key) throws -> Value {
        var reader = try at(key)
        return try Value.read(&reader)
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        var reader = try at(key)
        if let value = try RowDecoder.scalar(type, &reader) { return value }
        return try Value(from: RowDecoder(reader: reader))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw StoreError(.rowMismatch, "column \"\(key.stringValue)\" is one value; it has no parts")
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw StoreError(.rowMismatch, "column \"\(key.stringValue)\" is one value; it is no list")
    }

    func superDecoder() throws -> any Decoder { RowDecoder(reader: reader) }
    func superDecoder(forKey key: Key) throws -> any Decoder { RowDecoder(reader: try at(key)) }
}

/// One column.
private struct Single: SingleValueDecodingContainer {
    let reader: RowReader
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool {
        var reader = reader
        return (try? reader.skipNull()) ?? false
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        var reader = reader
        if let value = try RowDecoder.scalar(type, &reader) { return value }
        if let whole = type as? any SmallInteger.Type, let value = try whole.small(&reader) as? Value { return value }
        return try Value(from: RowDecoder(reader: reader))
    }
}

/// Whole numbers that are no scalars of their own.
private protocol SmallInteger: FixedWidthInteger {}
extension SmallInteger {
    static func small(_ row: inout RowReader) throws -> Self {
        guard let value = Self(exactly: try row.integer()) else { throw row.mismatch("\(Self.self)") }
        return value
    }
}
extension Int8: SmallInteger {}
extension Int16: SmallInteger {}
extension UInt8: SmallInteger {}
extension UInt16: SmallInteger {}
extension UInt: SmallInteger {}
extension UInt64: SmallInteger {}
