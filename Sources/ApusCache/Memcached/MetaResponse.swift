/// What memcached answered to one meta command.
///
/// - SeeAlso: memcached's doc/protocol.txt, "Meta Commands" (1.6).
struct MetaResponse: Equatable {
    /// The answer's first word.
    enum Code: Equatable {
        /// `HD`: done; or a hit whose value was not asked for.
        case done
        /// `VA`: a hit; the value's bytes lie at these offsets.
        case value(Range<Int>)
        /// `EN`: no such key.
        case miss
        /// `NS`: not stored.
        case notStored
        /// `EX`: somebody has changed it since.
        case exists
        /// `NF`: no such key to change.
        case notFound
        /// `MN`: all that was asked before has been answered.
        case end
        /// `ERROR`, `CLIENT_ERROR`, `SERVER_ERROR`: the server refuses or fails; its words lie at these offsets.
        case refused(Refusal, Range<Int>)
    }

    /// Who is at fault where the server refuses.
    enum Refusal: Equatable {
        /// The command is none that it knows.
        case unknownCommand
        /// The command is wrong in itself; the connection may be out of step.
        case client
        /// The server cannot do it now, for lack of memory mostly.
        case server
    }

    var code: Code
    /// The version for compare-and-set (`c`).
    var version: UInt64?
    /// The client's own number with the value (`f`).
    var clientFlags: UInt32 = 0
    /// Seconds left (`t`); `nil` where not asked, -1 for no end.
    var secondsLeft: Int?
    /// What the request was marked with (`O`).
    var opaque: UInt32?
    /// This client alone is to load the value (`W`).
    var mayLoad = false
    /// The value is one that was invalidated (`X`).
    var isStale = false
    /// Another client loads the value already (`Z`).
    var isBeingLoaded = false
}

/// Cuts what memcached sends into answers, apart from I/O.
struct MetaResponseParser {
    /// How far the bytes at hand bring us.
    enum Progress: Equatable {
        /// An answer that takes so many bytes.
        case response(MetaResponse, byteCount: Int)
        /// Not all of the next answer is there.
        case needMore
    }

    /// Bytes that are no answer of memcached's; the connection is of no use any more.
    struct Malformed: Error, Equatable {
        let what: String
    }

    /// Longest line without a value, in bytes: memcached's own limit.
    static let lineBytesMax = 2048
    /// Longest value believed, in bytes.
    var valueBytesMax: Int

    /// The answer that begins at `start`.
    ///
    /// - Throws: ``Malformed``.
    func next(in bytes: UnsafeRawBufferPointer, from start: Int) throws(Malformed) -> Progress {
        var line = MetaLine(bytes, start)
        guard let end = try lineEnd(bytes, start) else { return .needMore }
        line.end = end
        let behind = end + 2
        guard let word = line.word() else { throw Malformed(what: "an empty line") }
        var response: MetaResponse
        switch word.count {
        case 2:
            guard let code = try code(bytes[word.lowerBound], bytes[word.lowerBound + 1]) else {
                return try value(bytes, &line, behind)
            }
            response = MetaResponse(code: code)
            try flags(&line, &response)
        case 5 where line.matches(word, "ERROR"):
            response = MetaResponse(code: .refused(.unknownCommand, end..<end))
        case 6 where line.matches(word, "STORED"):
            // The one answer of the text protocol that a client waits for: to its login.
            response = MetaResponse(code: .done)
        case 12 where line.matches(word, "CLIENT_ERROR"):
            response = MetaResponse(code: .refused(.client, line.rest))
        case 12 where line.matches(word, "SERVER_ERROR"):
            response = MetaResponse(code: .refused(.server, line.rest))
        default:
            throw Malformed(what: "an answer of an unknown kind")
        }
        return .response(response, byteCount: behind - start)
    }

