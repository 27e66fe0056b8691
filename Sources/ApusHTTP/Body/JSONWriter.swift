/// Writes JSON front to back onto a ``ByteWriter``: commas by itself, no tree, no allocation.
///
/// ```swift
/// writer.json { json in
///     json.beginObject()
///     json.field("id", 7)
///     json.field("name", product.name)
///     json.endObject()
/// }
/// ```
public struct JSONWriter: ~Copyable {
    @usableFromInline var out: ByteWriter
    @usableFromInline var needsComma = false
    @usableFromInline var depth = 0

    @inlinable
    init(_ out: consuming ByteWriter) { self.out = out }

    @inlinable
    consuming func finish() -> ByteWriter {
        precondition(depth == 0, "a JSON object or array was begun and not ended")
        return out
    }

    @inlinable
    consuming func abandon() -> ByteWriter { out }

    @inline(__always)
    private mutating func separate() {
        if needsComma { out.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    @inline(__always)
    private mutating func begin(_ bracket: UInt8) {
        separate()
        out.append(bracket)
        depth &+= 1
        needsComma = false
    }

    @inline(__always)
    private mutating func end(_ bracket: UInt8) {
        precondition(depth > 0, "a JSON object or array was ended and not begun")
        out.append(bracket)
        depth &-= 1
        needsComma = true
    }

    /// Begins an object.
    public mutating func beginObject() { begin(UInt8(ascii: "{")) }
    /// Ends an object.
    public mutating func endObject() { end(UInt8(ascii: "}")) }
    /// Begins an array.
    public mutating func beginArray() { begin(UInt8(ascii: "[")) }
    /// Ends an array.
    public mutating func endArray() { end(UInt8(ascii: "]")) }

    /// Writes a member's name, which must need no escaping; its value is next.
    @inline(__always)
    public mutating func key(_ name: StaticString) {
        separate()
        out.append(UInt8(ascii: "\""))
        out.append(name)
        out.append("\":")
        needsComma = false
    }

    /// Writes a member's name, escaped; its value is next.
    public mutating func key(string name: String) {
        value(name)
        out.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a string.
    public mutating func value(_ string: String) {
        separate()
        out.append(UInt8(ascii: "\""))
        out.append(jsonEscaping: string)
        out.append(UInt8(ascii: "\""))
    }

    /// Writes valid UTF-8 as a string.
    public mutating func value(utf8: UnsafeRawBufferPointer) {
        separate()
        out.append(UInt8(ascii: "\""))
        out.append(jsonEscaping: utf8)
        out.append(UInt8(ascii: "\""))
    }

    /// Writes a whole number.
    public mutating func value(_ number: Int) {
        separate()
        out.append(decimal: number)
    }

    /// Writes a number; what is not finite becomes `null`, since JSON has no word for it.
    public mutating func value(_ number: Double) {
        separate()
        if number.isFinite { out.append(string: number.description) } else { out.append("null") }
    }

    /// Writes `true` or `false`.
    public mutating func value(_ flag: Bool) {
        separate()
        out.append(flag ? "true" : "false")
    }

    /// Writes `null`.
    public mutating func null() {
        separate()
        out.append("null")
    }

    /// Writes bytes that are JSON already, such as an encoded value.
    public mutating func value(json: UnsafeRawBufferPointer) {
        separate()
        out.append(json)
    }

    /// Writes a member of an object.
    public mutating func field(_ name: StaticString, _ value: String) {
        key(name)
        self.value(value)
    }

    /// Writes a member of an object.
    public mutating func field(_ name: StaticString, _ value: Int) {
        key(name)
        self.value(value)
    }

    /// Writes a member of an object.
    public mutating func field(_ name: StaticString, _ value: Double) {
        key(name)
        self.value(value)
    }

    /// Writes a member of an object.
    public mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        self.value(value)
    }
}

extension ByteWriter {
    /// Appends the JSON that `body` writes; if it throws, what it wrote is taken back.
    @inlinable
    public mutating func json<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        let start = count
        var writer = JSONWriter(self)
        do throws(Failure) {
            try body(&writer)
        } catch {
            self = writer.abandon()
            truncate(to: start)
            throw error
        }
        self = writer.finish()
    }
}
