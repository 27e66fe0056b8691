#if PostgreSQL
import CPostgres
import Glibc

/// The values of one statement as libpq wants them; used again for each statement of a connection.
///
/// Numbers and bytes go in binary and say their type. Text goes as text without a type, so that the server takes it for
/// what stands there: a VARCHAR, a UUID, a date. NULL has no type either.
///
/// - SeeAlso: postgresql.org/docs/15/libpq-exec.html on PQexecParams, and /protocol-overview.html, 55.1.3.
final class PostgresParameters {
    private static let int8: Oid = 20
    private static let float8: Oid = 701
    private static let bytea: Oid = 17
    /// The protocol counts parameters in 16 bits.
    static let countMax = 65_535

    private(set) var count = 0
    private(set) var types: UnsafeMutablePointer<Oid>
    private(set) var values: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private(set) var lengths: UnsafeMutablePointer<Int32>
    private(set) var formats: UnsafeMutablePointer<Int32>
    private var places = 16
    private var bytes: UnsafeMutablePointer<UInt8>
    private var bytesPlaces = 1024

    init() {
        types = .allocate(capacity: places)
        values = .allocate(capacity: places)
        lengths = .allocate(capacity: places)
        formats = .allocate(capacity: places)
        bytes = .allocate(capacity: bytesPlaces)
    }

    deinit {
        types.deallocate()
        values.deallocate()
        lengths.deallocate()
        formats.deallocate()
        bytes.deallocate()
    }

    /// Takes the statement's values.
    ///
    /// - Throws: ``StoreError``: `valueInvalid` for text with a zero byte, which the server cannot keep; `tooLarge`.
    func set(_ sql: SQL) throws {
        count = sql.parameters
        // The commonest statement has one whole number: nothing of it is copied.
        if count == 1, let number = sql.onlyInteger {
            var next = bytes
            return put(number, 0, &next)
        }
        guard count > 0 else { return }
        try reserve(sql)
        var next = bytes
        var index = 0
        try sql.forEachValue { value in
            try put(value, index, &next)
            index += 1
        }
    }

    @inline(__always)
    private func put(_ number: Int64, _ index: Int, _ next: inout UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(next).storeBytes(of: number.bigEndian, as: Int64.self)
        put(8, Self.int8, index, &next)
    }

    private func put(_ value: SQLValue, _ index: Int, _ next: inout UnsafeMutablePointer<UInt8>) throws {
        switch value {
        case .integer(let number): put(number, index, &next)
        case .real(let number):
            UnsafeMutableRawPointer(next).storeBytes(of: number.bitPattern.bigEndian, as: UInt64.self)
            put(8, Self.float8, index, &next)
        case .null:
            values[index] = nil
            types[index] = 0
            lengths[index] = 0
            formats[index] = 0
        case .text(var text):
            let start = next
            let count = try text.withUTF8 { utf8 -> Int in
                guard let source = utf8.baseAddress else { return 0 }
                guard memchr(source, 0, utf8.count) == nil else {
                    throw StoreError(.valueInvalid, "PostgreSQL keeps no text with a zero byte")
                }
                start.update(from: source, count: utf8.count)
                return utf8.count
            }
            start[count] = 0
            put(count, 0, index, &next)
            formats[index] = 0
            next += 1
        case .bytes(let blob):
            blob.withUnsafeBufferPointer { source in
                if let source = source.baseAddress { next.update(from: source, count: blob.count) }
            }
            put(blob.count, Self.bytea, index, &next)
        }
    }

    @inline(__always)
    private func put(_ count: Int, _ type: Oid, _ index: Int, _ next: inout UnsafeMutablePointer<UInt8>) {
        values[index] = UnsafeRawPointer(next).assumingMemoryBound(to: CChar.self)
        types[index] = type
        lengths[index] = Int32(truncatingIfNeeded: count)
        formats[index] = 1
        next += count
    }

    /// Makes room for all values, so that none moves while the others are written.
    private func reserve(_ sql: SQL) throws {
        guard count <= Self.countMax else {
            throw StoreError(.tooLarge, "\(count) parameters, at most \(Self.countMax)")
        }
        var size = 0
        sql.forEachValue { value in
            switch value {
            case .text(let text): size += text.utf8.count + 1
            case .bytes(let blob): size += blob.count
            default: size += 8
            }
        }
        // Its messages count bytes in 31 bits.
        guard size < 1 << 30 else { throw StoreError(.tooLarge, "\(size) B of parameters, at most \(1 << 30)") }
        if size > bytesPlaces {
            bytes.deallocate()
            bytesPlaces = size * 2
            bytes = .allocate(capacity: bytesPlaces)
        } else if bytesPlaces > 1 << 20, size < 1 << 16 {
            // One large statement is no reason to keep so much for good.
            bytes.deallocate()
            bytesPlaces = 1 << 16
            bytes = .allocate(capacity: bytesPlaces)
        }
        guard count > places else { return }
        for memory in [
            UnsafeMutableRawPointer(types), UnsafeMutableRawPointer(values), UnsafeMutableRawPointer(lengths),
            UnsafeMutableRawPointer(formats),
        ] {
            memory.deallocate()
        }
        places = count * 2
        types = .allocate(capacity: places)
        values = .allocate(capacity: places)
        lengths = .allocate(capacity: places)
        formats = .allocate(capacity: places)
    }
}
#endif