    /// The code of two letters; `nil` for the one that a value follows.
    private func code(_ first: UInt8, _ second: UInt8) throws(Malformed) -> MetaResponse.Code? {
        switch (first, second) {
        case (UInt8(ascii: "V"), UInt8(ascii: "A")): nil
        case (UInt8(ascii: "H"), UInt8(ascii: "D")): .done
        case (UInt8(ascii: "E"), UInt8(ascii: "N")): .miss
        case (UInt8(ascii: "N"), UInt8(ascii: "S")): .notStored
        case (UInt8(ascii: "E"), UInt8(ascii: "X")): .exists
        case (UInt8(ascii: "N"), UInt8(ascii: "F")): .notFound
        case (UInt8(ascii: "M"), UInt8(ascii: "N")): .end
        default: throw Malformed(what: "an answer of an unknown kind")
        }
    }

    private func value(
        _ bytes: UnsafeRawBufferPointer,
        _ line: inout MetaLine,
        _ behind: Int
    ) throws(Malformed) -> Progress {
        guard let word = line.word(), let size = line.number(word), size <= UInt64(valueBytesMax) else {
            throw Malformed(what: "a value without a size, or one that is too large")
        }
        var response = MetaResponse(code: .value(behind..<behind + Int(size)))
        try flags(&line, &response)
        let end = behind + Int(size) + 2
        guard bytes.count >= end else { return .needMore }
        guard bytes[end - 2] == 0x0D, bytes[end - 1] == 0x0A else {
            throw Malformed(what: "a value that does not end where it should")
        }
        return .response(response, byteCount: end - line.start)
    }

    private func flags(_ line: inout MetaLine, _ response: inout MetaResponse) throws(Malformed) {
        while let word = line.word() {
            let number = word.lowerBound + 1..<word.upperBound
            switch line.bytes[word.lowerBound] {
            case UInt8(ascii: "c"): response.version = try wanted(line.number(number))
            case UInt8(ascii: "f"): response.clientFlags = UInt32(truncatingIfNeeded: try wanted(line.number(number)))
            case UInt8(ascii: "O"): response.opaque = UInt32(truncatingIfNeeded: try wanted(line.number(number)))
            case UInt8(ascii: "t"):
                response.secondsLeft =
                    line.matches(number, "-1") ? -1 : Int(clamping: try wanted(line.number(number)))
            case UInt8(ascii: "W"): response.mayLoad = true
            case UInt8(ascii: "X"): response.isStale = true
            case UInt8(ascii: "Z"): response.isBeingLoaded = true
            default: break  // Flags that were not asked for say nothing to us.
            }
        }
    }

    private func wanted(_ number: UInt64?) throws(Malformed) -> UInt64 {
        guard let number else { throw Malformed(what: "a flag without its number") }
        return number
    }

    /// Where the line's end begins; `nil` where it has not come.
    private func lineEnd(_ bytes: UnsafeRawBufferPointer, _ start: Int) throws(Malformed) -> Int? {
        var index = start
        while index < bytes.count {
            if bytes[index] == 0x0A {
                guard index > start, bytes[index - 1] == 0x0D else { throw Malformed(what: "a line feed alone") }
                return index - 1
            }
            index += 1
            if index - start > Self.lineBytesMax { throw Malformed(what: "a line that is too long") }
        }
        return nil
    }
}

/// Words of one line.
private struct MetaLine {
    let bytes: UnsafeRawBufferPointer
    let start: Int
    var end = 0
    private var position: Int

    init(_ bytes: UnsafeRawBufferPointer, _ start: Int) {
        self.bytes = bytes
        self.start = start
        position = start
    }

    /// The next word; `nil` at the line's end.
    mutating func word() -> Range<Int>? {
        while position < end, bytes[position] == 0x20 { position += 1 }
        let first = position
        while position < end, bytes[position] != 0x20 { position += 1 }
        return first < position ? first..<position : nil
    }

    /// What is left of the line.
    var rest: Range<Int> { min(position + 1, end)..<end }

    func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return range.indices.allSatisfy { bytes[$0] == text.utf8Start[$0 - range.lowerBound] }
    }

    func number(_ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty, range.count <= 20 else { return nil }
        var number: UInt64 = 0
        for index in range {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            let (product, carried) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt64(digit))
            if carried || overflow { return nil }
            number = sum
        }
        return number
    }
}
