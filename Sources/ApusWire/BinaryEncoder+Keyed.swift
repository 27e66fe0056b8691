/// Tells the key type of dictionaries, whose keys are data, from the key types of structures, whose keys are not.
enum EntryKey {
    /// The standard library's own key type, asked of a dictionary, because it has no public name.
    private static let dictionaryKey: ObjectIdentifier? = {
        var writer = WireWriter()
        return withUnsafeMutablePointer(to: &writer) { writer in
            var state = BinaryEncoder.State(writer: writer)
            return withUnsafeMutablePointer(to: &state) { state in
                let spy = Spy(BinaryEncoder(state: state, level: 0, isOptional: false))
                do { try ["": 0].encode(to: spy) } catch { return nil }
                return spy.seen
            }
        }
    }()

    static func names(_ type: any CodingKey.Type) -> Bool { ObjectIdentifier(type) == dictionaryKey }

    private final class Spy: Encoder {
        let encoder: BinaryEncoder
        var seen: ObjectIdentifier?
        init(_ encoder: BinaryEncoder) { self.encoder = encoder }
        var codingPath: [any CodingKey] { [] }
        var userInfo: [CodingUserInfoKey: Any] { [:] }
        func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
            seen = ObjectIdentifier(type)
            return KeyedEncodingContainer(BinaryKeyedEncoding(state: encoder.state, level: 0, isNamed: false))
        }
        func unkeyedContainer() -> any UnkeyedEncodingContainer { encoder.unkeyedContainer() }
        func singleValueContainer() -> any SingleValueEncodingContainer { encoder }
    }
}

/// A structure's fields, in the order they come; a dictionary's entries, with their keys.
struct BinaryKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let state: UnsafeMutablePointer<BinaryEncoder.State>
    let level: Int
    let isNamed: Bool

    var codingPath: [any CodingKey] { [] }

    @inline(__always)
    private func field(_ key: Key, _ body: (UnsafeMutablePointer<WireWriter>) throws -> Void) rethrows {
        state.pointee.close(to: level)
        let writer = state.pointee.writer
        guard isNamed else { return try body(writer) }
        writer.pointee.writeText(key.stringValue)
        let mark = writer.pointee.openLength()
        try body(writer)
        writer.pointee.closeLength(mark)
    }

    func encodeNil(forKey key: Key) throws {
        throw WireError(.unsupported, detail: "encodeNil; use encodeIfPresent").under(key.stringValue)
    }

    func encode(_ value: some Encodable, forKey key: Key) throws {
        do {
            try field(key) { _ in try BinaryEncoder.encode(value, state, level: level) }
        } catch let error as WireError {
            throw error.under(key.stringValue)
        }
    }

    func encodeIfPresent(_ value: (some Encodable)?, forKey key: Key) throws {
        do {
            try field(key) { writer in
                guard let value else { return writer.pointee.writeByte(0) }
                writer.pointee.writeByte(1)
                try BinaryEncoder.encode(value, state, level: level)
            }
        } catch let error as WireError {
            throw error.under(key.stringValue)
        }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        state.pointee.close(to: level)
        state.pointee.writer.pointee.writeText(key.stringValue)
        state.pointee.enter()
        return KeyedEncodingContainer(
            BinaryKeyedEncoding<Nested>(state: state, level: level + 1, isNamed: EntryKey.names(type))
        )
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        state.pointee.close(to: level)
        state.pointee.writer.pointee.writeText(key.stringValue)
        state.pointee.enter()
        return BinaryUnkeyedEncoding(state: state, level: level + 1)
    }

    func superEncoder() -> any Encoder {
        state.pointee.close(to: level)
        return BinaryEncoder(state: state, level: level, isOptional: false)
    }

    func superEncoder(forKey key: Key) -> any Encoder { superEncoder() }

    func encode(_ value: Bool, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: String, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: Double, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: Float, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: Int, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: Int8, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: Int16, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: Int32, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: Int64, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: UInt, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: UInt8, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: UInt16, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: UInt32, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }
    func encode(_ value: UInt64, forKey key: Key) { field(key) { $0.pointee.write(plain: value) } }

    func encodeIfPresent(_ value: Bool?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: String?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: Double?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: Float?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: Int?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) { field(key) { $0.pointee.write(optional: value) } }
}

extension WireWriter {
    mutating func write(optional value: Bool?) {
        writeByte(value == nil ? 0 : 1)
        if let value { write(plain: value) }
    }
    mutating func write(optional value: String?) {
        writeByte(value == nil ? 0 : 1)
        if let value { write(plain: value) }
    }
    mutating func write(optional value: Double?) {
        writeByte(value == nil ? 0 : 1)
        if let value { write(plain: value) }
    }
    mutating func write(optional value: Float?) {
        writeByte(value == nil ? 0 : 1)
        if let value { write(plain: value) }
    }
    mutating func write(optional value: (some SignedInteger & FixedWidthInteger)?) {
        writeByte(value == nil ? 0 : 1)
        if let value { write(plain: value) }
    }
    mutating func write(optional value: (some UnsignedInteger & FixedWidthInteger)?) {
        writeByte(value == nil ? 0 : 1)
        if let value { write(plain: value) }
    }
}
