import Glibc

/// Finds where a reply ends in what a server sends, without its socket, a copy or an allocation.
///
/// It checks everything that a reader relies on: what it calls complete, ``RESPReplyReader`` decodes without a doubt. While a
/// reply is incomplete it is given the bytes from the reply's first on again with more behind, and goes on where it was.
///
/// - SeeAlso: "Redis serialization protocol specification", versions 2 and 3. Streamed strings and arrays (`$?`, `*?`) are
///   refused: no server sends them.
//
// Raw memory for the levels of nesting, as many as the limit allows, with one owner as the type is not copyable.
struct RESPReplyScanner: ~Copyable {
    enum Outcome: Equatable {
        /// A reply in so many bytes.
        case complete(bytes: Int)
        /// More is needed.
        case incomplete
        case malformed(RESPError)
    }

    private let limits: RESPLimits
    // What is still to come at each level of nesting.
    private let left: UnsafeMutablePointer<Int>
    private var depth = 0
    private var cursor = 0
    // The bulk that has begun: its length, or -1.
    private var bulk = -1
    private var isVerbatim = false
    private var searched = 0

    init(_ limits: RESPLimits = RESPLimits()) {
        self.limits = limits
        left = .allocate(capacity: limits.depthMax + 1)
    }

    deinit { left.deallocate() }

    /// How many bytes from the reply's first on are known to be needed; 0 where that is not known.
    var bytesNeeded: Int { bulk >= 0 ? cursor + bulk + 2 : 0 }

    /// Looks for the end of the reply that begins at `base`, in the `count` bytes that are there.
    mutating func scan(_ base: UnsafeRawPointer, _ count: Int) -> Outcome {
        do throws(RESPError) {
            while try step(base, count) {
                // What was taken completes as many levels as end with it.
                while depth > 0 {
                    // Not `&-=`: with the thread sanitizer the 6.3 compiler dies on it.
                    left[depth] = left[depth] &- 1
                    if left[depth] > 0 { break }
                    depth &-= 1
                }
                if depth == 0 {
                    defer { cursor = 0 }
                    return .complete(bytes: cursor)
                }
            }
            return .incomplete
        } catch {
            reset()
            return .malformed(error)
        }
    }

    /// Forgets everything: what follows begins with a reply.
    mutating func reset() {
        depth = 0
        cursor = 0
        bulk = -1
        isVerbatim = false
        searched = 0
    }

    /// Takes values until one is whole; false where more bytes are needed.
    private mutating func step(_ base: UnsafeRawPointer, _ count: Int) throws(RESPError) -> Bool {
        while true {
            if bulk >= 0 { return try endBulk(base, count) }
            guard cursor < count else { return false }
            guard let end = try lineEnd(base, count) else { return false }
            let (start, type) = (cursor + 1, RESPNumber.byte(base, cursor))
            cursor = end + 2
            switch type {
            case UInt8(ascii: "+"), UInt8(ascii: "-"): return true
            case UInt8(ascii: ":"):
                guard RESPNumber.lenient(base, start, end) != nil else { throw .malformedNumber }
                return true
            case UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "="):
                guard let length = RESPNumber.strict(base, start, end), length <= limits.bulkBytesMax else {
                    throw .malformedBulkLength
                }
                if length == -1, type == UInt8(ascii: "$") { return true }
                guard length >= 0 else { throw .malformedBulkLength }
                isVerbatim = type == UInt8(ascii: "=")
                if isVerbatim, length < 4 { throw .malformedVerbatim }
                bulk = length
            case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ">"), UInt8(ascii: "%"), UInt8(ascii: "|"):
                if try beginAggregate(type, base, start, end) { return true }
            default:
                try scanScalar(type, base, start, end)
                return true
            }
        }
    }

    /// Null, boolean, double and big number, which RESP3 has.
    private func scanScalar(_ type: UInt8, _ base: UnsafeRawPointer, _ start: Int, _ end: Int) throws(RESPError) {
        switch type {
        case UInt8(ascii: "_"):
            guard start == end else { throw .malformedNumber }
        case UInt8(ascii: "#"):
            let byte = start + 1 == end ? RESPNumber.byte(base, start) : 0
            guard byte == UInt8(ascii: "t") || byte == UInt8(ascii: "f") else { throw .malformedNumber }
        case UInt8(ascii: ","):
            guard RESPNumber.double(base, start, end) != nil else { throw .malformedNumber }
        case UInt8(ascii: "("):
            var offset = start
            if offset < end, RESPNumber.byte(base, offset) == 0x2D || RESPNumber.byte(base, offset) == 0x2B {
                offset += 1
            }
            guard offset < end else { throw .malformedNumber }
            while offset < end {
                guard RESPNumber.byte(base, offset) &- 0x30 <= 9 else { throw .malformedNumber }
                offset += 1
            }
        default: throw .unknownType(type)
        }
    }

    /// - Returns: True where it is whole already: it is empty, or RESP2's null array.
    private mutating func beginAggregate(
        _ type: UInt8,
        _ base: UnsafeRawPointer,
        _ start: Int,
        _ end: Int
    ) throws(RESPError) -> Bool {
        guard let number = RESPNumber.strict(base, start, end), number <= limits.elementsMax else {
            throw .malformedCount
        }
        if number == -1, type == UInt8(ascii: "*") { return true }
        guard number >= 0 else { throw .malformedCount }
        let isAttribute = type == UInt8(ascii: "|")
        var elements = type == UInt8(ascii: "%") || isAttribute ? number * 2 : number
        // Attributes stand before the value that they are about.
        if isAttribute { elements += 1 }
        if elements == 0 { return true }
        guard depth < limits.depthMax else { throw .nestedTooDeeply }
        depth += 1
        left[depth] = elements
        return false
    }

    private mutating func endBulk(_ base: UnsafeRawPointer, _ count: Int) throws(RESPError) -> Bool {
        let end = cursor &+ bulk
        guard end &+ 2 <= count else { return false }
        guard RESPNumber.byte(base, end) == 0x0D, RESPNumber.byte(base, end &+ 1) == 0x0A else {
            throw .missingTerminator
        }
        if isVerbatim, RESPNumber.byte(base, cursor + 3) != UInt8(ascii: ":") { throw .malformedVerbatim }
        isVerbatim = false
        cursor = end &+ 2
        bulk = -1
        return true
    }

    /// Where the line at the cursor ends, before its CR LF; `nil` where it does not yet.
    private mutating func lineEnd(_ base: UnsafeRawPointer, _ count: Int) throws(RESPError) -> Int? {
        let from = max(searched, cursor)
        guard let found = memchr(base + from, 0x0D, count - from) else {
            if count - cursor > limits.lineBytesMax { throw .lineTooLong }
            searched = count
            return nil
        }
        let end = UnsafeRawPointer(found) - base
        guard end - cursor <= limits.lineBytesMax else { throw .lineTooLong }
        guard end + 1 < count else {
            searched = end
            return nil
        }
        guard RESPNumber.byte(base, end + 1) == 0x0A else { throw .missingTerminator }
        searched = 0
        return end
    }
}
