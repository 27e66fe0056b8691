/// `Decoder` for ``WireReader``: reads what ``BinaryEncoder`` wrote.
//
// Sound for the same reason: `state` points to a variable of `decode(_:from:)`.
struct BinaryDecoder: Decoder {
    struct State: ~Copyable {
        let reader: UnsafeMutablePointer<WireReader>
        /// The limits to go back to when an open structure is left.
        var limits: [Int] = []

        mutating func enter() throws(WireError) {
            guard limits.count < 4 * WireReader.depthMax else { throw WireError(.tooDeep) }
            let length = try reader.pointee.readLength()
            limits.append(reader.pointee.limit)
            reader.pointee.limit = reader.pointee.offset + length
        }

        /// Leaves structures until `level` are open, skipping what nobody read.
        mutating func close(to level: Int) {
            while limits.count > level {
                reader.pointee.offset = reader.pointee.limit
                reader.pointee.limit = limits.removeLast()
            }
        }
    }

    let state: UnsafeMutablePointer<State>
    let level: Int
    let isOptional: Bool

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func decode<Value: Decodable>(_ type: Value.Type, from reader: inout WireReader) throws -> Value {
        try withUnsafeMutablePointer(to: &reader) { reader in
            let depth = reader.pointee.depth
            let limit = reader.pointee.limit
            // Left as it was found: a caller that reads on after an error reads inside the same limits.
            defer {
                reader.pointee.depth = depth
                reader.pointee.limit = limit
            }
            var state = State(reader: reader)
            return try withUnsafeMutablePointer(to: &state) { state in
                try BinaryDecoder.decode(type, state, level: 0)
            }
        }
    }

    static func decode<Value: Decodable>(
        _ type: Value.Type,
        _ state: UnsafeMutablePointer<State>,
        level: Int
    ) throws -> Value {
        let reader = state.pointee.reader
        guard reader.pointee.depth < WireReader.depthMax else { throw WireError(.tooDeep) }
        reader.pointee.depth += 1
        let start = reader.pointee.offset
        do {
            let value = try Value(from: BinaryDecoder(state: state, level: level, isOptional: _isOptional(type)))
            state.pointee.close(to: level)
            if reader.pointee.offset == start {
                // A value that asks for nothing took its place as an empty structure.
                try state.pointee.enter()
                state.pointee.close(to: level)
            }
            reader.pointee.depth -= 1
            return value
        } catch {
            throw WireError.of(error)
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let level = try open()
        return KeyedDecodingContainer(
            try BinaryKeyedDecoding(state: state, level: level, isNamed: EntryKey.names(type))
        )
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        BinaryUnkeyedDecoding(state: state, level: try open())
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    private func open() throws -> Int {
        if state.pointee.limits.count > level {
            state.pointee.close(to: level + 1)
        } else {
            try state.pointee.enter()
        }
        return level + 1
    }
}

extension BinaryDecoder: SingleValueDecodingContainer {
    /// Reads whether an optional is there.
    ///
    /// Outside an optional nothing is ever written as nil.
    func decodeNil() -> Bool {
        guard isOptional else { return false }
        let reader = state.pointee.reader
        if reader.pointee.isAtEnd { return true }
        let byte = reader.pointee.base.load(fromByteOffset: reader.pointee.offset, as: UInt8.self)
        reader.pointee.offset += 1
        return byte == 0
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try BinaryDecoder.decode(type, state, level: level)
    }

    func decode(_ type: Bool.Type) throws -> Bool { try state.pointee.reader.pointee.plain() }
    func decode(_ type: String.Type) throws -> String { try state.pointee.reader.pointee.plain() }
    func decode(_ type: Double.Type) throws -> Double { try state.pointee.reader.pointee.plain() }
    func decode(_ type: Float.Type) throws -> Float { try state.pointee.reader.pointee.plain() }
    func decode(_ type: Int.Type) throws -> Int { try state.pointee.reader.pointee.plain() }
    func decode(_ type: Int8.Type) throws -> Int8 { try state.pointee.reader.pointee.plain() }
    func decode(_ type: Int16.Type) throws -> Int16 { try state.pointee.reader.pointee.plain() }
    func decode(_ type: Int32.Type) throws -> Int32 { try state.pointee.reader.pointee.plain() }
    func decode(_ type: Int64.Type) throws -> Int64 { try state.pointee.reader.pointee.plain() }
    func decode(_ type: UInt.Type) throws -> UInt { try state.pointee.reader.pointee.plain() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try state.pointee.reader.pointee.plain() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try state.pointee.reader.pointee.plain() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try state.pointee.reader.pointee.plain() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try state.pointee.reader.pointee.plain() }
}

extension WireReader {
    mutating func plain() throws(WireError) -> Bool {
        switch try readByte() {
        case 0: return false
        case 1: return true
        default: throw WireError(.malformedValue, detail: "neither true nor false")
        }
    }
    mutating func plain() throws(WireError) -> String { try readText() }
    mutating func plain() throws(WireError) -> Double { Double(bitPattern: try readFixed()) }
    mutating func plain() throws(WireError) -> Float {
        guard let bits = UInt32(exactly: try readFixed()) else { throw WireError(.malformedNumber) }
        return Float(bitPattern: bits)
    }
    mutating func plain<Number: SignedInteger & FixedWidthInteger>() throws(WireError) -> Number {
        guard let number = Number(exactly: try readSigned()) else { throw WireError(.malformedNumber) }
        return number
    }
    mutating func plain<Number: UnsignedInteger & FixedWidthInteger>() throws(WireError) -> Number {
        guard let number = Number(exactly: try readNumber()) else { throw WireError(.malformedNumber) }
        return number
    }
    /// Reads whether a field is there; a field of an older writer is not.
    mutating func presence() throws(WireError) -> Bool { isAtEnd ? false : try plain() }
}
