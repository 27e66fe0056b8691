import Glibc

/// A field of a hash: next, hash, key length, then the value's length (4) and room (4), the key, the value.
struct FieldLayout: ChainLayout {
    static var keyOffset: Int { 24 }
}

/// A field's block.
//
// A bare pointer to a block of the layout above; good until the hash changes.
struct Field {
    let base: UnsafeMutableRawPointer

    @inline(__always) var key: UnsafeRawBufferPointer { ChainTable<FieldLayout>.key(base) }
    @inline(__always) private var keyCount: Int { ChainTable<FieldLayout>.keyCount(base) }
    @inline(__always) var valueCount: Int {
        get { Int(base.load(fromByteOffset: 16, as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 16, as: UInt32.self) }
    }
    @inline(__always) var room: Int {
        get { Int(base.load(fromByteOffset: 20, as: UInt32.self)) }
        nonmutating set { base.storeBytes(of: UInt32(truncatingIfNeeded: newValue), toByteOffset: 20, as: UInt32.self) }
    }
    @inline(__always) var valueStart: UnsafeMutableRawPointer { base + FieldLayout.keyOffset + keyCount }
    @inline(__always) var value: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: valueStart, count: valueCount) }
    @inline(__always) var weight: Int { BlockMemory.weight(FieldLayout.keyOffset + keyCount + room) }
}

/// A hash: fields with values, each pair in one block that is overwritten in place where it fits.
struct HashValue: ~Copyable {
    private var table = ChainTable<FieldLayout>()
    private var blockBytes = 0

    var count: Int { table.count }
    /// What it takes, in bytes.
    var weight: Int { blockBytes + table.arrayBytes + 64 }

    deinit { table.forEach { BlockMemory.free($0) } }

    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer, _ hash: UInt32) -> Field? {
        table.find(key.start, key.count, hash).pointee.map { Field(base: $0) }
    }

    /// - Returns: True where the field is new.
    @inline(__always)
    mutating func set(_ key: UnsafeRawBufferPointer, _ hash: UInt32, _ value: UnsafeRawBufferPointer) -> Bool {
        let link = table.find(key.start, key.count, hash)
        if let base = link.pointee {
            let field = Field(base: base)
            if value.count <= field.room, field.room <= 64 || value.count >= field.room / 2 {
                memcpy(field.valueStart, value.start, value.count)
                field.valueCount = value.count
                return false
            }
            blockBytes -= field.weight
            table.replace(link, with: make(key, hash, value))
            BlockMemory.free(base)
            return false
        }
        table.insert(make(key, hash, value))
        return true
    }

    private mutating func make(
        _ key: UnsafeRawBufferPointer,
        _ hash: UInt32,
        _ value: UnsafeRawBufferPointer
    ) -> UnsafeMutableRawPointer {
        let bytes = BlockMemory.usable(FieldLayout.keyOffset + key.count + value.count)
        let field = Field(base: BlockMemory.allocate(bytes))
        ChainTable<FieldLayout>.prepare(field.base, key.start, key.count, hash)
        field.room = bytes - FieldLayout.keyOffset - key.count
        field.valueCount = value.count
        memcpy(field.valueStart, value.start, value.count)
        blockBytes += field.weight
        return field.base
    }

    /// - Returns: True where the field was there.
    mutating func remove(_ key: UnsafeRawBufferPointer, _ hash: UInt32) -> Bool {
        let link = table.find(key.start, key.count, hash)
        guard let block = link.pointee else { return false }
        blockBytes -= Field(base: block).weight
        table.remove(link)
        BlockMemory.free(block)
        return true
    }

    func forEach(_ body: (Field) -> Void) { table.forEach { body(Field(base: $0)) } }

    func scan(from position: UInt64, wanted: Int, _ body: (Field) -> Void) -> UInt64 {
        table.scan(from: position, wanted: wanted) { body(Field(base: $0)) }
    }

    func random(_ random: inout some RandomNumberGenerator) -> Field? { table.random(&random).map { Field(base: $0) } }

    /// Forgets up to `most` fields; true once there is none.
    mutating func release(_ most: Int) -> Bool {
        guard table.count > most else { return true }
        var victims: [UnsafeMutableRawPointer] = []
        _ = table.scan(from: 0, wanted: most) { victims.append($0) }
        for block in victims {
            blockBytes -= Field(base: block).weight
            table.remove(table.link(to: block))
            BlockMemory.free(block)
        }
        return false
    }
}

extension UnsafeRawBufferPointer {
    /// Where the bytes begin; where there are none, an address that nobody reads from.
    @inline(__always)
    var start: UnsafeRawPointer { baseAddress ?? UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped }
}
