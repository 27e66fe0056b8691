/// An array's elements, one after the other; the structure's length says how many there are.
struct BinaryUnkeyedEncoding: UnkeyedEncodingContainer {
    let state: UnsafeMutablePointer<BinaryEncoder.State>
    let level: Int
    var count = 0

    var codingPath: [any CodingKey] { [] }

    init(state: UnsafeMutablePointer<BinaryEncoder.State>, level: Int) {
        self.state = state
        self.level = level
    }

    private mutating func next() -> UnsafeMutablePointer<WireWriter> {
        state.pointee.close(to: level)
        count += 1
        return state.pointee.writer
    }

    func encodeNil() throws { throw WireError(.unsupported, detail: "encodeNil; encode an optional") }

    mutating func encode(_ value: some Encodable) throws {
        _ = next()
        try BinaryEncoder.encode(value, state, level: level)
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        _ = next()
        state.pointee.enter()
        return KeyedEncodingContainer(
            BinaryKeyedEncoding<Nested>(state: state, level: level + 1, isNamed: EntryKey.names(type))
        )
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        _ = next()
        state.pointee.enter()
        return BinaryUnkeyedEncoding(state: state, level: level + 1)
    }

    mutating func superEncoder() -> any Encoder {
        _ = next()
        return BinaryEncoder(state: state, level: level, isOptional: false)
    }

    mutating func encode(_ value: Bool) { next().pointee.write(plain: value) }
    mutating func encode(_ value: String) { next().pointee.write(plain: value) }
    mutating func encode(_ value: Double) { next().pointee.write(plain: value) }
    mutating func encode(_ value: Float) { next().pointee.write(plain: value) }
    mutating func encode(_ value: Int) { next().pointee.write(plain: value) }
    mutating func encode(_ value: Int8) { next().pointee.write(plain: value) }
    mutating func encode(_ value: Int16) { next().pointee.write(plain: value) }
    mutating func encode(_ value: Int32) { next().pointee.write(plain: value) }
    mutating func encode(_ value: Int64) { next().pointee.write(plain: value) }
    mutating func encode(_ value: UInt) { next().pointee.write(plain: value) }
    mutating func encode(_ value: UInt8) { next().pointee.write(plain: value) }
    mutating func encode(_ value: UInt16) { next().pointee.write(plain: value) }
    mutating func encode(_ value: UInt32) { next().pointee.write(plain: value) }
    mutating func encode(_ value: UInt64) { next().pointee.write(plain: value) }
}
