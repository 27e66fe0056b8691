import Glibc

/// Reads comma-separated records from a stream of bytes, a record at a time, in constant memory.
///
/// Takes LF and CRLF as the end of a record. A quote inside an unquoted field, text after a closing quote, a record
/// with another number of fields and bytes that are no UTF-8 are refused.
///
/// - SeeAlso: RFC 4180, section 2.
struct CSVReader {
    /// One record's fields, valid until the next one is read.
    struct Record {
        fileprivate let fields: UnsafeBufferPointer<UnsafeRawBufferPointer>
        /// Counted from 1, line breaks inside quotes not counted.
        let number: Int

        /// The bytes of the field at `index`, without quotes.
        func bytes(_ index: Int) -> UnsafeRawBufferPointer { fields[index] }

        /// The field at `index`.
        ///
        /// - Throws: ``ShopError`` where it is no UTF-8.
        func text(_ index: Int) throws(ShopError) -> String {
            guard let text = String(validating: fields[index], as: UTF8.self) else {
                throw .malformedSales(line: number, "not UTF-8")
            }
            return text
        }
    }

    /// How many fields every record has.
    let fieldCount: Int
    /// Longest record believed, in bytes; it also bounds the memory used.
    let recordBytesMax: Int

    init(fieldCount: Int, recordBytesMax: Int = 1 << 16) {
        precondition(fieldCount > 0 && recordBytesMax > 0, "a reader needs room for a field")
        self.fieldCount = fieldCount
        self.recordBytesMax = recordBytesMax
    }

    /// Calls `body` with each record in turn.
    ///
    /// - Parameters:
    ///   - fill: Puts the next bytes at the start of a buffer and returns how many; 0 at the end.
    ///   - body: Uses the record before it returns.
    /// - Throws: ``ShopError`` with code `malformedSales`, or what `fill` and `body` throw.
    func forEachRecord(
        from fill: (UnsafeMutableRawBufferPointer) throws -> Int,
        _ body: (Record) throws -> Void
    ) throws {
        let capacity = max(1 << 20, 2 * recordBytesMax)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        defer { buffer.deallocate() }
        let fields = UnsafeMutableBufferPointer<UnsafeRawBufferPointer>.allocate(capacity: fieldCount)
        defer { fields.deallocate() }
        guard let base = buffer.baseAddress else { return }
        var (start, end, number, atEnd) = (0, 0, 0, false)
        while true {
            let pending = UnsafeMutableRawBufferPointer(start: base + start, count: end - start)
            let length = try parse(pending, isLast: atEnd, number: number + 1, into: fields)
            if length > 0 {
                number += 1
                try body(Record(fields: UnsafeBufferPointer(fields), number: number))
                start += length
                continue
            }
            if atEnd { return }
            guard end - start <= recordBytesMax else {
                throw ShopError.malformedSales(line: number + 1, "longer than \(recordBytesMax) B")
            }
            memmove(base, base + start, end - start)
            (start, end) = (0, end - start)
            let count = try fill(UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end))
            if count == 0 { atEnd = true }
            end += count
        }
    }

    /// Splits the record at the start of `bytes`; quoted fields are unescaped in place once the record is complete.
    ///
    /// - Returns: The record's length with its line end, or 0 while it is incomplete.
    private func parse(
        _ bytes: UnsafeMutableRawBufferPointer,
        isLast: Bool,
        number: Int,
        into fields: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>
    ) throws(ShopError) -> Int {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return 0 }
        let (comma, quote, newline, carriage) = (UInt8(44), UInt8(34), UInt8(10), UInt8(13))
        var (position, field, hasEscapes) = (0, 0, false)
        while true {
            guard field < fieldCount else {
                throw .malformedSales(line: number, "more than \(fieldCount) fields")
            }
            var (fieldStart, fieldEnd) = (position, position)
            if position < bytes.count, bytes[position] == quote {
                fieldStart = position + 1
                position = fieldStart
                while true {
                    guard let found = memchr(base + position, Int32(quote), bytes.count - position) else {
                        if isLast { throw .malformedSales(line: number, "a quote is not closed") }
                        return 0
                    }
                    position = UnsafeMutableRawPointer(found) - base + 1
                    guard position < bytes.count, bytes[position] == quote else { break }
                    hasEscapes = true
                    position += 1
                }
                fieldEnd = position - 1
            } else {
                while position < bytes.count {
                    let byte = bytes[position]
                    if byte == comma || byte == newline { break }
                    if byte == quote { throw .malformedSales(line: number, "a quote inside an unquoted field") }
                    position += 1
                }
                fieldEnd = position
            }
            if position == bytes.count, !isLast { return 0 }
            let isOver = position == bytes.count || bytes[position] == newline
            if isOver, fieldEnd == position, fieldEnd > fieldStart, bytes[fieldEnd - 1] == carriage { fieldEnd -= 1 }
            if !isOver, bytes[position] == carriage {
                // After a closing quote: CRLF, or nothing we know.
                guard position + 1 < bytes.count else {
                    if isLast { throw .malformedSales(line: number, "text after a closing quote") }
                    return 0
                }
                position += 1
            }
            fields[field] = UnsafeRawBufferPointer(start: base + fieldStart, count: fieldEnd - fieldStart)
            field += 1
            if position == bytes.count || bytes[position] == newline { break }
            guard bytes[position] == comma else {
                throw .malformedSales(line: number, "text after a closing quote")
            }
            position += 1
        }
        guard field == fieldCount else {
            throw .malformedSales(line: number, "\(field) fields, not \(fieldCount)")
        }
        if hasEscapes { for index in 0..<fieldCount { fields[index] = unescaped(fields[index]) } }
        return min(position + 1, bytes.count)
    }

    /// Turns two quotes into one, in place.
    private func unescaped(_ field: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let bytes = UnsafeMutableRawBufferPointer(mutating: field)
        var (from, to) = (0, 0)
        while from < bytes.count {
            bytes[to] = bytes[from]
            // Quotes come in pairs inside a quoted field; unquoted fields have none.
            from += bytes[from] == 34 ? 2 : 1
            to += 1
        }
        return UnsafeRawBufferPointer(rebasing: field[..<to])
    }
}
