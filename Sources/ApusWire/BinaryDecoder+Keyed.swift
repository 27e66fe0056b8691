/// A structure's fields in the order they were written, or a dictionary's entries with their keys.
struct BinaryKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    /// Where an entry's value is.
    struct Entry {
        let name: String
        let offset: Int
        let limit: Int
    }

    let state: UnsafeMutablePointer<BinaryDecoder.State>
    let level: Int
    /// The entries of a dictionary; `nil` for a structure.
    let entries: [Entry]?

    var codingPath: [any CodingKey] { [] }

    init(state: UnsafeMutablePointer<BinaryDecoder.State>, level: Int, isNamed: Bool) throws {
        self.state = state
        self.level = level
        self.entries = isNamed ? try Self.scan(state.pointee.reader) : nil
    }

    /// Finds the entries without reading their values; the reader ends where it began.
    private static func scan(_ reader: UnsafeMutablePointer<WireReader>) throws(WireError) -> [Entry] {
        let start = reader.pointee.offset
        var entries: [Entry] = []
        while !reader.pointee.isAtEnd {
            let name = try reader.pointee.readText()
            let length = try reader.pointee.readLength()
            let offset = reader.pointee.offset
            entries.append(Entry(name: name, offset: offset, limit: offset + length))
            reader.pointee.offset = offset + length
        }
        reader.pointee.offset = start
        return entries
    }

    /// The keys that can be told: a dictionary's, or the case of an enumeration that comes next.
    var allKeys: [Key] {
        if let entries { return entries.compactMap { Key(stringValue: $0.name) } }
        state.pointee.close(to: level)
        let reader = state.pointee.reader
        let start = reader.pointee.offset
        defer { reader.pointee.offset = start }
        do { return try Key(stringValue: reader.pointee.readText()).map { [$0] } ?? [] } catch { return [] }
    }

    func contains(_ key: Key) -> Bool {
        if let entries { return entries.contains { $0.name == key.stringValue } }
        state.pointee.close(to: level)
        return !state.pointee.reader.pointee.isAtEnd
    }

    @inline(__always)
    private func field<Value>(
        _ key: Key,
        _ body: (UnsafeMutablePointer<WireReader>) throws -> Value
    ) throws -> Value {
        do {
            state.pointee.close(to: level)
            let reader = state.pointee.reader
            guard let entries else { return try body(reader) }
            return try entry(entries, key, reader, body)
        } catch {
            throw WireError.of(error).under(key.stringValue)
        }
    }

    private func entry<Value>(
        _ entries: [Entry],
        _ key: Key,
        _ reader: UnsafeMutablePointer<WireReader>,
        _ body: (UnsafeMutablePointer<WireReader>) throws -> Value
    ) throws -> Value {
        // Keys are asked for in the order they came: the next one is where the reader stands.
        let name = key.stringValue
        let next = entries.firstIndexSorted { $0.offset > reader.pointee.offset }
        let found =
            next < entries.count && entries[next].name == name ? entries[next] : entries.first { $0.name == name }
        guard let found else { throw WireError(.missingField) }
        let limit = reader.pointee.limit
        reader.pointee.offset = found.offset
        reader.pointee.limit = found.limit
        let value = try body(reader)
        reader.pointee.offset = found.limit
        reader.pointee.limit = limit
        return value
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        throw WireError(.unsupported, detail: "decodeNil; use decodeIfPresent").under(key.stringValue)
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try field(key) { _ in try BinaryDecoder.decode(type, state, level: level) }
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try field(key) { reader in
            try reader.pointee.presence() ? try BinaryDecoder.decode(type, state, level: level) : nil
        }
    }

    /// Enters the structure that was written under `key`.
    private func enter(_ key: Key) throws {
        do {
            state.pointee.close(to: level)
            let name = try state.pointee.reader.pointee.readText()
            guard name == key.stringValue else { throw WireError(.malformedValue, detail: "another field") }
            try state.pointee.enter()
        } catch {
            throw WireError.of(error).under(key.stringValue)
        }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try enter(key)
        return KeyedDecodingContainer(
            try BinaryKeyedDecoding<Nested>(state: state, level: level + 1, isNamed: EntryKey.names(type))
        )
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try enter(key)
        return BinaryUnkeyedDecoding(state: state, level: level + 1)
    }

    func superDecoder() -> any Decoder {
        state.pointee.close(to: level)
        return BinaryDecoder(state: state, level: level, isOptional: false)
    }

    func superDecoder(forKey key: Key) -> any Decoder { superDecoder() }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try field(key) { try $0.pointee.plain() } }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try field(key) { try $0.pointee.plain() } }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
        try field(key) { try $0.pointee.presence() ? try $0.pointee.plain() : nil }
    }
}

extension Array {
    /// The first index whose element fulfils `predicate`, which holds from there on; `count` where none does.
    func firstIndexSorted(_ predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
