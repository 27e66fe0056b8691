// The standard library's values on the wire: numbers, text, optionals, arrays, dictionaries.

extension Int: Wire {
    /// Appends the number in zigzag order.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeSigned(Int64(self)) }
    /// Reads the number.
    @inlinable public init(from reader: inout WireReader) throws {
        let number = try reader.readSigned()
        guard let fitting = Int(exactly: number) else { throw WireError(.malformedNumber) }
        self = fitting
    }
}

extension Int64: Wire {
    /// Appends the number in zigzag order.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeSigned(self) }
    /// Reads the number.
    @inlinable public init(from reader: inout WireReader) throws { self = try reader.readSigned() }
}

extension UInt64: Wire {
    /// Appends the number.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeNumber(self) }
    /// Reads the number.
    @inlinable public init(from reader: inout WireReader) throws { self = try reader.readNumber() }
}

extension FixedWidthInteger where Self: Wire {
    @inlinable static func exactly(_ number: some BinaryInteger) throws(WireError) -> Self {
        guard let fitting = Self(exactly: number) else { throw WireError(.malformedNumber) }
        return fitting
    }
}

extension Int32: Wire {
    /// Appends the number in zigzag order.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeSigned(Int64(self)) }
    /// Reads the number.
    @inlinable public init(from reader: inout WireReader) throws { self = try .exactly(reader.readSigned()) }
}

extension UInt: Wire {
    /// Appends the number.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeNumber(UInt64(self)) }
    /// Reads the number.
    @inlinable public init(from reader: inout WireReader) throws { self = try .exactly(reader.readNumber()) }
}

extension UInt32: Wire {
    /// Appends the number.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeNumber(UInt64(self)) }
    /// Reads the number.
    @inlinable public init(from reader: inout WireReader) throws { self = try .exactly(reader.readNumber()) }
}

extension UInt16: Wire {
    /// Appends the number.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeNumber(UInt64(self)) }
    /// Reads the number.
    @inlinable public init(from reader: inout WireReader) throws { self = try .exactly(reader.readNumber()) }
}

extension UInt8: Wire {
    /// Appends the byte.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeByte(self) }
    /// Reads the byte.
    @inlinable public init(from reader: inout WireReader) throws { self = try reader.readByte() }
}

extension Bool: Wire {
    /// Appends a byte, 0 or 1.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeByte(self ? 1 : 0) }
    /// Reads 0 or 1.
    @inlinable public init(from reader: inout WireReader) throws {
        switch try reader.readByte() {
        case 0: self = false
        case 1: self = true
        default: throw WireError(.malformedValue, detail: "neither true nor false")
        }
    }
}

extension Double: Wire {
    /// Appends the eight bytes of the number.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeFixed(bitPattern) }
    /// Reads the number, bit for bit.
    @inlinable public init(from reader: inout WireReader) throws { self = Double(bitPattern: try reader.readFixed()) }
}

extension String: Wire {
    /// Appends the text as UTF-8 behind its length.
    @inlinable public func write(into writer: inout WireWriter) { writer.writeText(self) }
    /// Reads the text.
    @inlinable public init(from reader: inout WireReader) throws { self = try reader.readText() }
}

extension Optional: Wire where Wrapped: Wire {
    /// Appends a byte, 0 or 1, and the value if there is one.
    @inlinable
    public func write(into writer: inout WireWriter) throws {
        guard let self else { return writer.writeByte(0) }
        writer.writeByte(1)
        try self.write(into: &writer)
    }

    /// Reads the value; `nil` also where a structure of an older writer ends before it.
    @inlinable
    public init(from reader: inout WireReader) throws {
        if reader.depth > 0, reader.isAtEnd {
            self = nil
            return
        }
        switch try reader.readByte() {
        case 0: self = nil
        case 1: self = .some(try reader.read(as: Wrapped.self))
        default: throw WireError(.malformedValue, detail: "neither absent nor present")
        }
    }
}

extension Array: Wire where Element: Wire {
    /// Appends the count and the elements.
    @inlinable
    public func write(into writer: inout WireWriter) throws {
        writer.writeNumber(UInt64(count))
        for element in self { try element.write(into: &writer) }
    }

    /// Reads the elements.
    ///
    /// Each takes at least a byte, so a count above the bytes that are left is a lie.
    @inlinable
    public init(from reader: inout WireReader) throws {
        let count = try reader.readLength()
        var elements: [Element] = []
        elements.reserveCapacity(Swift.min(count, 256))
        for _ in 0..<count {
            let start = reader.offset
            elements.append(try reader.read())
            guard reader.offset > start else { throw WireError(.malformedValue, detail: "an element without bytes") }
        }
        self = elements
    }
}

extension Dictionary: Wire where Key: Wire, Value: Wire {
    /// Appends the count, then keys and values in turn.
    @inlinable
    public func write(into writer: inout WireWriter) throws {
        writer.writeNumber(UInt64(count))
        for (key, value) in self {
            try key.write(into: &writer)
            try value.write(into: &writer)
        }
    }

    /// Reads the entries; a key that comes twice is refused.
    @inlinable
    public init(from reader: inout WireReader) throws {
        let count = try reader.readLength()
        self = [:]
        for _ in 0..<count {
            let start = reader.offset
            let key: Key = try reader.read()
            let value: Value = try reader.read()
            guard reader.offset > start, updateValue(value, forKey: key) == nil else {
                throw WireError(.malformedValue, detail: "a key that comes twice")
            }
        }
    }
}
