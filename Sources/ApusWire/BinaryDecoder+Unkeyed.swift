/// An array's elements, until its structure ends.
struct BinaryUnkeyedDecoding: UnkeyedDecodingContainer {
    let state: UnsafeMutablePointer<BinaryDecoder.State>
    let level: Int
    var currentIndex = 0

    var codingPath: [any CodingKey] { [] }
    /// Not known beforehand: elements are as long as they are.
    var count: Int? { nil }

    init(state: UnsafeMutablePointer<BinaryDecoder.State>, level: Int) {
        self.state = state
        self.level = level
    }

    var isAtEnd: Bool {
        state.pointee.close(to: level)
        return state.pointee.reader.pointee.isAtEnd
    }

    @inline(__always)
    private mutating func next<Value>(_ body: (UnsafeMutablePointer<BinaryDecoder.State>) throws -> Value) throws
        -> Value
    {
        do {
            state.pointee.close(to: level)
            guard !state.pointee.reader.pointee.isAtEnd else { throw WireError(.missingField) }
            let value = try body(state)
            currentIndex += 1
            return value
        } catch {
            throw WireError.of(error).under("[\(currentIndex)]")
        }
    }

    func decodeNil() throws -> Bool { throw WireError(.unsupported, detail: "decodeNil; decode an optional") }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let level = level
        return try next { try BinaryDecoder.decode(type, $0, level: level) }
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try next { try $0.pointee.enter() }
        return KeyedDecodingContainer(
            try BinaryKeyedDecoding<Nested>(state: state, level: level + 1, isNamed: EntryKey.names(type))
        )
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next { try $0.pointee.enter() }
        return BinaryUnkeyedDecoding(state: state, level: level + 1)
    }

    mutating func superDecoder() throws -> any Decoder {
        let level = level
        return try next { BinaryDecoder(state: $0, level: level, isOptional: false) }
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: String.Type) throws -> String { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: Double.Type) throws -> Double { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: Float.Type) throws -> Float { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: Int.Type) throws -> Int { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next { try $0.pointee.reader.pointee.plain() } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next { try $0.pointee.reader.pointee.plain() } }
}
