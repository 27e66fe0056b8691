/// One field of a head: where its name and value are, and which known name it is.
public struct HeaderField: Sendable, Hashable {
    /// Where the name is.
    public var name: HeadRange
    /// Where the value is, without white space at its ends.
    public var value: HeadRange
    /// The name as one byte, ``HeaderName/other`` if it is none the library knows.
    public var id: HeaderName
    /// Whether the field must not be forwarded: hop-by-hop by standard, or nominated by `Connection`.
    public var isHopByHop: Bool

    /// A field from its parts.
    @inlinable
    public init(name: HeadRange, value: HeadRange, id: HeaderName, isHopByHop: Bool) {
        self.name = name
        self.value = value
        self.id = id
        self.isHopByHop = isHopByHop
    }
}

/// The fields of one head, in the order received, in memory that its owner allocates once a connection and reuses.
///
/// A trivial handle: copying it copies a pointer. It does not own the memory; whoever called ``allocate()`` frees it.
/// Not safe to use from two threads at once.
public struct HeaderTable {
    /// Most fields a head may have; one more is refused with 431.
    public static let fieldsMax = 128
    /// Size of the block ``init(memory:)`` needs, aligned to 8.
    public static let byteCount = 16 + fieldsMax * MemoryLayout<HeaderField>.stride

    @usableFromInline let memory: UnsafeMutableRawPointer

    /// A table in `memory`: ``byteCount`` bytes, aligned to 8, that outlive every use of the table.
    @inlinable
    public init(memory: UnsafeMutableRawPointer) {
        self.memory = memory
        memory.storeBytes(of: 0, as: UInt64.self)
        memory.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
    }

    /// A table in memory of its own; end it with ``deallocate()``.
    public static func allocate() -> HeaderTable {
        HeaderTable(memory: .allocate(byteCount: byteCount, alignment: 8))
    }

    /// Gives back memory from ``allocate()``; every copy of the handle is dead from here.
    public func deallocate() { memory.deallocate() }

    /// How many fields the head has.
    @inlinable
    public var count: Int { memory.load(fromByteOffset: 8, as: Int.self) }

    /// Bit *n* is set if a field with raw value *n* of ``HeaderName`` is in the table.
    @inlinable
    public var present: UInt64 { memory.load(as: UInt64.self) }

    /// The field at `index`, which must be below ``count``.
    @inlinable
    public subscript(index: Int) -> HeaderField {
        precondition(index >= 0 && index < count, "a field index beyond the table")
        return fields[index]
    }

    /// Whether a field of that name is present.
    @inlinable
    public func contains(_ name: HeaderName) -> Bool { present & (1 &<< UInt64(name.rawValue)) != 0 }

    /// Index of the first field of that name, or `nil`.
    @inlinable
    public func firstIndex(of name: HeaderName) -> Int? {
        guard contains(name) else { return nil }
        let count = count
        var index = 0
        while index < count {
            if fields[index].id == name { return index }
            index &+= 1
        }
        return nil
    }

    /// Where the value of the first field of that name is, or `nil`.
    @inlinable
    public func value(of name: HeaderName) -> HeadRange? {
        guard let index = firstIndex(of: name) else { return nil }
        return fields[index].value
    }

    /// Index of the first field called `name`, in any case, from `start` on, for names without an id of their own.
    public func firstIndex(
        named name: StaticString,
        in head: UnsafeRawBufferPointer,
        from start: Int = 0
    ) -> Int? {
        let wanted = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        var index = start
        while index < count {
            if ASCII.equalIgnoringCase(fields[index].name.bytes(in: head), wanted) { return index }
            index += 1
        }
        return nil
    }

    /// Forgets every field.
    @inlinable
    public func removeAll() {
        memory.storeBytes(of: 0, as: UInt64.self)
        memory.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
    }

    /// Adds a field unless the table is full; false if it is.
    @inlinable
    public func append(_ field: HeaderField) -> Bool {
        let index = count
        guard index < Self.fieldsMax else { return false }
        fields[index] = field
        memory.storeBytes(of: index &+ 1, toByteOffset: 8, as: Int.self)
        memory.storeBytes(of: present | (1 &<< UInt64(field.id.rawValue)), as: UInt64.self)
        return true
    }

    /// Says that the field at `index` must not be forwarded.
    func markHopByHop(_ index: Int) { fields[index].isHopByHop = true }

    @usableFromInline var fields: UnsafeMutablePointer<HeaderField> {
        @inlinable get { (memory + 16).assumingMemoryBound(to: HeaderField.self) }
    }
}
