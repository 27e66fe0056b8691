/// `Encoder` for ``WireWriter``: the default behind ``Wire``.
///
/// A keyed or unkeyed container becomes a structure: a length and its fields, in the order they are encoded. A field
/// encoded "if present" has a byte in front that says whether it is there. A nested keyed container carries its key's
/// name, because that is how a synthesised enumeration tells its case; a dictionary with text or number keys carries
/// all its keys.
//
// Sound: `state` points to a variable of `encode(_:into:)`, which outlives every encoder and container made below it,
// unless a type keeps its `Encoder` for later, which `Encodable` forbids.
struct BinaryEncoder: Encoder {
    struct State: ~Copyable {
        let writer: UnsafeMutablePointer<WireWriter>
        /// Where the content of each open structure starts.
        var open: [Int] = []
        /// Values that are being encoded inside one another.
        var depth = 0

        mutating func enter() { open.append(writer.pointee.openLength()) }

        mutating func close(to level: Int) {
            while open.count > level { writer.pointee.closeLength(open.removeLast()) }
        }
    }

    let state: UnsafeMutablePointer<State>
    /// Structures that are open around this encoder's value.
    let level: Int
    /// True while an `Optional` encodes itself: a byte says whether it has a value.
    let isOptional: Bool

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func encode(_ value: some Encodable, into writer: inout WireWriter) throws {
        try withUnsafeMutablePointer(to: &writer) { writer in
            var state = State(writer: writer)
            try withUnsafeMutablePointer(to: &state) { state in
                try BinaryEncoder.encode(value, state, level: 0)
            }
        }
    }

    static func encode<Value: Encodable>(
        _ value: Value,
        _ state: UnsafeMutablePointer<State>,
        level: Int
    ) throws {
        guard state.pointee.depth < WireReader.depthMax else { throw WireError(.tooDeep) }
        state.pointee.depth += 1
        let start = state.pointee.writer.pointee.count
        try value.encode(to: BinaryEncoder(state: state, level: level, isOptional: _isOptional(Value.self)))
        state.pointee.close(to: level)
        // A value that encodes nothing still takes its place.
        if state.pointee.writer.pointee.count == start { state.pointee.writer.pointee.writeByte(0) }
        state.pointee.depth -= 1
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(BinaryKeyedEncoding(state: state, level: open(), isNamed: EntryKey.names(type)))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer { BinaryUnkeyedEncoding(state: state, level: open()) }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    /// Opens this value's structure, or finds it open where a type asks twice.
    private func open() -> Int {
        if state.pointee.open.count > level {
            state.pointee.close(to: level + 1)
        } else {
            state.pointee.enter()
        }
        return level + 1
    }
}

extension BinaryEncoder: SingleValueEncodingContainer {
    func encodeNil() throws {
        guard isOptional else { throw WireError(.unsupported, detail: "nil outside an optional") }
        state.pointee.writer.pointee.writeByte(0)
    }

    func encode(_ value: some Encodable) throws {
        markPresent()
        try BinaryEncoder.encode(value, state, level: level)
    }

    func encode(_ value: Bool) { present().pointee.write(plain: value) }
    func encode(_ value: String) { present().pointee.write(plain: value) }
    func encode(_ value: Double) { present().pointee.write(plain: value) }
    func encode(_ value: Float) { present().pointee.write(plain: value) }
    func encode(_ value: Int) { present().pointee.write(plain: value) }
    func encode(_ value: Int8) { present().pointee.write(plain: value) }
    func encode(_ value: Int16) { present().pointee.write(plain: value) }
    func encode(_ value: Int32) { present().pointee.write(plain: value) }
    func encode(_ value: Int64) { present().pointee.write(plain: value) }
    func encode(_ value: UInt) { present().pointee.write(plain: value) }
    func encode(_ value: UInt8) { present().pointee.write(plain: value) }
    func encode(_ value: UInt16) { present().pointee.write(plain: value) }
    func encode(_ value: UInt32) { present().pointee.write(plain: value) }
    func encode(_ value: UInt64) { present().pointee.write(plain: value) }

    private func markPresent() {
        if isOptional { state.pointee.writer.pointee.writeByte(1) }
    }

    private func present() -> UnsafeMutablePointer<WireWriter> {
        markPresent()
        return state.pointee.writer
    }
}

extension WireWriter {
    mutating func write(plain value: Bool) { writeByte(value ? 1 : 0) }
    mutating func write(plain value: String) { writeText(value) }
    mutating func write(plain value: Double) { writeFixed(value.bitPattern) }
    mutating func write(plain value: Float) { writeFixed(UInt64(value.bitPattern)) }
    mutating func write(plain value: some SignedInteger & FixedWidthInteger) {
        writeSigned(Int64(truncatingIfNeeded: value))
    }
    mutating func write(plain value: some UnsignedInteger & FixedWidthInteger) {
        writeNumber(UInt64(truncatingIfNeeded: value))
    }
}
